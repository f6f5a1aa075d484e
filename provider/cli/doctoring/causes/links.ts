import { text } from "../../topology/read.ts";
import { called, type DeclaredEnd, endsOf, inside, linkOf } from "../cables.ts";
import { type Cause, declared, type Finding, type Scene, thing, upRemedy } from "../cause.ts";
import { linkIn } from "../seen.ts";

/** A namespace that the stack declares, and that is not there. */
const netnsGone: Cause = {
  name: "netns-gone",
  looksAt: "each namespace of the stack in `/run/netns`",
  find: ({ resources, seen, topology }) =>
    resources
      .filter(({ kind, outputs }) => kind === "Netns" && seen.spaces.get(`${outputs.name}`)?.exists === false)
      .map(({ outputs, urn }) => {
        const name = `${outputs.name}`;
        const place = topology.places.find(({ netns }) => netns === name);
        const whose = place && place.name !== name ? ` of ${place.name}` : "";
        return {
          says: `The namespace ${name}${whose} is not there.`,
          evidence: [{ where: "ip netns", seen: `no ${name}` }],
          remedy: upRemedy,
          breaks: [thing.netns(name), thing.addresses(name)],
          urns: [urn],
        };
      }),
};

/** A bridge that is not there, or is down. */
function bridges(scene: Scene, state: "gone" | "down"): Finding[] {
  return scene.topology.segments.flatMap(({ bridge, netns, name, urns }): Finding[] => {
    const link = linkIn(scene.seen, netns, bridge);
    if (state === "gone" ? link !== undefined : link === undefined || link.up) return [];
    const whose = name === bridge ? "" : ` of ${name}`;
    const where = `${inside(netns)} link show dev ${bridge}`;
    return [
      {
        says: `The bridge ${bridge}${whose} is ${state === "gone" ? "not there" : "down"}.`,
        evidence: [{ where, seen: state === "gone" ? "no such link" : "without the flag UP" }],
        remedy: state === "gone" ? upRemedy : `${inside(netns)} link set dev ${bridge} up, or ${upRemedy}`,
        breaks: [thing.link(netns, bridge)],
        needs: [thing.netns(netns)],
        urns,
      },
    ];
  });
}

const bridgeGone: Cause = {
  name: "bridge-gone",
  looksAt: "each bridge of the stack",
  find: (scene) => bridges(scene, "gone"),
};

const bridgeDown: Cause = {
  name: "bridge-down",
  looksAt: "the flag UP of each bridge",
  find: (scene) => bridges(scene, "down"),
};

/** What a cable rests on beside itself. */
function under(ends: readonly DeclaredEnd[]): string[] {
  return ends.map(({ netns }) => thing.netns(netns));
}

const linkGone: Cause = {
  name: "link-gone",
  looksAt: "both ends of each cable",
  find: (scene) =>
    endsOf(scene).flatMap((ends): Finding[] => {
      const gone = ends.filter((end) => !linkOf(scene, end));
      const [first] = gone;
      if (!first) return [];
      return [
        {
          says: `${gone.map(called).join(" and ")} ${gone.length > 1 ? "are" : "is"} not there: the cable of ${ends.map(({ whose }) => whose).find((one) => one !== "the host") ?? first.whose} is gone.`,
          evidence: gone.map(({ netns, link }) => ({
            where: `${inside(netns)} link show dev ${link}`,
            seen: "no such link",
          })),
          remedy: upRemedy,
          breaks: ends
            .flatMap(({ netns, link }) => [thing.link(netns, link), thing.addresses(netns)])
            .filter(isNotHost),
          needs: under(ends),
          urns: [first.resource.urn],
        },
      ];
    }),
};

/** The host's own addresses do not rest on one cable. */
const isNotHost = (one: string) => one !== thing.addresses(undefined);

/** The findings of one kind, one for each end of a cable that has the fault. */
function each(
  scene: Scene,
  faultOf: (end: DeclaredEnd, other: DeclaredEnd) => Omit<Finding, "breaks"> | undefined,
): Finding[] {
  return endsOf(scene)
    .flatMap(([one, other]): [DeclaredEnd, DeclaredEnd][] => [
      [one, other],
      [other, one],
    ])
    .flatMap(([end, other]): Finding[] => {
      const fault = faultOf(end, other);
      if (!fault) return [];
      const { netns, link } = end;
      const breaks = [thing.link(netns, link), thing.addresses(netns)].filter(isNotHost);
      return [{ breaks, needs: [thing.netns(netns), thing.link(netns, link)], urns: [end.resource.urn], ...fault }];
    });
}

