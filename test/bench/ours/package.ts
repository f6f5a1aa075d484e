import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execaSync } from "execa";
import { checkout, scratch } from "../../support/stack.ts";

let folder: string | undefined;

/** This package as npm installs it: compiled. Made once, and removed when this process ends. */
function compiledPackage(): string {
  if (folder !== undefined) return folder;
  const made = scratch();
  process.once("exit", () => rmSync(made, { recursive: true, force: true }));
  const tsc = `${checkout}/node_modules/typescript/bin/tsc`;
  execaSync(process.execPath, [tsc, "-p", `${checkout}/tsconfig.build.json`, "--outDir", join(made, "dist")]);
  for (const file of ["package.json", "runtime.cjs", "check-node.cjs", "node-version.cjs"])
    cpSync(join(checkout, file), join(made, file));
  folder = made;
  return made;
}

/** Gives a project's folder the package as an installed one. */
export function installPackage(project: string): void {
  // A package of its own: within this checkout's, `pulumi-linuxnet` would be its sources.
  writeFileSync(join(project, "package.json"), '{ "name": "lab", "private": true, "type": "module" }\n');
  const link = join(project, "node_modules/pulumi-linuxnet");
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(compiledPackage(), link);
}
