import {
  bare,
  type Cable,
  type End,
  fullName,
  type Place,
  type Segment,
  type Topology,
  type Tunnel,
} from "../topology/model.ts";

/** What a node stands for. */
export type NodeKind = "world" | "host" | "bridge" | "container" | "tunnel";

/** A node of the picture. */
export interface GraphNode {
  id: string;
  kind: NodeKind;
  /** Its name, and what stands below it: addresses, published ports. */
  label: string;
  lines: string[];
  /** What a pointer that rests on it is told. */
  about: string[];
  /** What differs from the state; none: it stands as it is declared. */
  drift: string[];
}

/** A connection of two nodes. */
export interface GraphEdge {
  from: string;
  to: string;
  label: string;
  about: string[];
  drift: string[];
  /** Drawn dashed: a way that packets take, and no link. */
  dashed: boolean;
}

/** The picture of a stack's network, before it is laid out. */
export interface Graph {
  title: string;
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** What differs, by the urn of the resource. */
export type Drift = ReadonlyMap<string, readonly string[]>;

const ids = {
  host: (host: string) => `host:${host}`,
  bridge: (host: string, netns: string | undefined, name: string) => `bridge:${host}:${netns ?? ""}:${name}`,
  place: (host: string, netns: string | undefined) =>
    netns === undefined ? ids.host(host) : `container:${host}:${netns}`,
};

/** The network of a stack as nodes and edges: the world, the hosts, their bridges, and what is attached to them. */
export function graphOf(title: string, topology: Topology, drift: Drift = new Map()): Graph {
  const told = tellerOf(drift);
  const hosts = [...new Set(allHosts(topology))].toSorted();
  const open = openHosts(topology);
  const nodes = [
    ...(open.size > 0 ? [node("world", "world", "world")] : []),
    ...hosts.map((host) => node(ids.host(host), "host", host || "this machine")),
    ...topology.segments.map((one) => segmentNode(one, told(one.urns))),
    ...topology.tunnels.map((one) => tunnelNode(one, told(one.urns))),
    ...placeNodes(topology, told),
  ];
  const edges = [
    ...[...open].map((host) => edge("world", ids.host(host))),
    ...topology.segments.map(segmentEdge),
    ...topology.cables.flatMap((cable) => cableEdge(cable, topology, told(cable.urns))),
    ...tunnelEdges(topology),
  ];
  return {
    title,
    nodes,
    edges: edges.filter(({ from, to }) => [from, to].every((id) => nodes.some((one) => one.id === id))),
  };
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

function tunnelNode({ host, link, vni, local, remotes }: Tunnel, drift: string[]): GraphNode {
  const about = [`from ${local} to ${remotes.join(", ")}`];
  return { ...node(`tunnel:${host}:${link}`, "tunnel", `${link} (VNI ${vni})`), about, drift };
}

function allHosts({ places, segments, cables, published, tunnels }: Topology): string[] {
  return [...places, ...segments, ...cables, ...published, ...tunnels].map(({ host }) => host);
}

function node(id: string, kind: NodeKind, label: string): GraphNode {
  return { id, kind, label, lines: [], about: [], drift: [] };
}

function edge(from: string, to: string): GraphEdge {
  return { from, to, label: "", about: [], drift: [], dashed: false };
}

function segmentNode({ host, netns, bridge, name, addresses, ...segment }: Segment, drift: string[]): GraphNode {
  const traits = [segment.internal && "internal", segment.isolate && "isolated", segment.masquerade && "NAT"];
  return {
    id: ids.bridge(host, netns, bridge),
    kind: "bridge",
    label: name,
    lines: addresses,
    about: [`bridge ${bridge}`, traits.filter(Boolean).join(", ")].filter(Boolean),
    drift,
  };
}

/** Containers that share a namespace are one node. */
function placeNodes({ places, published }: Topology, told: Teller): GraphNode[] {
  const inside = places.filter(({ netns }) => netns !== undefined);
  return [...Map.groupBy(inside, ({ host, netns }) => ids.place(host, netns))].map(([id, group]) => {
    const [first] = group as [Place, ...Place[]];
    const own = first.addresses.map(bare);
    const ports = published.filter(({ host, targetAddress }) => host === first.host && own.includes(targetAddress));
    const ways = ports.map(
      ({ hostAddress, hostPort, targetPort, protocol }) =>
        `${hostAddress ? `${hostAddress}:` : ":"}${hostPort} → ${targetPort}/${protocol}`,
    );
    return {
      id,
      kind: "container" as const,
      label: group.map(({ name }) => name).join(", "),
      lines: [...first.addresses, ...ways],
      about: [
        group.map(fullName).join(", "),
        `namespace ${first.netns}`,
        first.gateway && `gateway ${first.gateway}`,
      ].filter(Boolean),
      drift: told([...group.flatMap(({ urns }) => urns), ...ports.flatMap(({ urns }) => urns)]),
    };
  });
}

/** A bridge hangs on its host, or on the namespace that it is in. */
function segmentEdge({ host, netns, bridge, masquerade, internal, addresses }: Segment): GraphEdge {
  const label = masquerade ? "NAT" : internal ? "internal" : "";
  const attached = addresses.length > 0 || masquerade;
  return { ...edge(ids.place(host, netns), ids.bridge(host, netns, bridge)), label, dashed: !attached || internal };
}

function cableEdge({ host, ends }: Cable, topology: Topology, drift: string[]): GraphEdge[] {
  const idOf = ({ netns, bridge }: End) =>
    bridge === undefined ? ids.place(host, netns) : ids.bridge(host, netns, bridge);
  // The end at the bridge, or on the host, is drawn nearer to the world.
  const [near, far] = rank(ends[0]) <= rank(ends[1]) ? ends : ends.toReversed();
  if (!near || !far) return [];
  const about = ends.map(({ link, netns, addresses }) =>
    [link && `${link}${netns === undefined ? "" : ` in ${netns}`}`, ...addresses].filter(Boolean).join(" "),
  );
  const several = topology.cables.filter(
    (one) => one.host === host && one.ends.some(({ netns }) => netns === far.netns),
  );
  const label = several.length > 1 || far.link !== "eth0" ? far.link : "";
  return [{ ...edge(idOf(near), idOf(far)), label, about: about.filter(Boolean), drift }];
}

function rank({ bridge, netns }: End): number {
  if (bridge !== undefined) return 0;
  return netns === undefined ? 1 : 2;
}

/** Two ends of one overlay are joined once. */
function tunnelEdges({ tunnels }: Topology): GraphEdge[] {
  const id = ({ host, link }: { host: string; link: string }) => `tunnel:${host}:${link}`;
  const ports = tunnels.flatMap((one) =>
    one.bridge === undefined
      ? [edge(ids.host(one.host), id(one))]
      : [edge(ids.bridge(one.host, undefined, one.bridge), id(one))],
  );
  const pairs = tunnels.flatMap((one, index) =>
    tunnels
      .slice(index + 1)
      .filter((other) => other.vni === one.vni && one.remotes.includes(other.local))
      .map((other) => ({ ...edge(id(one), id(other)), label: "VXLAN", dashed: true })),
  );
  return [...ports, ...pairs];
}
