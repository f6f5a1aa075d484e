import { hostOf } from "../../host/host.ts";
import type { Connection } from "../../kernel/connection.ts";
import { readHost, withHost } from "../host-option.ts";
import { inventory, inWords, ownerParts } from "../inventory.ts";
import { readStack, type Stack } from "../stack.ts";
import type { Seen, Standing } from "../standing.ts";
import { paint, plain, table } from "../terminal.ts";
import { type Call, exitCodes, mistake, type Verb } from "../verb.ts";

/** `linuxnet ls`: what is ours on a host, or the objects of a stack and whether each stands. */
export const verb: Verb = {
  examples: ["ls", "ls --host root@lab1.example --json", "--stack dev ls"],
  declare: (command) => void withHost(command),
  async run(call) {
    const { host } = call.options as { host?: string };
    if (call.stacks.length === 0) return ofHost(call, host === undefined ? undefined : readHost(host));
    if (host !== undefined) mistake("--host and --stack cannot both be given", "A stack knows its hosts.");
    return ofStacks(call);
  },
};

/** What is ours on a host, by stack and kind. */
async function ofHost({ json, terminal }: Call, connection: Connection | undefined): Promise<number> {
  const host = hostOf(connection);
  const owned = await inventory(host);
  const rows = owned.map((one) => ({
    ...ownerParts(one.owner),
    what: one.what,
    object: inWords(one),
    owner: one.owner,
  }));
  rows.sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
  if (json) {
    terminal.write(`${JSON.stringify({ host: host.name, objects: rows }, null, 2)}\n`);
    return exitCodes.healthy;
  }
  if (rows.length === 0) terminal.write(`Nothing of linuxnet's stands on ${host.name}.\n`);
  for (const [stack, own] of Map.groupBy(rows, ({ project, stack, who }) => `${project}/${stack}@${who}`)) {
    terminal.write(`${paint(terminal, "bold", plain(stack))}\n`);
    const same = Map.groupBy(own, ({ kind, name, object }) => [kind, plain(name), plain(object)].join("\t"));
    const lines = [...same].map(([text, { length }]) => `${text}${length > 1 ? ` (${length})` : ""}`.split("\t"));
    terminal.write(`${indented(table(["KIND", "NAME", "ON THE HOST"], lines))}\n`);
  }
  return exitCodes.healthy;
}

const keyOf = ({ project, stack, who, kind, name, object }: ReturnType<typeof ownerParts> & { object: string }) =>
  [project, stack, who, kind, name, object].join("\t");

async function ofStacks(call: Call): Promise<number> {
  const { terminal, folder, json } = call;
  // It loads all that the engine's plugin does.
  const { isFinding, lookAt } = await import("../standing.ts");
  const stacks = await Promise.all(call.stacks.map((name) => readStack(folder, name)));
  const found = await Promise.all(stacks.map(async (stack) => ({ stack, seen: await lookAt(stack.resources) })));
  if (json) terminal.write(`${JSON.stringify(found.map(asData), null, 2)}\n`);
  else for (const { stack, seen } of found) show(call, stack, seen);
  const all = found.flatMap(({ seen }) => seen);
  if (all.some(({ standing }) => standing === "unknown")) return exitCodes.failed;
  return all.some(isFinding) ? exitCodes.finding : exitCodes.healthy;
}

function asData({ stack: { project, name }, seen }: { stack: Stack; seen: Seen[] }) {
  return { project, stack: name, objects: seen.map(objectData) };
}

/** An object of a stack, and how it stands, as `--json` shows it. */
export function objectData({ resource: { kind, name, urn, connection, owner }, standing, notes }: Seen) {
  return { kind, name, host: connection?.host ?? "", standing, notes, owner, urn };
}

function show({ terminal }: Call, { project, name }: Stack, seen: readonly Seen[]): void {
  terminal.write(`${paint(terminal, "bold", `${project}/${name}`)}\n`);
  const keyed = (one: Seen) => `${one.resource.kind}\t${one.resource.name}`;
  const sorted = seen.toSorted((a, b) => keyed(a).localeCompare(keyed(b)));
  const rows = sorted.map(({ resource, standing, notes }) => [
    resource.kind,
    plain(resource.name),
    resource.connection?.host ?? "here",
    paint(terminal, colourOf(standing), standing),
    plain(notes.join("; ")),
  ]);
  terminal.write(indented(table(["KIND", "NAME", "HOST", "STANDS", ""], rows)));
}

/** The colour of how something stands. */
export function colourOf(standing: Standing) {
  const colours = { stands: "green", drifted: "red", gone: "red", unknown: "yellow", untried: "dim" } as const;
  return colours[standing];
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}
