import { defineConfig } from "vitest/config";

const report = process.env.LINUXNET_TEST_REPORT;

/** Tests that change a kernel: one file at a time, and no project of them beside another. */
const oneByOne = (name: string, groupOrder: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    fileParallelism: false,
    sequence: { groupOrder },
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});

export default defineConfig({
  test: {
    reporters: report ? ["default", "json"] : ["default"],
    ...(report && { outputFile: { json: report } }),
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], sequence: { groupOrder: 0 } } },
      oneByOne("kernel", 1),
      oneByOne("ssh", 2),
      oneByOne("e2e", 3),
    ],
  },
});
