"use strict";

// What the engine's plugin loads, by the `__provider` string of every resource: `require("pulumi-linuxnet/runtime")`.
// The engine starts the plugin with the `node` it finds on PATH, so this file has to parse on any.

const message = require("./node-version.cjs").tooOld(process.versions.node);
if (message) {
  const error = new Error(message);
  error.stack = ""; // the SDK prints the stack of what is thrown: a user is to see the sentence alone
  throw error;
}

module.exports = require("./dist/runtime.js");
