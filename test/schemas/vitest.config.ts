import { defineConfig } from "vitest/config";

/** The tests of the schemas, and the files that hold the schemas: no branch of these may be without a test. */
export default defineConfig({
  test: {
    include: [
      "test/unit/hostile.test.ts",
      "test/unit/lifecycle/{check,refused,schemas,values}.test.ts",
      "test/unit/resources/lab.test.ts",
      "test/unit/kernel/{addresses,duration,impairment,resolver}.test.ts",
    ],
    testTimeout: 120_000,
    coverage: {
      provider: "v8",
      include: [
        "provider/kernel/*schema.ts",
        "provider/kernel/{addresses,connection,dictionary,duration,impairment-shape,publish-notation}.ts",
        "provider/lifecycle/check.ts",
        "provider/resources/lab/{rules,shape}.ts",
      ],
      reporter: ["text"],
      thresholds: { branches: 100 },
    },
  },
});
