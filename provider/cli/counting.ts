import { hostOf } from "../host/host.ts";
import { bare, contains } from "../kernel/addresses.ts";
import type { Fact, Facts } from "../kernel/command.ts";
import { type Flows, flowsFact, type LinkCounters, linkCountersFact, natHitsFact } from "../kernel/counters.ts";
import { listed } from "../kernel/issue.ts";
import type { StackResource } from "./stack.ts";
import type { Cable, Topology } from "./topology/model.ts";

/** How often a translation was and is used. */
export interface Use {
  /** Connections that it translates at the moment; undefined where conntrack(8) is missing. */
  now: number | undefined;
  /** All connections that it has translated; undefined of nftables, whose elements are not counted. */
  ever: number | undefined;
}

/** What the hosts have counted. */
export interface Counted {
  /** By host, namespace and name of a link: {@link linkKey}. */
  links: ReadonlyMap<string, LinkCounters>;
  /** Of a published port by {@link publishKey}, of a NatRule by its urn. */
  uses: ReadonlyMap<string, Use>;
}

/** Nothing counted. */
export const uncounted: Counted = { links: new Map(), uses: new Map() };

/** What several hosts have counted, as one. */
export function together(all: readonly Counted[]): Counted {
  return {
    links: new Map(all.flatMap(({ links }) => [...links])),
    uses: new Map(all.flatMap(({ uses }) => [...uses])),
  };
}

/** Where the counters of a link are found. */
export function linkKey(host: string, netns: string | undefined, link: string): string {
  return `${host} ${netns ?? ""} ${link}`;
}

/** What a published port of a host is known by. */
export function publishKey(
  host: string,
  port: { protocol?: unknown; hostAddress?: unknown; hostPort?: unknown },
): string {
  return `${host} ${port.protocol ?? "tcp"} ${port.hostAddress || "*"} ${port.hostPort}`;
}

/** The other side's view of a cable's end. */
export function fromOtherEnd({ received, sent, lost }: LinkCounters): LinkCounters {
  return { received: sent, sent: received, lost };
}

/** Both together. */
export function added(one: LinkCounters, other: LinkCounters): LinkCounters {
  const sum = (way: "received" | "sent") => ({
    bytes: one[way].bytes + other[way].bytes,
    packets: one[way].packets + other[way].packets,
  });
  return { received: sum("received"), sent: sum("sent"), lost: one.lost + other.lost };
}

/**
 * Reads the counters of one host in one round trip: its links, those of namespaces where no end of a cable is on the host, and
 * the connections that are translated.
 *
 * @param host "" is this machine
 * @param parts the stack's resources, those of Labs too (`withParts`)
 * @throws LinuxnetError when the host cannot be reached
 */
export async function countOn(host: string, parts: readonly StackResource[], topology: Topology): Promise<Counted> {
  const here = parts.filter(({ connection, component }) => !component && (connection?.host ?? "") === host);
  const translations = here.filter(({ kind }) => kind === "PortPublish" || kind === "NatRule");
  const places = [undefined, ...new Set(farPlaces(topology.cables.filter((one) => one.host === host)))];
  const tracked = translations.map(placeOf);
  const seen = await hostOf(here.find(({ connection }) => connection)?.connection).observe({
    ...eachPlace("links", places, linkCountersFact),
    ...eachPlace("flows", tracked, flowsFact),
    ...eachPlace("hits", translations.filter(isByIptables).map(placeOf), natHitsFact),
  });
  const links = places.flatMap((netns) =>
    [...(seen[`links ${netns}`] as ReadonlyMap<string, LinkCounters>)].map(
      ([name, counters]) => [linkKey(host, netns, name), counters] as const,
    ),
  );
  const uses = new Map<string, Use>();
  for (const one of translations) {
    const key = one.kind === "PortPublish" ? publishKey(host, one.outputs) : one.urn;
    // The rules of a Lab's network have one name.
    uses.set(key, both(uses.get(key), useOf(one, seen)));
  }
  return { links: new Map(links), uses };
}

function both(one: Use | undefined, other: Use): Use {
  const sum = (key: keyof Use) =>
    one?.[key] === undefined && other[key] === undefined ? undefined : (one?.[key] ?? 0) + (other[key] ?? 0);
  return { now: sum("now"), ever: sum("ever") };
}

/** One question per namespace. */
function eachPlace(
  name: string,
  places: readonly (string | undefined)[],
  ask: (netns?: string) => Fact<unknown>,
): Facts {
  return Object.fromEntries(places.map((netns) => [`${name} ${netns}`, ask(netns)]));
}

/** The namespaces that are looked into: of a cable with an end on the host that one is read, without a look elsewhere. */
function farPlaces(cables: readonly Cable[]): string[] {
  return cables.flatMap(({ ends: [one, other] }) =>
    one.netns === undefined || other.netns === undefined ? [] : [one.netns],
  );
}

const placeOf = ({ outputs }: StackResource) =>
  typeof outputs.netns === "string" && outputs.netns !== "" ? outputs.netns : undefined;

const isByIptables = ({ outputs }: StackResource) => outputs.backend === "iptables";

function useOf(resource: StackResource, seen: Readonly<Record<string, unknown>>): Use {
  const { kind, outputs, owner } = resource;
  const flows = seen[`flows ${placeOf(resource)}`] as readonly Flows[] | undefined;
  const hits = seen[`hits ${placeOf(resource)}`] as ReadonlyMap<string, number> | undefined;
  const isMine = kind === "PortPublish" ? ofPublish(outputs) : ofRule(outputs);
  const now = flows?.filter(isMine).reduce((sum, { count }) => sum + count, 0);
  return { now, ever: isByIptables(resource) ? (hits?.get(owner ?? "") ?? 0) : undefined };
}

type Bag = Record<string, unknown>;

/** A published port is told by what it leads to and where it came in. */
function ofPublish({ hostPort, protocol = "tcp", targetAddress, targetPort }: Bag): (flow: Flows) => boolean {
  return (one) =>
    one.side === "destination" &&
    one.protocol === protocol &&
    one.port === Number(hostPort) &&
    one.target === targetAddress &&
    one.targetPort === Number(targetPort);
}

function ofRule({ type, source, destination, toAddress, protocol }: Bag): (flow: Flows) => boolean {
  const side = type === "dnat" ? "destination" : "source";
  const within = listed((side === "source" ? source : destination) as string | string[] | undefined);
  const covers = (address: string) =>
    within.length === 0 || within.some((one) => (one.includes("/") ? contains(one, address) : one === address));
  const leads = (target: string) => side === "source" || toAddress === undefined || bare(`${toAddress}`) === target;
  return (one) =>
    one.side === side && (protocol ?? one.protocol) === one.protocol && covers(one.address) && leads(one.target);
}
