import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { closest } from "fastest-levenshtein";
import { type Ran, run } from "../host/shell.ts";
import { firstLine, LinuxnetError } from "../kernel/failure.ts";

/** A resource as the engine's state has it. */
export interface Exported {
  urn: string;
  type: string;
  parent?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** The file that describes the project of a folder. */
export function projectFile(folder: string): string | undefined {
  const files = ["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"];
  for (let at = folder; ; at = dirname(at)) {
    const found = files.map((file) => join(at, file)).find((file) => existsSync(file));
    if (found !== undefined) return found;
    if (dirname(at) === at) return undefined;
  }
}

/** The name of a stack's project: what `ORG/PROJECT/STACK` says, else the folder's; "" where nothing tells. */
export async function projectName(folder: string, stack: string): Promise<string> {
  const named = stack.split("/").at(-2);
  const file = projectFile(folder);
  if (named !== undefined || file === undefined) return named ?? "";
  const { parse } = await import("yaml");
  // Every JSON document is one of YAML.
  const { name } = (parse(readFileSync(file, "utf8")) ?? {}) as { name?: unknown };
  return typeof name === "string" ? name : "";
}

/** A checkout of this package; undefined where the package was installed. */
function checkout(): string | undefined {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  return existsSync(join(root, "scripts/env.sh")) ? root : undefined;
}

/** In a checkout, its own backend and passphrase are the defaults, as they are for its scripts (scripts/env.sh). */
function pulumiWords(folder: string, args: readonly string[], cwd: string): [string, ...string[]] {
  const root = checkout();
  const words: [string, ...string[]] = ["pulumi", ...args, "--non-interactive", "--color", "never"];
  const before = root !== undefined && !relative(root, folder).startsWith("..") ? '. "$0" && ' : "";
  return ["sh", "-c", `${before}cd "$1" && shift && exec "$@"`, join(`${root}`, "scripts/env.sh"), cwd, ...words];
}

/** How the engine is run: what is added to its environment, its stdin, and the folder that it works in where it is another. */
export interface Running {
  env?: Record<string, string>;
  input?: string;
  cwd?: string;
}

/**
 * Runs the engine as the project of a folder has it.
 * @throws LinuxnetError when there is none
 */
export async function pulumi(folder: string, args: readonly string[], { cwd, ...running }: Running = {}): Promise<Ran> {
  const ran = await run(pulumiWords(folder, args, cwd ?? folder), folder, running);
  const missing = ran.fault === "ENOENT" || (ran.code === 127 && /not found/.test(ran.stderr));
  if (!missing) return ran;
  throw new LinuxnetError({
    problem: existsSync(folder) ? "there is no pulumi on PATH, which keeps the state" : `there is no folder ${folder}`,
    remedy: existsSync(folder) ? "Install it, or run `npx linuxnet` where the project has it." : "",
  });
}

/** The stacks of a folder's project. */
export interface StackList {
  names: string[];
  current: string | undefined;
}

/**
 * The stacks of the project in a folder.
 * @throws LinuxnetError when there is no project, or the engine cannot tell
 */
export async function listStacks(folder: string): Promise<StackList> {
  refuseNoProject(folder);
  const ran = await pulumi(folder, ["stack", "ls", "--json"]);
  if (ran.code !== 0) throw engineFailure("cannot list the stacks", ran);
  const found = JSON.parse(ran.stdout) as { name: string; current?: boolean }[];
  return { names: found.map(({ name }) => name), current: found.find(({ current }) => current)?.name };
}

/** Whether a folder, or one above it, is a project's. */
export function hasProject(folder: string): boolean {
  return projectFile(folder) !== undefined;
}

/** @throws LinuxnetError when there is no project in a folder or above it */
export function refuseNoProject(folder: string): void {
  if (projectFile(folder) !== undefined) return;
  throw new LinuxnetError({
    problem: `there is no Pulumi.yaml in ${folder} or above it`,
    remedy: "Go to a project's folder, or name one with -C.",
  });
}

/**
 * Finds out which stack is meant where none is named: the one that is selected, or the only one.
 * @throws LinuxnetError when that is not clear
 */
async function currentStack(folder: string): Promise<string> {
  const { names, current } = await listStacks(folder);
  const only = names.length === 1 ? names[0] : undefined;
  const found = current ?? only;
  if (found !== undefined) return found;
  if (names.length === 0)
    throw new LinuxnetError({ problem: "this project has no stack yet", remedy: "Run `pulumi up` first." });
  throw new LinuxnetError({
    problem: "no stack is selected",
    remedy: `Name one with --stack: ${names.join(", ")}.`,
  });
}

/**
 * The resources of a stack, as the engine stores them.
 *
 * @param showSecrets with the secrets readable, which must then go nowhere but to the hosts
 * @throws LinuxnetError when there is no such stack ("did you mean"), or the engine cannot read it
 */
export async function exportStack(folder: string, stack: string, showSecrets = false): Promise<Exported[]> {
  if (!stack.includes("/")) refuseNoProject(folder);
  const ran = await pulumi(folder, ["stack", "export", "--stack", stack, ...(showSecrets ? ["--show-secrets"] : [])]);
  if (ran.code === 0) return resourcesIn(ran);
  if (!/no stack named/.test(ran.stderr)) throw engineFailure(`cannot read the stack ${stack}`, ran);
  const { names } = await listStacks(folder);
  throw new LinuxnetError({ problem: `there is no stack ${stack}`, remedy: didYouMean(stack, names) });
}

function resourcesIn({ stdout }: Ran): Exported[] {
  const { deployment } = JSON.parse(stdout) as { deployment: { resources?: Exported[] | null } };
  return deployment.resources ?? [];
}

/** The stack that is meant where none is named, with its resources; the engine is asked once where one is selected. */
export async function exportCurrent(folder: string): Promise<{ name: string; resources: Exported[] }> {
  refuseNoProject(folder);
  const ran = await pulumi(folder, ["stack", "export"]);
  const resources = ran.code === 0 ? resourcesIn(ran) : [];
  const selected = resources[0]?.urn.split("::")[0]?.replace(/^urn:pulumi:/, "");
  if (selected) return { name: selected, resources };
  const name = await currentStack(folder);
  return { name, resources: await exportStack(folder, name) };
}

/** What an engine that failed has said. */
export function engineFailure(problem: string, { stderr, stdout, code }: Ran): LinuxnetError {
  const cause = firstLine(stderr || stdout).replace(/^error: /, "") || `pulumi ended with ${code}`;
  return new LinuxnetError({ problem, cause });
}

/** What was probably meant, or all that there is. */
export function didYouMean(given: string, names: readonly string[]): string {
  if (names.length === 0) return "There is none at all.";
  if (names.length <= 5) {
    const likely = closest(given, names);
    return names.length === 1 ? `Did you mean ${likely}?` : `Did you mean ${likely}? There are ${names.join(", ")}.`;
  }
  return `Did you mean ${closest(given, names)}?`;
}
