import { z } from "zod";
import { canonicalAddress, familyOf } from "./addresses.ts";
import { type Change, type Fact, ip, run, type Step } from "./command.ts";
import { refuse } from "./failure.ts";
import { attributeChanges, freshLink, ofNewLink, setLink, upChanges, type WantedLink } from "./link-changes.ts";
import { isAbsence, type Link, readJson } from "./links.ts";
import type { Rule } from "./nft.ts";
import { linkClaim } from "./owner.ts";
import { quietChanges } from "./quiet.ts";
import type { Sysctls } from "./sysctl.ts";

/** A tunnel end as it is wanted. */
export interface WantedTunnel extends WantedLink {
  /** The bridge that it is a port of. */
  bridge?: string | undefined;
  vni: number;
  local: string;
  remotes: readonly string[];
  port: number;
}

/** What a packet grows by in the tunnel: outer Ethernet, IP, UDP and VXLAN headers (RFC 7348, 5), without the outer Ethernet. */
const overhead = { 4: 50, 6: 70 } as const;

/** The MTU that fits into a tunnel over links of an MTU. */
export function tunnelMtu(underlay: number, local: string): number {
  return underlay - overhead[familyOf(local)];
}

/**
 * The link of a host that holds the tunnel's own address.
 * @throws LinuxnetError when none does
 */
export function underlayOf(links: readonly Link[], local: string): Link {
  return (
    links.find(({ addresses }) => addresses.some((cidr) => cidr.startsWith(`${local}/`))) ??
    refuse(`this host does not have the address ${local}`, "Give the host's own address in the underlay.")
  );
}

/** The address that stands for all stations in the forwarding table of a VXLAN link: where flooded packets go. */
const everyone = "00:00:00:00:00:00";

function bridgeTool(netns: string | undefined, words: readonly string[]) {
  return run(["bridge", ...(netns === undefined ? [] : ["-n", netns]), ...words]);
}

/** Asks where a VXLAN link floods to (bridge(8), fdb). */
export function floodFact(name: string, netns?: string): Fact<string[]> {
  const shape = z.array(z.looseObject({ mac: z.string(), dst: z.string().optional() }));
  return {
    command: bridgeTool(netns, ["-j", "fdb", "show", "dev", name]),
    parse: (reply) => {
      if (reply.code !== 0 && (isAbsence(reply) || /Cannot find|No such/.test(reply.stderr))) return [];
      return readJson(reply, shape).flatMap(({ mac, dst }) =>
        mac === everyone && dst ? [canonicalAddress(dst) ?? dst] : [],
      );
    },
  };
}

/** Makes a tunnel's link: its outer packets belong to the host's own namespace, wherever the link itself lives. */
function makeTunnel({ name, netns, macAddress, mtu, vni, local, port }: WantedTunnel): Step {
  const end = ["name", name, "address", macAddress, "mtu", mtu, ...(netns ? ["netns", netns] : [])];
  return {
    what: `create vxlan ${name}`,
    do: ip(["link", "add", ...end, "type", "vxlan", "id", vni, "local", local, "dstport", port]),
    undo: [ip(["link", "del", "dev", name], netns)],
    claim: linkClaim(name, netns),
  };
}

/** What differs in a tunnel's own end and in where it floods to. */
export function tunnelChanges(wanted: WantedTunnel, link: Link, flood: readonly string[]): Change[] {
  const { local, vni, name, netns, remotes } = wanted;
  const changes: Change[] = [];
  const was = link.vxlan?.local ?? "";
  if (was !== local) {
    const words = (address: string) => ["type", "vxlan", "id", `${vni}`, "local", address];
    changes.push({ property: "local", actual: was, steps: [setLink(wanted, words(local), was ? words(was) : [])] });
  }
  const entry = (verb: "append" | "del", remote: string) =>
    bridgeTool(netns, ["fdb", verb, everyone, "dev", name, "dst", remote]);
  const steps = [
    ...flood
      .filter((remote) => !remotes.includes(remote))
      .map((remote) => ({
        what: `stop flooding to ${remote}`,
        do: entry("del", remote),
        undo: [entry("append", remote)],
      })),
    ...remotes
      .filter((remote) => !flood.includes(remote))
      .map((remote) => ({ what: `flood to ${remote}`, do: entry("append", remote), undo: [entry("del", remote)] })),
  ];
  if (steps.length > 0) changes.push({ property: "remotes", actual: flood, steps });
  return changes;
}

