"use strict";

// What stands in dist/. Plain CommonJS for Node 18 and newer, since npm runs it with the system's Node.
//
//   prepare.cjs shims     in a checkout: one line per entry that leads to the TypeScript sources, which Node runs as they are
//   prepare.cjs compile   in a package: JavaScript and declarations, since Node strips no types under node_modules
//   prepare.cjs           npm's `prepare`: shims, except where npm is about to make a package of this folder

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const root = path.dirname(__dirname);
const dist = path.join(root, "dist");
const ENTRIES = ["index", "runtime", "cli"];

/** Writes only what differs: programs that run meanwhile import these files. */
function shims() {
  const wanted = new Map();
  for (const entry of ENTRIES) {
    const line = `export * from "../provider/${entry}.ts";\n`;
    for (const extension of ["js", "d.ts"]) wanted.set(`${entry}.${extension}`, line);
  }
  fs.mkdirSync(dist, { recursive: true });
  for (const name of fs.readdirSync(dist)) {
    if (!wanted.has(name)) fs.rmSync(path.join(dist, name), { recursive: true });
  }
  for (const [name, text] of wanted) {
    const file = path.join(dist, name);
    if (!fs.existsSync(file) || fs.readFileSync(file, "utf8") !== text) fs.writeFileSync(file, text);
  }
  linkCommand();
}

/** `npx linuxnet` in a checkout: npm links the commands of a package's dependencies, not its own. */
function linkCommand() {
  const bin = path.join(root, "node_modules", ".bin");
  const link = path.join(bin, "linuxnet");
  if (!fs.existsSync(bin) || fs.existsSync(link)) return;
  fs.rmSync(link, { force: true });
  fs.symlinkSync("../../linuxnet.cjs", link);
}

function compile() {
  fs.rmSync(dist, { recursive: true, force: true });
  const tsc = require.resolve("typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
  if (status === 0) return;
  shims();
  throw new Error("pulumi-linuxnet: the sources do not compile, so no package is made.");
}

/** Which of the two npm's `prepare` means. `npm pack` runs it after `prepack`, which has compiled already. */
function prepare() {
  if (["pack", "publish"].includes(process.env.npm_command)) return;
  const clonedByNpm = root.includes(`${path.sep}_cacache${path.sep}tmp${path.sep}`);
  if (clonedByNpm) compile();
  else shims();
}

const wanted = { shims, compile }[process.argv[2]] || prepare;
wanted();
