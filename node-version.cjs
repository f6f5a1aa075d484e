"use strict";

// Plain CommonJS that parses on any Node: what says, in one sentence, that a Node is too old.

const NEEDED = [22, 18];

function isOld(version) {
  const [major, minor] = version.split(".").map(Number);
  return major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1]);
}

function sentence(version, which, remedy) {
  if (!isOld(version)) return undefined;
  const found = `the \`node\` that ${which} is ${version} (${process.execPath})`;
  return `pulumi-linuxnet needs Node ${NEEDED.join(".")} or newer, and ${found}: put a newer one first${remedy}`;
}

/** The sentence for a Node that can't run this package, or undefined for one that can. */
exports.tooOld = function tooOld(version) {
  const remedy =
    ", for example `PATH=$PWD/node_modules/.bin:$PATH pulumi up` where the npm package `node` is installed.";
  return sentence(version, "the Pulumi engine found first on PATH", remedy);
};

/** The same for the command `linuxnet`. */
exports.tooOldForCommand = function tooOldForCommand(version) {
  return sentence(version, "is first on PATH", "; `npx linuxnet` does so where the npm package `node` is installed.");
};
