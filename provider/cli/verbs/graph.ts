import { Option } from "commander";
import { LinuxnetError } from "../../kernel/failure.ts";
import { type Counted, countOn, together, uncounted } from "../counting.ts";
import { type Drift, graphOf } from "../graph/build.ts";
import type { Graph } from "../graph/model.ts";
import { readStack, type Stack, type StackResource } from "../stack.ts";
import type { Topology } from "../topology/model.ts";
import { topologyOf, withParts } from "../topology/read.ts";
import { type Call, exitCodes, mistake, type Verb } from "../verb.ts";

/** Each way to write the picture, loaded when it is asked for. */
const formats: Record<string, () => Promise<(graph: Graph) => string>> = {
  mermaid: async () => (await import("../graph/text.ts")).mermaid,
  dot: async () => (await import("../graph/text.ts")).dot,
  svg: async () => (await import("../graph/svg.ts")).svg,
  html: async () => (await import("../graph/html.ts")).html,
  json: async () => (graph) => `${JSON.stringify(graph, null, 2)}\n`,
};

/** `linuxnet graph`: the topology of a stack as a picture. */
export const verb: Verb = {
  examples: [
    "graph",
    "graph --format svg >lab.svg",
    "--stack dev graph --format html --refresh >lab.html",
    "graph --diff before.json after.json",
    "graph --diff before.json --format html >what-changed.html",
  ],
  declare: (command) =>
    void command
      .addOption(
        new Option("-f, --format <format>", "how it is written (default: mermaid, of a diff: text)").choices([
          "mermaid",
          "dot",
          "svg",
          "html",
          "text",
        ]),
      )
      .option("--refresh", "ask the hosts: show in red what differs, and tell what was counted")
      .option(
        "--diff <file...>",
        "what differs between two states that `pulumi stack export` wrote, or one of them and the stack",
      ),
  async run(call) {
    const { format, refresh, diff } = call.options as { format?: string; refresh?: boolean; diff?: string[] };
    if (diff && refresh) mistake("--diff and --refresh cannot both be given", "Leave one of them out.");
    if (diff) return compared(call, diff, format ?? "text");
    if (format === "text") mistake("--format text is for --diff", "Try --format mermaid.");
    return pictured(call, format ?? "mermaid", refresh === true);
  },
};

async function pictured({ folder, stacks, json, terminal }: Call, format: string, refresh: boolean): Promise<number> {
  const stack = await readStack(folder, stacks[0]);
  const topology = await topologyOf(stack);
  const found = refresh ? await lookedAt(stack, topology) : { drift: recorded(stack), counted: uncounted, unknown: [] };
  const graph = graphOf(`${stack.project}/${stack.name}`, topology, found.drift, found.counted);
  const write = await (formats[json ? "json" : format] as (typeof formats)[string])();
  terminal.write(write(graph));
  for (const why of found.unknown) terminal.warn(`linuxnet: ${why}`);
  if (found.unknown.length > 0) return exitCodes.failed;
  return refresh && found.drift.size > 0 ? exitCodes.finding : exitCodes.healthy;
}

/** Tells what differs between two states: a finding, as diff(1) has it. */
async function compared({ folder, stacks, json, terminal }: Call, files: string[], format: string): Promise<number> {
  const [first = "", second, ...more] = files;
  if (more.length > 0) mistake("--diff takes one file or two", "Put it behind the other options.");
  if (second !== undefined && stacks.length > 0) mistake("two files and a stack are one too many", "Leave one out.");
  const { readStateFile } = await import("../state-file.ts");
  const before = readStateFile(folder, first);
  const after = second === undefined ? await readStack(folder, stacks[0]) : readStateFile(folder, second);
  const { diffOf } = await import("../graph/diff.ts");
  const { changes, parents, graph } = await diffOf(before, after);
  const { changesText } = await import("../graph/changes.ts");
  if (json) terminal.write(`${JSON.stringify({ changes, graph }, null, 2)}\n`);
  else if (format === "text") terminal.write(changesText(changes, parents, terminal));
  else terminal.write((await (formats[format] as (typeof formats)[string])())(graph));
  return changes.length > 0 ? exitCodes.finding : exitCodes.healthy;
}

/** What the last refresh of the engine has found. */
function recorded({ resources }: Stack): Drift {
  const all = resources.map(({ urn, inputs }) => [urn, (inputs.drift ?? []) as string[]] as const);
  return new Map(all.filter(([, drift]) => drift.length > 0).map(([urn, drift]) => [urn, [...drift]]));
}

interface Looked {
  drift: Drift;
  counted: Counted;
  /** Why hosts could not be asked. */
  unknown: string[];
}

async function lookedAt(stack: Stack, topology: Topology): Promise<Looked> {
  const { driftIn, lookAt } = await import("../standing.ts");
  const parts = await withParts(stack.resources);
  const [seen, ...counted] = await Promise.all([
    lookAt(stack.resources),
    ...[...new Set(topology.hosts.values())].map((host) => countedOn(host, parts, topology)),
  ]);
  return { ...driftIn(seen), counted: together(counted) };
}

/** Of a host that cannot be asked the look at its objects tells why. */
async function countedOn(host: string, parts: readonly StackResource[], topology: Topology): Promise<Counted> {
  try {
    return await countOn(host, parts, topology);
  } catch (error) {
    if (!(error instanceof LinuxnetError)) throw error;
    return uncounted;
  }
}
