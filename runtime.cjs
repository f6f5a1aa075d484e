"use strict";

// What the engine's plugin loads, by the `__provider` string of every resource: `require("pulumi-linuxnet/runtime")`.
// The engine starts the plugin with the `node` it finds on PATH, so this file has to parse on any.

const message = require("./node-version.cjs").tooOld(process.versions.node);
if (message) throw sentence(message);

// V8 lets young objects take three times 16 MB and more before it looks which of them are needed: for 1,000 containers 150 MB
// of memory that hold nothing. Their space stays as big as it is (v8.h, semi_space_growth_factor).
require("node:v8").setFlagsFromString("--semi-space-growth-factor=1");

module.exports = require("./dist/runtime.js");

// The engine ends its plugin by a signal: what NODE_COMPILE_CACHE is to keep of it is written here, or never.
const { flushCompileCache } = require("node:module");
if (flushCompileCache) flushCompileCache();

/** An error that is shown once and without a stack: the SDK logs `${error}: ${error.stack}` beside reporting its message. */
function sentence(text) {
  const error = new Error(text);
  error.stack = "";
  error.toString = () => "";
  const log = console.error;
  console.error = (first, ...rest) => first === ": " || log(first, ...rest);
  return error;
}
