"use strict";

// Plain CommonJS that parses on any Node: what says, in one sentence, that a Node is too old.

const NEEDED = [22, 18];

/** The sentence for a Node that can't run this package, or undefined for one that can. */
exports.tooOld = function tooOld(version) {
  const [major, minor] = version.split(".").map(Number);
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return undefined;
  return (
    "pulumi-linuxnet needs Node " +
    NEEDED.join(".") +
    " or newer, and the `node` that the Pulumi engine found first on " +
    "PATH is " +
    version +
    " (" +
    process.execPath +
    "): put a newer one first, for example " +
    "`PATH=$PWD/node_modules/.bin:$PATH pulumi up` where the npm package `node` is installed."
  );
};
