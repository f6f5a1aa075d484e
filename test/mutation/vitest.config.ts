import { defineConfig } from "vitest/config";

/** The tests that every mutant is tried by, unless LINUXNET_MUTATION_TESTS names others: those that need no more than a machine. */
const tests = process.env.LINUXNET_MUTATION_TESTS?.split(" ") ?? [
  "test/unit/lifecycle/*.test.ts",
  "test/unit/resources/*.test.ts",
  "test/kernel/netns.test.ts",
];

export default defineConfig({ test: { include: tests, testTimeout: 300_000 } });
