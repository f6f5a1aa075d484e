import { defineConfig } from "vitest/config";

const report = process.env.LINUXNET_TEST_REPORT;

/** Tests that change a kernel: each has machines of its own, so two files may run at a time; no project beside another. */
const inTurn = (name: string, groupOrder: number, patience = 180_000, maxWorkers = 2) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    maxWorkers,
    sequence: { groupOrder },
    testTimeout: patience,
    hookTimeout: patience,
  },
});

export default defineConfig({
  test: {
    reporters: report ? ["default", "json"] : ["default"],
    ...(report && { outputFile: { json: report } }),
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], sequence: { groupOrder: 0 } } },
      inTurn("kernel", 1),
      inTurn("ssh", 2),
      inTurn("e2e", 3),
      // Real machines: `npm run test:vm` alone.
      ...(process.env.LINUXNET_VM ? [inTurn("vm", 4, 1_200_000, 1)] : []),
      // Beside Debian's docker.io: `npm run test:conformance` alone.
      ...(process.env.LINUXNET_DOCKER ? [inTurn("conformance", 5, 300_000, 1)] : []),
    ],
  },
});
