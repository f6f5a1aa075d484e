import { hostOf } from "../../host/host.ts";
import { type Fact, sh } from "../../kernel/command.ts";
import { quote } from "../../kernel/quote.ts";
import { didYouMean } from "../engine.ts";
import { readStack, type Stack, type StackResource } from "../stack.ts";
import { isFinding, lookAt, type Seen } from "../standing.ts";
import { paint, plain } from "../terminal.ts";
import { fullName, type Place, type Topology } from "../topology/model.ts";
import { topologyOf } from "../topology/read.ts";
import { type Call, exitCodes, mistake, type Verb } from "../verb.ts";
import { colourOf, objectData } from "./ls.ts";

/** `linuxnet inspect NAME`: all that is known of a container, a network or one object: the state, and the kernel. */
export const verb: Verb = {
  names: "all",
  examples: ["inspect web", "inspect shop --json", "inspect Bridge/lab0"],
  declare: (command) =>
    void command.argument(
      "<name...>",
      "names of containers, networks or objects; KIND/NAME where a name is given twice",
    ),
  async run(call) {
    const stack = await readStack(call.folder, call.stacks[0]);
    const topology = await topologyOf(stack);
    const found = await Promise.all((call.args[0] as string[]).map((name) => inspected(name, stack, topology)));
    if (call.json) call.terminal.write(`${JSON.stringify(found.map(asData), null, 2)}\n`);
    else for (const one of found) show(call, one);
    const seen = found.flatMap((one) => one.seen);
    if (seen.some(({ standing }) => standing === "unknown")) return exitCodes.failed;
    return seen.some(isFinding) ? exitCodes.finding : exitCodes.healthy;
  },
};

interface Inspected {
  name: string;
  place: Place | undefined;
  seen: Seen[];
  components: StackResource[];
  /** What the kernel says inside its namespace. */
  kernel: string | undefined;
}

async function inspected(name: string, stack: Stack, topology: Topology): Promise<Inspected> {
  const place = topology.places.find((one) => [fullName(one), one.name, one.netns].includes(name));
  const named = stack.resources.filter((one) => one.name === name || `${one.kind}/${one.name}` === name);
  const urns = new Set([...named.map(({ urn }) => urn), ...(place?.urns ?? []).map((urn) => urn.replace(/#.*/, ""))]);
  if (urns.size === 0) {
    const names = [...stack.resources.map((one) => one.name), ...topology.places.map(fullName)];
    mistake(`there is nothing called ${name} in ${stack.project}/${stack.name}`, didYouMean(name, [...new Set(names)]));
  }
  const own = stack.resources.filter(({ urn, parent }) => urns.has(urn) || urns.has(parent ?? ""));
  const [seen, kernel] = await Promise.all([lookAt(own), place && kernelOf(place)]);
  return { name, place, seen, components: own.filter(({ component }) => component), kernel };
}

/** The addresses, routes and DNS settings of a namespace, as a person would ask for them. */
async function kernelOf({ netns, connection }: Place): Promise<string | undefined> {
  if (netns === undefined) return undefined;
  const inside = `limit ip -n ${quote(netns)}`;
  const text = [
    `[ -e /run/netns/${quote(netns)} ] || exit 0`,
    `${inside} -br addr; ${inside} route; ${inside} -6 route | grep -v '^fe80\\|^multicast\\|^anycast'`,
    `limit ip netns exec ${quote(netns)} grep -hv '^#' /etc/resolv.conf`,
    ":",
  ].join("\n");
  const fact: Fact<string> = { command: sh(text), parse: ({ stdout }) => stdout.trim() };
  return (await hostOf(connection).observe({ kernel: fact })).kernel;
}

function asData({ name, place, seen, components, kernel }: Inspected) {
  return {
    name,
    ...(place && {
      container: {
        name: fullName(place),
        netns: place.netns ?? "",
        addresses: place.addresses,
        gateway: place.gateway,
        host: place.host,
      },
    }),
    components: components.map(({ kind, name: own, shown, urn }) => ({ kind, name: own, urn, properties: shown })),
    objects: seen.map((one) => ({ ...objectData(one), properties: one.resource.shown })),
    ...(kernel !== undefined && { kernel: kernel.split("\n") }),
  };
}

function show({ terminal }: Call, { name, place, seen, components, kernel }: Inspected): void {
  const line = (text: string) => terminal.write(`${text}\n`);
  line(paint(terminal, "bold", plain(name)));
  if (place) {
    line(`  namespace  ${place.netns ?? "the host's own"}${place.host ? ` on ${place.host}` : ""}`);
    line(`  addresses  ${place.addresses.join(", ") || "none"}`);
    line(`  gateway    ${place.gateway || "none"}`);
  }
  for (const { kind, name: own, shown } of components) properties(line, `${kind} ${own}`, shown);
  for (const { resource, standing, notes } of seen) {
    const state = paint(terminal, colourOf(standing), standing);
    properties(
      line,
      `${resource.kind} ${resource.name}  ${state}${notes.length > 0 ? `: ${plain(notes.join("; "))}` : ""}`,
      resource.shown,
    );
  }
  if (kernel) line(`  in the kernel\n${kernel.replaceAll(/^/gm, "    ")}`);
}

function properties(line: (text: string) => void, title: string, shown: Record<string, unknown>): void {
  line(`  ${title}`);
  for (const [key, value] of Object.entries(shown).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    line(`    ${key}: ${typeof value === "string" ? plain(value) : JSON.stringify(value)}`);
}
