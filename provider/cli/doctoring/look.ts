import type { Host } from "../../host/host.ts";
import { type Fact, type Facts, sh } from "../../kernel/command.ts";
import { type Link, linksFact } from "../../kernel/links.ts";
import { type Listener, listenersFact } from "../../kernel/listeners.ts";
import { tableFact } from "../../kernel/nft.ts";
import { processFact, type SeenProcess } from "../../kernel/processes-fact.ts";
import { type Route, routesFact } from "../../kernel/routes.ts";
import type { StackResource } from "../stack.ts";
import { filtersFact, ownLocalnetFact, policiesFact, toolsFact } from "./host-facts.ts";
import type { HostSeen, SeenSpace } from "./seen.ts";
import { type Inside, insideFacts, settingsFact } from "./spaces.ts";

/** What is to be looked at on a host. */
export interface Wish {
  /** Namespaces of the stack. */
  names: readonly string[];
  /** Those whose name servers are asked. */
  asking: ReadonlySet<string>;
  /** Owners of programs. */
  programs: readonly string[];
  /** Whose listeners are asked for on the host. */
  protocols: ReadonlySet<string>;
}

/** What a stack's resources on a host make worth looking at; without any, what every lab needs. */
export function wishOf(resources: readonly StackResource[]): Wish {
  const of = (...kinds: string[]) => resources.filter(({ kind, component }) => kinds.includes(kind) && !component);
  const peers = of("VethPair").map(({ outputs }) => outputs.peer as { netns?: unknown } | undefined);
  const netns = [
    ...of("Netns").map(({ outputs }) => outputs.name),
    ...[...resources].map(({ outputs }) => outputs.netns),
  ];
  const names = [...netns, ...peers.map((one) => one?.netns)].filter((one) => typeof one === "string" && one !== "");
  return {
    names: [...new Set(names as string[])],
    asking: new Set(of("ResolvConf").map(({ outputs }) => `${outputs.netns}`)),
    programs: of("Process", "Resolver").flatMap(({ owner }) => owner ?? []),
    protocols: new Set([
      ...of("PortPublish").map(({ outputs }) => `${outputs.protocol}`),
      ...(of("ResolvConf").length > 0 ? ["udp"] : []),
    ]),
  };
}

const noListeners: Fact<Listener[]> = { command: sh(":"), parse: () => [] };

const none: Inside = { exists: false, settings: new Map(), tcp: [], udp: [], servers: [] };

/** Looks at all of it in one round trip, and changes nothing. */
export async function lookAtHost(host: Host, wish: Wish): Promise<HostSeen> {
  const { names, asking, programs } = wish;
  const inside = insideFacts(names, asking);
  const running: Facts = Object.fromEntries(programs.map((owner) => [`program ${owner}`, processFact(owner)]));
  const [seen, more] = await Promise.all([
    host.observe(hostFacts(wish)),
    host.observe({ ...linkFacts([undefined, ...names]), ...running, ...inside }),
  ]);
  const found = new Map(Object.keys(inside).flatMap((key) => [...(more[key] as Map<string, Inside>)]));
  const space = (index: number, within: Inside): SeenSpace => ({
    ...within,
    links: more[`links${index}`] as Link[],
    routes4: more[`four${index}`] as Route[],
    routes6: more[`six${index}`] as Route[],
  });
  const { filters, ...own } = seen;
  return {
    ...own,
    ...filters,
    ...space(0, { ...none, ...own, exists: true }),
    lacks: new Map(),
    spaces: new Map(names.map((name, index) => [name, space(index + 1, found.get(name) ?? none)])),
    programs: new Map(programs.map((owner) => [owner, more[`program ${owner}`] as SeenProcess | undefined])),
  };
}

function hostFacts({ protocols }: Wish) {
  return {
    tcp: protocols.has("tcp") ? listenersFact("tcp") : noListeners,
    udp: protocols.has("udp") ? listenersFact("udp") : noListeners,
    settings: settingsFact,
    tools: toolsFact,
    table: tableFact(),
    filters: filtersFact,
    policies: policiesFact,
    localnet: ownLocalnetFact,
  };
}

function linkFacts(places: readonly (string | undefined)[]): Facts {
  return Object.fromEntries(
    places.flatMap((netns, index) => [
      [`links${index}`, linksFact(netns)],
      [`four${index}`, routesFact(netns, 4)],
      [`six${index}`, routesFact(netns, 6)],
    ]),
  );
}
