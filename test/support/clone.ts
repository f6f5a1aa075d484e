import { cpSync, existsSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { quoteAll } from "../../provider/kernel/quote.ts";
import type { Answer, Machine } from "./machine.ts";
import { checkout, otherCheckout, scratch } from "./stack.ts";
import { test } from "./test.ts";

/** What a checkout has beside the package itself. */
const more = ["scripts", "examples", "Pulumi.yaml", "package-lock.json"];

/** A stack's configuration is the user's own. */
const isConfig = (path: string) => /^Pulumi\..+\.yaml$/.test(basename(path));

function copy(): string {
  const folder = otherCheckout(scratch());
  for (const part of more)
    cpSync(join(checkout, part), join(folder, part), { recursive: true, filter: (path) => !isConfig(path) });
  return folder;
}

/**
 * This checkout as a user has cloned it, in another folder, in the hands of the scripts that a user calls. The state lies
 * in it, as by default, and what the engine notes about it in the user's home is seen in the machine alone.
 */
export class Clone {
  readonly machine: Machine;
  folder: string;

  private constructor(machine: Machine, folder: string) {
    this.machine = machine;
    this.folder = folder;
  }

  /** Copies this checkout, and takes a new baseline of the machine. */
  static async make(machine: Machine): Promise<Clone> {
    const clone = new Clone(machine, copy());
    const workspaces = quoteAll([join(homedir(), ".pulumi/workspaces")]);
    await machine.sh(`mkdir -p ${workspaces} && mount -t tmpfs tmpfs ${workspaces}`);
    // The clone shares the packages; a set-up that finds them out of date is not to install them from in here.
    await machine.sh(
      `d=${quoteAll([join(checkout, "node_modules")])}; mount --bind $d $d && mount -o remount,bind,ro $d`,
    );
    await machine.baseline();
    return clone;
  }

  /** Runs a program in the checkout's folder, as a user would. */
  run(...argv: string[]): Promise<Answer> {
    return this.machine.exec(
      `exec ${quoteAll(["env", "-C", this.folder, `HOME=${homedir()}`, "NO_COLOR=1", ...argv])}`,
    );
  }

  /** `npm start`, without npm. */
  start(...args: string[]): Promise<Answer> {
    return this.run("sh", "scripts/start.sh", ...args);
  }

  /** `npm run down`, without npm. */
  down(): Promise<Answer> {
    return this.run("sh", "scripts/down.sh");
  }

  /** `npm run pulumi -- ...`, without npm. */
  pulumi(...args: string[]): Promise<Answer> {
    return this.run("sh", "scripts/pulumi.sh", ...args);
  }

  /** Whether a state lies in the checkout. */
  get hasState(): boolean {
    return existsSync(join(this.folder, ".pulumi-state"));
  }

  /** Clones anew into another folder; the state and the stack's configuration go there, and the first clone from the disk. */
  move(): void {
    const folder = copy();
    for (const part of [".pulumi-state", "Pulumi.dev.yaml"]) renameSync(join(this.folder, part), join(folder, part));
    this.close();
    this.folder = folder;
  }

  /** Removes the checkout from the disk. */
  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A test with a machine and a clone of this checkout: `test("...", async ({ machine, clone }) => {...})`. */
export const cloneTest = test.extend("clone", async ({ machine }, { onCleanup }) => {
  const clone = await Clone.make(machine);
  onCleanup(() => clone.close());
  return clone;
});
