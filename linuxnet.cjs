#!/usr/bin/env node
"use strict";

// The command `linuxnet`. Plain CommonJS that parses on any Node: an old one gets one sentence.

const message = require("./node-version.cjs").tooOldForCommand(process.versions.node);
if (message) {
  console.error(`linuxnet: ${message}`);
  process.exitCode = 2;
} else {
  import("./dist/cli.js").then(
    (cli) => cli.start(),
    (error) => {
      console.error(`linuxnet: it cannot be loaded: ${String(error.message).split("\n")[0]}`);
      process.exitCode = 2;
    },
  );
}
