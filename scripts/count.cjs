"use strict";

// Prints "N passed, N failed" from vitest's JSON report, whose path is the argument, and the checks that failed before it.
// Exits with 1 when something failed or nothing ran.

const fs = require("node:fs");
const file = process.argv[2];
const read = (name) => (fs.existsSync(name) ? fs.readFileSync(name, "utf8") : "");

const report = JSON.parse(read(file) || "{}");
const checks = read(`${file}.checks`).split("\n").filter(Boolean).length;
// A file that could not be loaded, or whose hook failed, counts as one failure: none of its tests may say so.
const broken = (report.testResults || []).filter(
  (suite) => suite.status === "failed" && !suite.assertionResults.some((test) => test.status === "failed"),
).length;

const passed = report.numPassedTests || 0;
const skipped = (report.numPendingTests || 0) + (report.numTodoTests || 0);
let failed = (report.numFailedTests || 0) + broken + checks;
const success = report.success === true && failed === 0 && passed > 0;
if (!success && failed === 0) failed = 1;

console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`);
process.exit(success ? 0 : 1);
