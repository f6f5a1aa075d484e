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
const slow = process.env.LINUXNET_MUTATION_TESTS ? [] : ["test/unit/lifecycle/{clock,converge}.test.ts"];

/** Each change gets a thread of its own. In one that is kept, a program's networks are there still when it is declared again. */
const cold = process.env.LINUXNET_MUTATION_COLD !== undefined;
const once = cold ? [] : ["test/unit/resources/outputs.test.ts"];

export default defineConfig({
  // Stryker's runner asks for vitest's own threads.
  plugins: [
    {
      name: "warm",
      configureVitest: ({ project }) =>
        void (cold || Object.assign(project.config, { pool: warm.name, poolRunner: warm })),
    },
  ],
  test: {
    include: tests,
    exclude: [...slow, ...once],
    setupFiles: ["test/mutation/inactive.ts"],
    isolate: false,
    testTimeout: 300_000,
  },
});
