import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { quoteAll } from "../../provider/kernel/quote.ts";
import type { Answer, Machine } from "./machine.ts";

/** This checkout. */
export const checkout = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** What an operation of the engine did. */
export interface Outcome extends Answer {
  /** How many resources it created, updated, deleted, replaced or left the same (the stack itself is one of them). */
  changes: Record<string, number>;
}

/** How a stack is set up; all of it has a default. */
export interface StackOptions {
  /** A folder with a Pulumi.yaml: an example of this checkout, or the folder of another stack. */
  folder?: string;
  /** Configuration, by key. */
  config?: Record<string, string>;
  /** The folder of the file backend; default: one of its own. */
  state?: string;
  /** The project's name, where a program's text is given; default `lab`. */
  project?: string;
}

const projectFile = (name: string) => `name: ${name}
main: index.ts
runtime:
  name: nodejs
  options:
    typescript: false
options:
  refresh: always
`;

/** What a checkout is made of, as far as a program needs it. */
const parts = ["provider", "dist", "package.json", "runtime.cjs", "check-node.cjs", "node-version.cjs"];

/** A folder in this checkout that git ignores; within it `import "pulumi-linuxnet"` finds this checkout. */
export function scratch(): string {
  const parent = join(checkout, ".tmp-e2e");
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, "lab-"));
}

/** A copy of this checkout in another folder, with the packages of this one. */
export function otherCheckout(folder: string): string {
  for (const part of parts) cpSync(join(checkout, part), join(folder, part), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** A stack `dev` in the hands of the real engine, which runs inside a machine. */
export class Stack {
  readonly machine: Machine;
  /** The folder of the project. */
  readonly folder: string;
  /** The folder of the file backend. */
  readonly state: string;
  readonly #scratch: string;

  private constructor(machine: Machine, folder: string, state: string, scratch: string) {
    this.machine = machine;
    this.folder = folder;
    this.state = state;
    this.#scratch = scratch;
  }

  /** Makes a stack of a program's text; with `folder` and no text, of the project that is there. */
  static async open(machine: Machine, program: string | undefined, options: StackOptions = {}): Promise<Stack> {
    const own = scratch();
    const folder = options.folder ?? own;
    const state = options.state ?? join(own, "state");
    mkdirSync(state, { recursive: true });
    const stack = new Stack(machine, folder, state, own);
    if (program !== undefined) {
      writeFileSync(join(folder, "Pulumi.yaml"), projectFile(options.project ?? "lab"));
      stack.write(program);
    }
    if (!options.state) await stack.must("stack", "init", "dev", "--no-select");
    for (const [key, value] of Object.entries(options.config ?? {})) await stack.configure(key, value);
    return stack;
  }

  /** Gives the program another text. */
  write(program: string): void {
    writeFileSync(join(this.folder, "index.ts"), program);
  }

  /** Sets one key of the configuration, which lies beside the state and not in the project's folder. */
  async configure(key: string, value: string): Promise<void> {
    await this.must("config", "set", "--stack", "dev", ...this.#configFile, key, value);
  }

  /** `pulumi up`. */
  up(...more: string[]): Promise<Outcome> {
    return this.#operate("up", "--yes", "--skip-preview", ...more);
  }

  /** `pulumi preview`, by default with the diff by property. */
  preview(...more: string[]): Promise<Outcome> {
    return this.#operate("preview", ...(more.length > 0 ? more : ["--diff"]));
  }

  /** `pulumi refresh`. */
  refresh(...more: string[]): Promise<Outcome> {
    return this.#operate("refresh", "--yes", "--skip-preview", ...more);
  }

  /** `pulumi destroy`. */
  destroy(...more: string[]): Promise<Outcome> {
    return this.#operate("destroy", "--yes", "--skip-preview", ...more);
  }

  /** The stack's outputs. */
  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.must("stack", "output", "--stack", "dev", "--json"));
  }

  /** The state as the engine stores it. */
  async export(): Promise<{ deployment: { resources?: Record<string, unknown>[] } }> {
    return JSON.parse(await this.must("stack", "export", "--stack", "dev"));
  }

  /** The bytes of the state's file. */
  size(): number {
    return readFileSync(join(this.state, ".pulumi/stacks/lab/dev.json")).length;
  }

  /** Runs the engine with any arguments. */
  async pulumi(...args: string[]): Promise<Answer> {
    return await this.machine.exec(this.command(...args));
  }

  /** Runs the engine with any arguments; throws with all that it printed when it fails. */
  async must(...args: string[]): Promise<string> {
    return succeeded(await this.pulumi(...args)).stdout;
  }

  /** Runs the command `linuxnet` in the project's folder. */
  linuxnet(...args: string[]): Promise<Answer> {
    return this.machine.exec(this.linuxnetLine(...args));
  }

  /** The line of shell that runs the command `linuxnet`. */
  linuxnetLine(...args: string[]): string {
    return `exec ${quoteAll([...this.#environment, "linuxnet", ...args])}`;
  }

  /** The line of shell that runs the engine. */
  command(...args: string[]): string {
    const words = [...this.#environment, "pulumi", ...args, "--non-interactive", "--color", "never"];
    return `exec ${quoteAll(words)}`;
  }

  /** The words before a program that is to see this stack. */
  get #environment(): string[] {
    const bin = [`${checkout}/node_modules/.linuxnet/bin`, `${checkout}/node_modules/.bin`];
    const variables = [
      // As in scripts/env.sh: an engine that is killed leaves a state that can be read.
      `PULUMI_BACKEND_URL=file://${this.state}?metadata=skip`,
      "PULUMI_CONFIG_PASSPHRASE=",
      "PULUMI_SKIP_UPDATE_CHECK=true",
      `NODE_COMPILE_CACHE=${checkout}/node_modules/.linuxnet/compiled`,
      `PATH=${bin.join(":")}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    ];
    return ["env", "-C", this.folder, ...variables];
  }

  /** The line of shell of an operation on this stack: `up`, `preview`, `refresh`, `destroy`. */
  operation(verb: string, ...more: string[]): string {
    return this.command(verb, "--stack", "dev", ...this.#configFile, ...more);
  }

  /** Removes the files of this stack from the disk. */
  close(): void {
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  get #configFile(): string[] {
    return ["--config-file", join(this.state, "Pulumi.dev.yaml")];
  }

  async #operate(verb: string, ...more: string[]): Promise<Outcome> {
    const answer = await this.machine.exec(this.operation(verb, ...more));
    return { ...answer, changes: changesIn(answer.stdout) };
  }
}

/** The outcome of an operation that must succeed; throws with all that it printed when it did not. */
export function succeeded<T extends Answer>(answer: T): T {
  if (answer.code === 0) return answer;
  throw new Error(`the engine ended with ${answer.code}:\n${answer.stdout}\n${answer.stderr}`);
}

const verbs = { create: "create", update: "update", delete: "delete", replace: "replace", unchange: "same" };

/** Reads the engine's list "Resources:" (`+ 3 created`, `2 to update`, `3 changes. 4 unchanged`). */
function changesIn(text: string): Record<string, number> {
  const list = text.split(/^Resources:$/m).slice(1);
  const found = list.flatMap((part) => [
    ...part.matchAll(/(\d+) (?:to )?(create|update|delete|replace|unchange)d?\b/g),
  ]);
  return Object.fromEntries(found.map(([, count, verb]) => [verbs[verb as keyof typeof verbs], Number(count)]));
}
