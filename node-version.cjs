"use strict";

// Plain CommonJS that parses on any Node: what says, in one sentence, that a Node is too old.

const NEEDED = [22, 18];

function isOld(version) {
  const [major, minor] = version.split(".").map(Number);
  return major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1]);
}

const needed = `pulumi-linuxnet needs Node ${NEEDED.join(".")} or newer, and the \`node\` that `;

/** The sentence for a Node that can't run this package, or undefined for one that can. */
exports.tooOld = function tooOld(version) {
  if (!isOld(version)) return undefined;
  return (
    needed +
    "the Pulumi engine found first on PATH is " +
    version +
    " (" +
    process.execPath +
    "): put a newer one first, for example " +
    "`PATH=$PWD/node_modules/.bin:$PATH pulumi up` where the npm package `node` is installed."
  );
};

/** The same for the command `linuxnet`. */
exports.tooOldForCommand = function tooOldForCommand(version) {
  if (!isOld(version)) return undefined;
  return (
    needed +
    "is first on PATH is " +
    version +
    " (" +
    process.execPath +
    "): put a newer one first; `npx linuxnet` does so where the npm package `node` is installed."
  );
};