/** What differs in which bridge a tunnel is a port of. */
export function attachChanges(wanted: WantedTunnel, { bridge }: Link): Change[] {
  if (bridge === wanted.bridge) return [];
  const words = (to: string | undefined) => (to === undefined ? ["nomaster"] : ["master", to]);
  return [{ property: "bridge", actual: bridge, steps: [setLink(wanted, words(wanted.bridge), words(bridge))] }];
}

/** Whether it is a link of the host's own, and no port of a bridge: what comes in by it, the host itself takes. */
export function isBare({ netns, bridge }: Pick<WantedTunnel, "netns" | "bridge">): boolean {
  return netns === undefined && bridge === undefined;
}

/** What differs in a tunnel's link that stands, with where it floods to. */
export function standingChanges(
  wanted: WantedTunnel,
  link: Link,
  { flood, quiet }: { flood: readonly string[]; quiet?: Sysctls },
): Change[] {
  return [
    ...attributeChanges(wanted, link).map(unnamed),
    ...tunnelChanges(wanted, link, flood),
    ...attachChanges(wanted, link),
    ...(isBare(wanted) ? quietChanges(wanted.name, quiet) : []),
    ...upChanges(wanted, link),
  ];
}

/** Its MAC address is no input: that it has another one is told in words. */
function unnamed({ property, ...change }: Change): Change {
  if (property !== "macAddress") return { ...change, ...(property && { property }) };
  return { drift: `its MAC address is ${change.actual}`, steps: change.steps };
}

/** Makes a tunnel's link with all that belongs to it. */
export function newTunnel(wanted: WantedTunnel): Step[] {
  const fresh = { ...freshLink(wanted, "vxlan"), vxlan: { vni: wanted.vni, local: wanted.local, port: wanted.port } };
  const changes = ofNewLink(standingChanges(wanted, fresh, { flood: [] }), "");
  return [makeTunnel(wanted), ...changes.flatMap(({ steps }) => steps)];
}

/** Makes a tunnel's link anew: the kernel moves none from one family to the other ("New local address family does not match old"). */
export function remakeTunnel(wanted: WantedTunnel, { mtu, bridge, vxlan }: Link, flood: readonly string[]): Step[] {
  const former = { ...wanted, mtu, bridge, local: vxlan?.local ?? wanted.local, remotes: flood };
  const del: Step = {
    what: `delete vxlan ${wanted.name}`,
    do: ip(["link", "del", "dev", wanted.name], wanted.netns),
    undo: newTunnel(former).map((step) => step.do),
  };
  return [del, ...newTunnel(wanted)];
}

/**
 * Packets of this tunnel's network from anyone but its remotes are dropped: VXLAN itself believes every sender. So are those that this
 * host forwards to a remote: translated on their way out, they would carry the host's own address there.
 */
export function tunnelRules({
  vni,
  port,
  local,
  remotes,
}: Pick<WantedTunnel, "vni" | "port" | "local" | "remotes">): Rule[] {
  const version = familyOf(local);
  const family = version === 6 ? "ip6" : "ip";
  const ours = `meta nfproto ipv${version} udp dport ${port} @th,96,24 ${vni}`;
  if (remotes.length === 0) return [{ chain: "tunnels", text: `${ours} drop` }];
  const all = `{ ${remotes.join(", ")} }`;
  return [
    { chain: "tunnels", text: `${ours} ${family} saddr != ${all} drop` },
    { chain: "tunnels_out", text: `${ours} ${family} saddr != ${all} ${family} daddr ${all} drop` },
  ];
}
