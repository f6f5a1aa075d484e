import { defineConfig } from "vitest/config";
import { warm } from "./warm.ts";

/**
 * The tests that every change is tried by, unless LINUXNET_MUTATION_TESTS names others: all of these folders but those that start
 * machines or wait, by which a change would take seconds.
 */
const tests = process.env.LINUXNET_MUTATION_TESTS?.split(" ") ?? [
  "test/unit/lifecycle/*.test.ts",
  "test/unit/resources/*.test.ts",
];

export default defineConfig({
  // Stryker's runner asks for vitest's own threads.
  plugins: [
    {
      name: "warm",
      configureVitest: ({ project }) => Object.assign(project.config, { pool: warm.name, poolRunner: warm }),
    },
  ],
  test: {
    include: tests,
    exclude: process.env.LINUXNET_MUTATION_TESTS ? [] : ["test/unit/lifecycle/{clock,converge}.test.ts"],
    setupFiles: ["test/mutation/inactive.ts"],
    isolate: false,
    testTimeout: 300_000,
  },
});
