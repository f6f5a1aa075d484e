import { type Counted, fromOtherEnd, linkKey } from "../counting.ts";
import type { Cable, End, Segment, Topology, Tunnel } from "../topology/model.ts";
import type { GraphEdge } from "./model.ts";

/** The names of the nodes in a picture. */
export const ids = {
  host: (host: string): string => `host:${host}`,
  bridge: (host: string, netns: string | undefined, name: string): string => `bridge:${host}:${netns ?? ""}:${name}`,
  place: (host: string, netns: string | undefined): string =>
    netns === undefined ? ids.host(host) : `container:${host}:${netns}`,
  tunnel: ({ host, link }: Pick<Tunnel, "host" | "link">): string => `tunnel:${host}:${link}`,
};

/** What is drawn between two nodes of which nothing more is known. */
export function edge(from: string, to: string): GraphEdge {
  return { from, to, label: "", about: [], drift: [], urns: [], dashed: false };
}

/** All that joins the nodes below the hosts. */
export function edgesOf(
  topology: Topology,
  told: (urns: readonly string[]) => string[],
  counted: Counted,
): GraphEdge[] {
  return [
    ...topology.segments.map((one) => segmentEdge(one, counted)),
    ...topology.cables.flatMap((cable) => cableEdge(cable, topology, told(cable.urns), counted)),
    ...tunnelEdges(topology, counted),
  ];
}

/** A bridge hangs on its host, or on the namespace that it is in. */
function segmentEdge(segment: Segment, { links }: Counted): GraphEdge {
  const { host, netns, bridge, masquerade, internal, addresses } = segment;
  const label = masquerade ? "NAT" : internal ? "internal" : "";
  const attached = addresses.length > 0 || masquerade;
  const traffic = links.get(linkKey(host, netns, bridge));
  const ends = edge(ids.place(host, netns), ids.bridge(host, netns, bridge));
  return { ...ends, label, traffic, dashed: !attached || internal };
}

function cableEdge(cable: Cable, topology: Topology, drift: string[], counted: Counted): GraphEdge[] {
  const { host, ends, urns } = cable;
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
  const traffic = trafficOf(host, near, far, counted);
  return [{ ...edge(idOf(near), idOf(far)), label, about: about.filter(Boolean), drift, urns, traffic }];
}

/** What the far end has let through: what was counted at either end. */
function trafficOf(host: string, near: End, far: End, { links }: Counted) {
  const atFar = links.get(linkKey(host, far.netns, far.link));
  const atNear = links.get(linkKey(host, near.netns, near.link));
  return atFar ?? (atNear && fromOtherEnd(atNear));
}

function rank({ bridge, netns }: End): number {
  if (bridge !== undefined) return 0;
  return netns === undefined ? 1 : 2;
}

/** Two ends of one overlay are joined once. */
function tunnelEdges({ tunnels }: Topology, { links }: Counted): GraphEdge[] {
  const ports = tunnels.map((one) => {
    const from = one.bridge === undefined ? ids.host(one.host) : ids.bridge(one.host, undefined, one.bridge);
    return { ...edge(from, ids.tunnel(one)), traffic: links.get(linkKey(one.host, undefined, one.link)) };
  });
  const pairs = tunnels.flatMap((one, index) =>
    tunnels
      .slice(index + 1)
      .filter((other) => other.vni === one.vni && one.remotes.includes(other.local))
      .map((other) => ({ ...edge(ids.tunnel(one), ids.tunnel(other)), label: "VXLAN", dashed: true })),
  );
  return [...ports, ...pairs];
}
