"use strict";

// What the engine's plugin loads, by the `__provider` string of every resource: `require("pulumi-linuxnet/runtime")`.
// The engine starts the plugin with the `node` it finds on PATH, so this file has to parse on any.

const message = require("./node-version.cjs").tooOld(process.versions.node);
if (message) throw sentence(message);

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
