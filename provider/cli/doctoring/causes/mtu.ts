import type { Segment } from "../../topology/model.ts";
import { inside, linkOf, portsOf } from "../cables.ts";
import { type Cause, type Finding, type Scene, thing, upRemedy } from "../cause.ts";
import { linkIn } from "../seen.ts";

/** Packets that are too large for one link along the path. It comes late: smaller ones pass. */
export const mtuCause: Cause = {
  name: "mtu",
  looksAt: "the MTU of every link along the path: container, ports, tunnel, uplink",
  find: (scene) => scene.topology.segments.flatMap((one) => [...narrow(scene, one), ...towardsWorld(scene, one)]),
};

/** A link that a packet on a bridge passes. */
interface Passed {
  name: string;
  netns: string | undefined;
  mtu: number;
  urns: string[];
}

function passed(scene: Scene, segment: Segment): Passed[] {
  const ports = portsOf(scene, segment).flat();
  const tunnels = scene.topology.tunnels.filter(({ bridge }) => bridge === segment.bridge);
  return [
    ...ports.map((end) => ({ name: end.link, netns: end.netns, urns: [end.resource.urn] })),
    ...tunnels.map(({ link, urns }) => ({ name: link, netns: segment.netns, urns })),
  ].flatMap((one) => {
    const link = linkIn(scene.seen, one.netns, one.name);
    return link ? [{ ...one, mtu: link.mtu }] : [];
  });
}

const evidenceOf = ({ name, netns, mtu }: Pick<Passed, "name" | "netns" | "mtu">) => ({
  where: `${inside(netns)} link show dev ${name}`,
  seen: `mtu ${mtu}`,
});

/** What is larger than a port's MTU is dropped by the bridge, and nobody is told (net/bridge/br_forward.c). */
function narrow(scene: Scene, segment: Segment): Finding[] {
  const all = passed(scene, segment).toSorted((a, b) => a.mtu - b.mtu);
  const [least, largest] = [all[0], all.at(-1)];
  if (!least || !largest || least.mtu === largest.mtu) return [];
  return [
    {
      says: `The MTUs on ${segment.bridge} differ: packets of more than ${least.mtu} bytes are lost at ${least.name}.`,
      evidence: [least, largest].map(evidenceOf),
      remedy: `Give all of them one MTU (mtu of Network or VethPair), or ${upRemedy}`,
      breaks: [],
      needs: [thing.link(least.netns, least.name)],
      urns: least.urns,
    },
  ];
}

/** A way out that is narrower than the containers' links works only as long as every router on the way may say so. */
function towardsWorld(scene: Scene, segment: Segment): Finding[] {
  const dev = scene.seen.routes4.find(({ to }) => to === "default")?.dev;
  const uplink = dev === undefined ? undefined : linkIn(scene.seen, undefined, dev);
  if (!uplink || !segment.masquerade || segment.netns !== undefined) return [];
  const wide = portsOf(scene, segment)
    .map(([, far]) => ({ name: far.link, netns: far.netns, mtu: linkOf(scene, far)?.mtu ?? 0 }))
    .find(({ mtu }) => mtu > uplink.mtu);
  if (!wide) return [];
  return [
    {
      says: `The uplink ${uplink.name} takes packets of ${uplink.mtu} bytes, the containers of ${segment.name} send ${wide.mtu}.`,
      evidence: [evidenceOf({ ...uplink, netns: undefined }), evidenceOf(wide)],
      remedy: `Give the network mtu: ${uplink.mtu} in the program.`,
      breaks: [],
      needs: [thing.link(undefined, uplink.name)],
    },
  ];
}
