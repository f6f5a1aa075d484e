import { defineConfig } from "vitest/config";
import { warm } from "./warm.ts";

/** The tests that every mutant is tried by, unless LINUXNET_MUTATION_TESTS names others: those that need no more than a machine. */
const tests = process.env.LINUXNET_MUTATION_TESTS?.split(" ") ?? [
  "test/unit/lifecycle/*.test.ts",
  "test/unit/resources/*.test.ts",
  "test/kernel/netns.test.ts",
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
    setupFiles: ["test/mutation/inactive.ts"],
    isolate: false,
    testTimeout: 300_000,
  },
});
