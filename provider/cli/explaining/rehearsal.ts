// A real `up` of the program, on a copy of the stack that goes again, by a provider that works on copies of the hosts: that way all
// outputs are known to those who need them, and neither a host nor the state of the user is changed.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import type { Ran } from "../../host/shell.ts";
import { firstLine, LinuxnetError } from "../../kernel/failure.ts";
import type { Told } from "../../lifecycle/rehearsal.ts";
import { engineFailure, listStacks, projectFile, pulumi, refuseNoProject } from "../engine.ts";

/** What is to be explained. */
export interface Wanted {
  /** The folder of the project. */
  folder: string;
  /** The stack's name; default: the one that is selected, the only one, or `dev` where there is none yet. */
  stack: string | undefined;
  /** The file of the stack's configuration; default: the one beside Pulumi.yaml. */
  configFile: string | undefined;
  backend: "nftables" | "iptables" | undefined;
}

/** What `up` would do. */
export interface Explained {
  project: string;
  stack: string;
  told: Told[];
  /** Values that must not be shown. */
  secrets: string[];
}

/** The copy of a project and its stack. */
interface Copy {
  folder: string;
  stack: string;
  run(args: readonly string[], more?: { env?: Record<string, string>; input?: string }): Promise<Ran>;
}

/**
 * Finds out what `up` would do.
 * @throws LinuxnetError when `up` would fail, or would do what cannot be tried
 */
export async function rehearse(wanted: Wanted): Promise<Explained> {
  refuseNoProject(wanted.folder);
  const stack = await stackOf(wanted);
  const state = stack.exists ? await stateOf(wanted.folder, stack.name) : undefined;
  // In memory: what is written there holds what programs are given in their environment.
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "linuxnet-explain-"));
  const tidy = () => rmSync(folder, { recursive: true, force: true });
  const ended = () => process.exit(130);
  process.once("exit", tidy).once("SIGINT", ended).once("SIGTERM", ended);
  try {
    const copy = await copied(wanted, stack.name, folder, state);
    await refuseOthers(copy);
    return await tried(copy, wanted);
  } finally {
    tidy();
    process.off("exit", tidy).off("SIGINT", ended).off("SIGTERM", ended);
  }
}

async function stackOf({ folder, stack }: Wanted): Promise<{ name: string; exists: boolean }> {
  const { names, current } = await listStacks(folder);
  const name = stack ?? current ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined && names.length > 0)
    throw new LinuxnetError({ problem: "no stack is selected", remedy: `Name one with --stack: ${names.join(", ")}.` });
  const known = names.some((one) => one === name || one.split("/").at(-1) === name);
  return { name: name ?? "dev", exists: name !== undefined && (known || name.includes("/")) };
}

async function stateOf(folder: string, stack: string): Promise<string> {
  const ran = await pulumi(folder, ["stack", "export", "--stack", stack]);
  if (ran.code !== 0) throw engineFailure(`cannot read the stack ${stack}`, ran);
  return ran.stdout;
}

/** A project of the same name and stack, whose program is the user's own. */
async function copied(wanted: Wanted, name: string, folder: string, state: string | undefined): Promise<Copy> {
  const stack = name.split("/").at(-1) ?? name;
  const file = projectFile(wanted.folder) as string;
  const { parse, stringify } = await import("yaml");
  const { backend: _theirs, main = ".", stackConfigDir = ".", ...project } = parse(readFileSync(file, "utf8"));
  const at = (path: string) => resolve(dirname(file), path);
  writeFileSync(join(folder, "Pulumi.yaml"), stringify({ ...project, main: at(main) }));
  const config = wanted.configFile ?? join(at(stackConfigDir), `Pulumi.${stack}.yaml`);
  if (wanted.configFile !== undefined && !existsSync(config))
    throw new LinuxnetError({ problem: `there is no ${config}` });
  if (existsSync(config)) writeFileSync(join(folder, `Pulumi.${stack}.yaml`), readFileSync(config), { mode: 0o600 });
  const own = environmentOf(folder);
  const copy: Copy = {
    folder,
    stack,
    run: (args, more) => pulumi(wanted.folder, args, { ...more, env: { ...own, ...more?.env }, cwd: folder }),
  };
  mkdirSync(join(folder, "state"));
  await must(copy, "copy the stack", ["stack", "init", stack, "--no-select"]);
  if (state) await must(copy, "copy the state", ["stack", "import", "--stack", stack], state);
  return copy;
}

function environmentOf(folder: string): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: `file://${folder}/state?metadata=skip`,
    PULUMI_SKIP_CHECKPOINTS: "true",
    ...(hasPassphrase() ? {} : { PULUMI_CONFIG_PASSPHRASE: "" }),
  };
}