const linkDown: Cause = {
  name: "link-down",
  looksAt: "the flag UP of both ends of each cable",
  find: (scene) =>
    each(scene, (end) => {
      const link = linkOf(scene, end);
      if (!link || link.up) return undefined;
      const command = `${inside(end.netns)} link set dev ${end.link} up`;
      return {
        says: `${called(end)} is down${end.bridge === undefined ? "" : `: a port of ${end.bridge}`}.`,
        evidence: [{ where: `${inside(end.netns)} link show dev ${end.link}`, seen: "without the flag UP" }],
        remedy: `${command}, or ${upRemedy}`,
      };
    }),
};

const portDetached: Cause = {
  name: "port-detached",
  looksAt: "the bridge that each cable is attached to",
  find: (scene) =>
    each(scene, (end) => {
      const link = linkOf(scene, end);
      if (!link || end.bridge === undefined || link.bridge === end.bridge) return undefined;
      const { netns } = end;
      return {
        says: `${called(end)} is ${link.bridge ? `a port of ${link.bridge}` : "no port of any bridge"}, and not of ${end.bridge}.`,
        evidence: [{ where: `${inside(netns)} link show dev ${end.link}`, seen: `master ${link.bridge ?? "none"}` }],
        remedy: `${inside(netns)} link set dev ${end.link} master ${end.bridge}, or ${upRemedy}`,
        needs: [thing.netns(netns), thing.link(netns, end.link), thing.link(netns, end.bridge)],
      };
    }),
};

/** What a spanning tree has begun its timers finish, also when it is off again: 15 seconds a state (net/bridge/br_stp_timer.c). */
function whyBlocked(stp: boolean, state: string): string {
  if (stp) return "by the spanning tree: there is a loop, or it is still learning";
  const begun = state === "listening" || state === "learning";
  return begun ? "by the spanning tree, which was on until just now: it forwards within half a minute" : "by hand";
}

const byHand = ({ link }: DeclaredEnd) => ({ remedy: `bridge link set dev ${link} state 3` });

/** A spanning tree that the program does not have is the bridge's drift, too. */
function bySpanningTree(scene: Scene, { netns, bridge, resource }: DeclaredEnd): Pick<Finding, "remedy" | "urns"> {
  const own = declared(scene, "Bridge", (one) => one.name === bridge && text(one.netns) === netns);
  if (!own || own.outputs.stp === true)
    return { remedy: "Take one cable out of the loop, or leave the spanning tree off (stp: false of the Bridge)." };
  return {
    remedy: `${inside(netns)} link set dev ${bridge} type bridge stp_state 0, or ${upRemedy}`,
    urns: [resource.urn, own.urn],
  };
}

const portBlocked: Cause = {
  name: "port-blocked",
  looksAt: "what each bridge does with its ports (spanning tree)",
  find: (scene) =>
    each(scene, (end, other) => {
      const state = linkOf(scene, end)?.portState;
      if (end.bridge === undefined || state === undefined || state === "forwarding") return undefined;
      const stp = linkIn(scene.seen, end.netns, end.bridge)?.stp === true;
      return {
        ...(stp ? bySpanningTree(scene, end) : byHand(end)),
        says: `The port ${called(end)} of ${end.bridge} is ${state}, ${whyBlocked(stp, state)}.`,
        evidence: [
          { where: `bridge -d link show dev ${end.link}`, seen: `state ${state}` },
          { where: `${inside(end.netns)} -d link show dev ${end.bridge}`, seen: `stp_state ${stp ? 1 : 0}` },
        ],
        // Without a carrier a port is disabled: when the other end is down.
        needs: [
          thing.netns(end.netns),
          ...[end.link, end.bridge].map((one) => thing.link(end.netns, one)),
          thing.link(other.netns, other.link),
        ],
      };
    }),
};

/** Causes in namespaces, bridges and cables. */
export const linkCauses: readonly Cause[] = [
  netnsGone,
  bridgeGone,
  bridgeDown,
  linkGone,
  linkDown,
  portDetached,
  portBlocked,
];
