import { bare, contains, familyOf } from "../../kernel/addresses.ts";
import type { Connection } from "../../kernel/connection.ts";
import type { Probe } from "../../kernel/probe.ts";
import { type Cable, fullName, type Place, type Segment, type Topology } from "../topology/model.ts";

/** What is asked: does something get there, or what a name stands for. */
export type Question =
  | { kind: "reach"; probe: Probe }
  | { kind: "name"; netns: string; name: string; addresses: string[] };

/** One thing to try on a host. */
export interface Trial {
  group: "containers" | "gateways" | "world" | "names" | "ports" | "expect";
  from: string;
  to: string;
  connection: Connection | undefined;
  question: Question;
  /** Whether it should hold, as the stack is declared; undefined where the declaration does not say. */
  expected: boolean | undefined;
}

/** What is known of a host's way out. */
export interface WayOut {
  /** What stands for the world: an address beyond the uplink that the host itself reaches. */
  world: string | undefined;
  /** The host's own address towards it. */
  own: string | undefined;
}

/** Which bridges are one network: those that a tunnel joins, too. */
class Networks {
  readonly #topology: Topology;
  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** The bridges that a place is attached to, and by which end. */
  of({ host, netns }: Place): { segment: Segment; isolated: boolean; addresses: string[] }[] {
    return this.#topology.cables
      .filter((cable) => cable.host === host && cable.ends.some((end) => end.netns === netns && !end.bridge))
      .flatMap((cable) => this.#attachment(cable));
  }

  #attachment({ host, ends }: Cable) {
    const near = ends.find(({ bridge }) => bridge !== undefined);
    const far = ends.find(({ bridge }) => bridge === undefined);
    const segment = this.#topology.segments.find(
      (one) => one.host === host && one.bridge === near?.bridge && one.netns === near?.netns,
    );
    if (!segment || !near) return [];
    return [{ segment, isolated: near.isolated, addresses: far?.addresses ?? [] }];
  }

  same(one: Segment, other: Segment): boolean {
    if (one.host === other.host) return one.bridge === other.bridge && one.netns === other.netns;
    const vnis = ({ host, bridge }: Segment) =>
      this.#topology.tunnels.filter((tunnel) => tunnel.host === host && tunnel.bridge === bridge).map(({ vni }) => vni);
    const far = vnis(other);
    return vnis(one).some((vni) => far.includes(vni));
  }
}

/**
 * Everything that is tried of a stack: every container to every other, its gateway and the world, names, published ports, and what
 * the program expects.
 *
 * @param out the way out of each host; "" is this machine
 * @param pairs whether every container is tried to every other
 */
export function trialsOf(topology: Topology, out: ReadonlyMap<string, WayOut>, pairs = true): Trial[] {
  const networks = new Networks(topology);
  const places = onePerNamespace(topology.places);
  return [
    ...(pairs ? places.flatMap((from) => places.flatMap((to) => between(from, to, networks, topology))) : []),
    ...places.flatMap((from) => toGateways(from, networks)),
    ...places.flatMap((from) => toWorld(from, out.get(from.host)?.world, networks)),
    ...places.flatMap((from) => toNames(from, topology)),
    ...toPorts(topology, out),
    ...toExpected(topology),
  ];
}

/** Containers that share a namespace are tried once. */
export function onePerNamespace(places: readonly Place[]): (Place & { netns: string })[] {
  const inside = places.flatMap((one) => (one.netns === undefined ? [] : [{ ...one, netns: one.netns }]));
  return [...new Map(inside.toReversed().map((one) => [`${one.host} ${one.netns}`, one])).values()].toReversed();
}

function ping(netns: string, to: string): Question {
  return { kind: "reach", probe: { netns, to, protocol: "ping" } };
}

type Inside = Place & { netns: string };

function between(from: Inside, to: Inside, networks: Networks, { ruled }: Topology): Trial[] {
  if (from.netns === to.netns && from.host === to.host) return [];
  const [here, there] = [networks.of(from), networks.of(to)];
  const common = there.find(({ segment }) => here.some((one) => networks.same(one.segment, segment)));
  const target = common?.addresses[0] ?? to.addresses[0];
  if (target === undefined || from.addresses.length === 0) return [];
  const mine = here.find((one) => common && networks.same(one.segment, common.segment));
  const closed = [...here, ...there].some(({ segment }) => segment.isolate || segment.internal);
  const expected = common
    ? !(common.isolated && mine?.isolated)
    : from.host === to.host && closed && !ruled.has(from.host)
      ? false
      : undefined;
  return [trial("containers", from, fullName(to), ping(from.netns, bare(target)), expected)];
}

function trial(
  group: Trial["group"],
  from: Place,
  to: string,
  question: Question,
  expected: boolean | undefined,
): Trial {
  return { group, from: fullName(from), to, connection: from.connection, question, expected };
}

/** The gateways of all networks that it is on: of an internal one nothing but the resolver is reached. */
function toGateways(from: Inside, networks: Networks): Trial[] {
  return networks.of(from).flatMap(({ segment, addresses }) => {
    const gateway = segment.addresses.find((one) => addresses.some((own) => contains(own, bare(one))));
    if (gateway === undefined) return [];
    return [trial("gateways", from, bare(gateway), ping(from.netns, bare(gateway)), !segment.internal)];
  });
}

function toWorld(from: Inside, world: string | undefined, networks: Networks): Trial[] {
  if (world === undefined) return [];
  const attached = networks.of(from).map(({ segment }) => segment);
  const family = familyOf(world);
  const routed = attached.some(
    ({ masquerade, addresses }) => masquerade && addresses.some((one) => familyOf(one) === family),
  );
  const shut = attached.length > 0 && attached.every(({ internal }) => internal);
  const expected = shut ? false : routed && from.gateway !== "" ? true : undefined;
  return [trial("world", from, world, ping(from.netns, world), expected)];
}

function toNames(from: Inside, { names }: Topology): Trial[] {
  return names
    .filter(({ host, netns }) => host === from.host && netns === from.netns)
    .map(({ name, addresses }) =>
      trial("names", from, name, { kind: "name", netns: from.netns, name, addresses: addresses.map(bare) }, true),
    );
}

/** Over udp something would have to answer: only tcp is tried. */
function toPorts({ published }: Topology, out: ReadonlyMap<string, WayOut>): Trial[] {
  return published.flatMap(
    ({ host, connection, hostAddress, hostPort, protocol, targetAddress, targetPort, localhost }) => {
      const loopback = familyOf(targetAddress) === 6 ? "::1" : "127.0.0.1";
      const to = hostAddress ?? (localhost ? loopback : out.get(host)?.own);
      if (protocol !== "tcp" || to === undefined) return [];
      const question: Question = { kind: "reach", probe: { to, protocol: "tcp", port: hostPort } };
      const target = `${to}:${hostPort} → ${targetAddress}:${targetPort}`;
      return [{ group: "ports", from: host || "the host", to: target, connection, question, expected: true } as const];
    },
  );
}

function toExpected({ expected }: Topology): Trial[] {
  return expected.map(({ name, from, to, port, protocol, reachable, connection }) => {
    const netns = from === "host" ? undefined : from;
    const question: Question = { kind: "reach", probe: { netns, to, protocol, port } };
    return { group: "expect", from, to: name, connection, question, expected: reachable };
  });
}
