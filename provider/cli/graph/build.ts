import { bare } from "../../kernel/addresses.ts";
import { added, type Counted, publishKey, type Use, uncounted } from "../counting.ts";
import { fullName, type Place, type Published, type Segment, type Topology, type Tunnel } from "../topology/model.ts";
import { edge, edgesOf, ids } from "./edges.ts";
import type { Graph, GraphEdge, GraphNode, NodeKind } from "./model.ts";
import { countersText, useText } from "./traffic.ts";

/** What differs, by the urn of the resource. */
export type Drift = ReadonlyMap<string, readonly string[]>;

/** The network of a stack as nodes and edges: the world, the hosts, their bridges, and what is attached to them. */
export function graphOf(
  title: string,
  topology: Topology,
  drift: Drift = new Map(),
  counted: Counted = uncounted,
): Graph {
  const told = tellerOf(drift);
  const open = openHosts(topology);
  const below = [
    ...topology.segments.map((one) => segmentNode(one, told, counted)),
    ...topology.tunnels.map((one) => tunnelNode(one, told)),
    ...placeNodes(topology, told, counted),
  ];
  const between = edgesOf(topology, told, counted);
  const nodes = [
    ...(open.size > 0 ? [node("world", "world", "world")] : []),
    ...hostNodes(topology, told, [...below, ...between]),
    ...below,
  ];
  const edges = [...[...open].map((host) => edge("world", ids.host(host))), ...between];
  const known = new Set(nodes.map(({ id }) => id));
  return withTraffic({ title, nodes, edges: edges.filter(({ from, to }) => known.has(from) && known.has(to)) });
}

/** A host is told what nothing else in the picture stands for: rules, programs. */
function hostNodes({ hosts, ...topology }: Topology, told: Teller, parts: readonly { urns: string[] }[]): GraphNode[] {
  const drawn = new Set(parts.flatMap(({ urns }) => urns));
  const rest = [...hosts].filter(([urn]) => !drawn.has(urn));
  return [...new Set(allHosts(topology))].toSorted().map((host) => {
    const urns = rest.filter(([, at]) => at === host).map(([urn]) => urn);
    return { ...node(ids.host(host), "host", host || "this machine"), urns, drift: told(urns) };
  });
}

/** Tells in words what was counted, and gives each node the sum of its own links. */
function withTraffic({ title, nodes, edges }: Graph): Graph {
  const words = ({ traffic, about, ...rest }: GraphEdge): GraphEdge =>
    traffic ? { ...rest, traffic, about: [...about, countersText(traffic)] } : { ...rest, about };
  const sums = new Map<string, GraphEdge["traffic"]>();
  for (const { to, traffic } of edges) {
    const before = sums.get(to);
    if (traffic) sums.set(to, before ? added(before, traffic) : traffic);
  }
  const summed = (one: GraphNode) => {
    const traffic = sums.get(one.id);
    return traffic ? { ...one, traffic, about: [...one.about, countersText(traffic)] } : one;
  };
  return { title, nodes: nodes.map(summed), edges: edges.map(words) };
}

type Teller = (urns: readonly string[]) => string[];

/** What is told of resources; of a part of a Lab also what is told of the Lab as a whole. */
function tellerOf(drift: Drift): Teller {
  const of = (urn: string): string[] => [
    ...(drift.get(urn) ?? []),
    ...(urn.includes("#") ? of(urn.replace(/#.*/, "")) : []),
  ];
  return (urns) => [...new Set(urns.flatMap(of))];
}

/** The hosts that have to do with the world beyond them. */
function openHosts({ segments, published }: Topology): Set<string> {
  return new Set([...segments.filter(({ masquerade }) => masquerade), ...published].map(({ host }) => host));
}

function tunnelNode(tunnel: Tunnel, told: Teller): GraphNode {
  const { link, vni, local, remotes, urns } = tunnel;
  const about = [`from ${local} to ${remotes.join(", ")}`];
  return { ...node(ids.tunnel(tunnel), "tunnel", `${link} (VNI ${vni})`), about, urns, drift: told(urns) };
}

function allHosts({ places, segments, cables, published, tunnels }: Omit<Topology, "hosts">): string[] {
  return [...places, ...segments, ...cables, ...published, ...tunnels].map(({ host }) => host);
}

function node(id: string, kind: NodeKind, label: string): GraphNode {
  return { id, kind, label, lines: [], about: [], drift: [], urns: [] };
}

function segmentNode(segment: Segment, told: Teller, { uses }: Counted): GraphNode {
  const { host, netns, bridge, name, addresses, internal, isolate, masquerade, urns } = segment;
  const traits = [internal && "internal", isolate && "isolated", masquerade && "NAT"];
  const used = [...new Set(urns)].flatMap((urn) => uses.get(urn) ?? []).map((use) => usedText("NAT", use));
  return {
    id: ids.bridge(host, netns, bridge),
    kind: "bridge",
    label: name,
    lines: addresses,
    about: [`bridge ${bridge}`, traits.filter(Boolean).join(", "), ...used].filter(Boolean),
    drift: told(urns),
    urns,
  };
}

const usedText = (what: string, use: Use) => (useText(use) ? `${what}: ${useText(use)}` : "");

/** Containers that share a namespace are one node. */
function placeNodes({ places, published }: Topology, told: Teller, { uses }: Counted): GraphNode[] {
  const inside = places.filter(({ netns }) => netns !== undefined);
  return [...Map.groupBy(inside, ({ host, netns }) => ids.place(host, netns))].map(([id, group]) => {
    const [first] = group as [Place, ...Place[]];
    const own = first.addresses.map(bare);
    const ports = published.filter(({ host, targetAddress }) => host === first.host && own.includes(targetAddress));
    const used = ports.flatMap((one) => {
      const use = uses.get(publishKey(one.host, one));
      return use ? [usedText(wayText(one), use)] : [];
    });
    const urns = [...new Set([...group, ...ports].flatMap((one) => one.urns))];
    return {
      id,
      kind: "container" as const,
      label: group.map(({ name }) => name).join(", "),
      lines: [...first.addresses, ...ports.map(wayText)],
      about: [...placeText(group, first), ...used].filter(Boolean),
      drift: told(urns),
      urns,
    };
  });
}

function placeText(group: readonly Place[], { netns, gateway }: Place): string[] {
  return [group.map(fullName).join(", "), `namespace ${netns}`, gateway && `gateway ${gateway}`];
}

function wayText({ hostAddress, hostPort, targetPort, protocol }: Published): string {
  return `${hostAddress ? `${hostAddress}:` : ":"}${hostPort} → ${targetPort}/${protocol}`;
}
