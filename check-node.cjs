"use strict";

// Imported first by a program's entry file (`import "pulumi-linuxnet/check-node"`): ends a Node that is too old to run
// TypeScript with one sentence, where Node itself would print a stack trace. 32 is the exit code by which the engine's
// language host knows that the user has been told.

const message = require("./node-version.cjs").tooOld(process.versions.node);
if (message) {
  console.error(message);
  process.exit(32);
}