function hasPassphrase(): boolean {
  return ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"].some((name) => process.env[name] !== undefined);
}

async function must(copy: Copy, what: string, args: readonly string[], input?: string): Promise<Ran> {
  const ran = await copy.run(args, { ...(input !== undefined && { input }) });
  if (ran.code !== 0) throw engineFailure(`cannot ${what}`, ran);
  return ran;
}

const previewShape = z.looseObject({
  steps: z
    .array(
      z.looseObject({
        op: z.string(),
        urn: z.string(),
        newState: z.looseObject({ custom: z.boolean().optional(), type: z.string() }).optional(),
        oldState: z.looseObject({ custom: z.boolean().optional(), type: z.string() }).optional(),
      }),
    )
    .default([]),
  diagnostics: z.array(z.looseObject({ message: z.string(), severity: z.string() })).default([]),
});

/** Others' providers would do in earnest what is only to be tried. */
async function refuseOthers(copy: Copy): Promise<void> {
  const ran = await copy.run(["preview", "--stack", copy.stack, "--json", "--refresh=false"]);
  const found = previewShape.safeParse(parsed(ran.stdout)).data;
  if (!found || ran.code !== 0) {
    const said = found?.diagnostics.find(({ severity }) => severity === "error")?.message;
    throw new LinuxnetError({ problem: "`up` would fail at its preview", cause: sentence(said) ?? wordsOf(ran) });
  }
  const theirs = found.steps.filter(({ op, newState, oldState }) => {
    const { custom, type = "" } = newState ?? oldState ?? { custom: false };
    const ours = /^(pulumi-nodejs:dynamic\/linuxnet:|pulumi:providers:|pulumi:pulumi:)/.test(`${type}`);
    return custom === true && !ours && !["same", "read", "refresh"].includes(op);
  });
  if (theirs.length === 0) return;
  const names = theirs.map(({ urn }) => urn.split("::").slice(-2).join(" "));
  throw new LinuxnetError({
    problem: `\`up\` would also change what other providers have (${names.slice(0, 3).join(", ")}), and what comes of that is not known before`,
    remedy: "Run `pulumi up --target` for these first.",
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const wordsOf = ({ stderr, stdout, code }: Ran) => firstLine(stderr || stdout) || `pulumi ended with ${code}`;

function sentence(text: string | undefined): string | undefined {
  return text === undefined ? undefined : firstLine(text.trim());
}

async function tried(copy: Copy, { backend }: Wanted): Promise<Explained> {
  const file = join(copy.folder, "told");
  const LINUXNET_EXPLAIN = JSON.stringify({ file, ...(backend && { backend }) });
  const up = ["up", "--stack", copy.stack, "--yes", "--skip-preview", "--refresh", "--suppress-outputs"];
  const ran = await copy.run(up, { env: { LINUXNET_EXPLAIN } });
  if (ran.code !== 0) throw new LinuxnetError({ problem: "`up` would fail", cause: faultIn(ran) });
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  const { stdout } = await must(copy, "read the copy", ["stack", "export", "--stack", copy.stack, "--show-secrets"]);
  const { name } = (await import("yaml")).parse(readFileSync(join(copy.folder, "Pulumi.yaml"), "utf8"));
  return {
    project: `${name}`,
    stack: copy.stack,
    told: lines.map((line) => JSON.parse(line)),
    secrets: secretsIn(stdout),
  };
}

/** What the engine says of the resource that failed, or the first of its errors. */
function faultIn(ran: Ran): string {
  const errors = [...`${ran.stdout}\n${ran.stderr}`.matchAll(/^\s*error: (.*)$/gm)].map(([, text = ""]) => text);
  const own = errors.find((text) => !/^(update failed|one or more|resource .* problem|\d+ error)/.test(text));
  return own ?? errors[0] ?? wordsOf(ran);
}

/** The texts of all secrets of a state that was exported with them; those of connections are in no command. */
function secretsIn(exported: string): string[] {
  const found = new Set<string>();
  const walk = (value: unknown, secret: boolean): void => {
    if (secret && typeof value === "string" && value.length > 2) found.add(value);
    if (typeof value !== "object" || value === null) return;
    const { plaintext } = value as { plaintext?: unknown };
    if (typeof plaintext === "string") walk(parsed(plaintext), true);
    else for (const [key, one] of Object.entries(value)) if (key !== "connection") walk(one, secret);
  };
  walk(parsed(exported), false);
  return [...found].toSorted((a, b) => b.length - a.length);
}
