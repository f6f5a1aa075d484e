import { Option } from "commander";
import type { Graph } from "../graph/model.ts";
import { graphOf } from "../graph/model.ts";
import { readStack, type Stack } from "../stack.ts";
import type { Seen } from "../standing.ts";
import { topologyOf } from "../topology/read.ts";
import { exitCodes, type Verb } from "../verb.ts";

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
  examples: ["graph", "graph --format svg >lab.svg", "--stack dev graph --format html --refresh >lab.html"],
  declare: (command) =>
    void command
      .addOption(
        new Option("-f, --format <format>", "how it is written")
          .choices(["mermaid", "dot", "svg", "html"])
          .default("mermaid"),
      )
      .option("--refresh", "ask the hosts, and show in red what differs"),
  async run({ options, folder, stacks, json, terminal }) {
    const { format, refresh = false } = options as { format: string; refresh?: boolean };
    const stack = await readStack(folder, stacks[0]);
    const found = refresh ? await driftOf(stack) : { drift: recorded(stack), unknown: [] };
    const graph = graphOf(`${stack.project}/${stack.name}`, await topologyOf(stack), found.drift);
    const write = await (formats[json ? "json" : format] as (typeof formats)[string])();
    terminal.write(write(graph));
    for (const why of found.unknown) terminal.warn(`linuxnet: ${why}`);
    if (found.unknown.length > 0) return exitCodes.failed;
    return refresh && found.drift.size > 0 ? exitCodes.finding : exitCodes.healthy;
  },
};

/** What the last refresh of the engine has found. */
function recorded({ resources }: Stack): Map<string, string[]> {
  const all = resources.map(({ urn, inputs }) => [urn, (inputs.drift ?? []) as string[]] as const);
  return new Map(all.filter(([, drift]) => drift.length > 0).map(([urn, drift]) => [urn, [...drift]]));
}

/** The notes of a resource by its urn; those of a Lab by its networks and containers, as far as they name one. */
function byUrn({ resource: { urn, kind, name }, standing, notes }: Seen): [string, string[]][] {
  const what = `${kind} ${name}`;
  if (standing === "gone") return [[urn, [`${what} is gone`]]];
  const part = (note: string) =>
    kind === "Lab" ? /^(networks|containers)\.[A-Za-z0-9_-]+/.exec(note)?.[0] : undefined;
  return notes.map((note) => {
    const at = part(note);
    return [at === undefined ? urn : `${urn}#${at}`, [`${what}: ${note}`]];
  });
}

async function driftOf({ resources }: Stack): Promise<{ drift: Map<string, string[]>; unknown: string[] }> {
  const { isFinding, lookAt } = await import("../standing.ts");
  const seen = await lookAt(resources);
  const drift = new Map<string, string[]>();
  for (const [urn, notes] of seen.filter(isFinding).flatMap(byUrn))
    drift.set(urn, [...(drift.get(urn) ?? []), ...notes]);
  const unknown = seen.filter(({ standing }) => standing === "unknown").flatMap(({ notes }) => notes);
  return { drift, unknown: [...new Set(unknown)] };
}
