import { bare, contains, familyOf, overlaps, subnetOf } from "../../../kernel/addresses.ts";
import { isOwner } from "../../../kernel/owner.ts";
import type { Route } from "../../../kernel/routes.ts";
import type { Segment } from "../../topology/model.ts";
import { called, type DeclaredEnd, endsOf, inside, linkOf, portsOf } from "../cables.ts";
import { type Cause, type Finding, type Scene, thing, upRemedy } from "../cause.ts";
import { linkIn, settingOf, spaceOf } from "../seen.ts";

/** Who says something on one bridge: its name, and where that is seen. */
interface Speaker {
  name: string;
  where: string;
  urns: string[];
}

/** Findings for each value that several on one bridge have. */
function twice(scene: Scene, what: "address" | "MAC address"): Finding[] {
  return scene.topology.segments.flatMap((segment) => {
    const holders = new Map<string, Speaker[]>();
    const add = (value: string, speaker: Speaker) => holders.set(value, [...(holders.get(value) ?? []), speaker]);
    const values = (link: { addresses: string[]; macAddress: string } | undefined) =>
      link === undefined ? [] : what === "address" ? [...new Set(link.addresses.map(bare))] : [link.macAddress];
    const { bridge, netns, urns } = segment;
    for (const value of values(linkIn(scene.seen, netns, bridge)))
      add(value, { name: bridge, where: `${inside(netns)} addr show dev ${bridge}`, urns });
    for (const [, far] of portsOf(scene, segment))
      for (const value of values(linkOf(scene, far))) add(value, speaker(far));
    return [...holders].filter(([, all]) => all.length > 1).map(([value, all]) => duplicate(what, value, all));
  });
}

function speaker(end: DeclaredEnd): Speaker {
  return { name: called(end), where: `${inside(end.netns)} addr show dev ${end.link}`, urns: [end.resource.urn] };
}

function duplicate(what: "address" | "MAC address", value: string, all: readonly Speaker[]): Finding {
  return {
    says: `${all.map(({ name }) => name).join(" and ")} have the same ${what}, ${value}.`,
    evidence: all.map(({ where }) => ({ where, seen: value })),
    remedy: `Give one of them another ${what}. Where it was set by hand: ${upRemedy}`,
    breaks: [],
    urns: all.flatMap(({ urns }) => urns),
  };
}

const duplicateMac: Cause = {
  name: "duplicate-mac",
  looksAt: "the MAC addresses of all that is on one bridge",
  find: (scene) => twice(scene, "MAC address"),
};

const duplicateAddress: Cause = {
  name: "duplicate-address",
  looksAt: "the addresses of all that is on one bridge, the gateway among them",
  find: (scene) => twice(scene, "address"),
};

const subnetOverlap: Cause = {
  name: "subnet-overlap",
  looksAt: "the host's own routes and addresses beside the subnets of the stack",
  find: ({ topology, seen }) => {
    const aliases = new Map(seen.links.map(({ name, alias }) => [name, alias]));
    const routes = [...seen.routes4, ...seen.routes6].filter(
      ({ to, dev, ways = [] }) =>
        to !== "default" &&
        (dev ?? ways[0]) !== undefined &&
        !isOwner(aliases.get(dev ?? "")) &&
        !/^(fe80|ff00):/.test(to),
    );
    return topology.segments.flatMap((segment): Finding[] => {
      const subnets = segment.netns === undefined ? segment.addresses.map(subnetOf) : [];
      const other = routes.find(
        ({ to, dev }) => dev !== segment.bridge && subnets.some((subnet) => overlaps(subnet, to)),
      );
      return other ? [overlapping(segment, subnets, other)] : [];
    });
  },
};

function overlapping({ name, urns }: Segment, subnets: readonly string[], { to, via, dev }: Route): Finding {
  const text = [to, via && `via ${via}`, dev && `dev ${dev}`].filter(Boolean).join(" ");
  return {
    says: `The subnet of ${name} (${subnets.join(", ")}) overlaps ${to}, which this host reaches by ${dev ?? "several links"}.`,
    evidence: [{ where: "ip route", seen: text }],
    remedy: `Choose another subnet for ${name} in the program, or remove the route: ip route del ${text}`,
    breaks: [],
    urns,
  };
}

const ipv6 = (netns: string | undefined, link: string) => `IPv6 of ${netns ?? ""}/${link}`;

/** A link of the stack with its addresses. */
interface Addressed {
  link: string;
  netns: string | undefined;
  addresses: string[];
  urns: string[];
}

function addressed(scene: Scene): Addressed[] {
  const bridges = scene.topology.segments.map(({ bridge, ...one }) => ({ ...one, link: bridge }));
  const ends = endsOf(scene).flat();
  return [...bridges, ...ends.map(({ resource, ...end }) => ({ ...end, urns: [resource.urn] }))];
}

const ipv6Off: Cause = {
  name: "ipv6-off",
  looksAt: "`disable_ipv6` of each link that has an IPv6 address in the stack",
  find: (scene) =>
    addressed(scene).flatMap(({ link, netns, addresses, urns }): Finding[] => {
      const file = `ipv6/conf/${link}/disable_ipv6`;
      if (!addresses.some((one) => familyOf(one) === 6) || settingOf(scene.seen, netns, file) !== "1") return [];
      const [where, within] = netns === undefined ? ["", ""] : [` in ${netns}`, `ip netns exec ${netns} `];
      return [
        {
          says: `IPv6 is switched off on ${link}${where}, which has an IPv6 address in the stack.`,
          evidence: [{ where: `/proc/sys/net/${file}${where}`, seen: "1" }],
          remedy: `${within}sysctl -w net.${file.replaceAll("/", ".")}=0, then pulumi up --refresh`,
          breaks: [ipv6(netns, link), ...(netns === undefined ? [] : [thing.addresses(netns)])],
          needs: [thing.link(netns, link), thing.netns(netns)],
          urns,
        },
      ];
    }),
};

/** What a gateway of a network is called among the things that are needed. */
export const gateway = (address: string) => `gateway ${bare(address)}`;

const gatewayAddress: Cause = {
  name: "gateway-address",
  looksAt: "the gateway addresses of each bridge",
  find: ({ topology, seen }) =>
    topology.segments.flatMap(({ bridge, netns, addresses, name, urns }) => {
      const link = linkIn(seen, netns, bridge);
      const missing = addresses.filter((one) => !link?.addresses.includes(one));
      return missing.map((address) => ({
        says: `The bridge ${bridge} does not have ${address}, the gateway of ${name}.`,
        evidence: [
          { where: `${inside(netns)} addr show dev ${bridge}`, seen: link?.addresses.join(", ") || "no address" },
        ],
        remedy: upRemedy,
        breaks: [gateway(address)],
        needs: [
          thing.link(netns, bridge),
          thing.netns(netns),
          ...(familyOf(address) === 6 ? [ipv6(netns, bridge)] : []),
        ],
        urns,
      }));
    }),
};

const addressMissing: Cause = {
  name: "address-missing",
  looksAt: "the addresses of each end of a cable",
  find: (scene) =>
    endsOf(scene)
      .flat()
      .flatMap((end): Finding[] => {
        const { netns, link, addresses } = end;
        const found = linkOf(scene, end);
        const missing = addresses.filter((one) => !found?.addresses.includes(one));
        if (missing.length === 0) return [];
        return [
          {
            says: `${called(end)} does not have its address ${missing.join(", ")}.`,
            evidence: [
              { where: `${inside(netns)} addr show dev ${link}`, seen: found?.addresses.join(", ") || "no address" },
            ],
            remedy: upRemedy,
            breaks: netns === undefined ? [] : [thing.addresses(netns)],
            needs: [
              thing.netns(netns),
              thing.link(netns, link),
              ...missing.filter((one) => familyOf(one) === 6).map(() => ipv6(netns, link)),
            ],
            urns: [end.resource.urn],
          },
        ];
      }),
};

/** What the way to the world out of a namespace is called among the things that are needed. */
export const wayOut = (netns: string | undefined) => `way out of ${netns ?? ""}`;

const defaultRoute: Cause = {
  name: "default-route",
  looksAt: "the default route of each container",
  find: (scene) =>
    endsOf(scene)
      .flat()
      .flatMap((end) => end.gateways.flatMap((via) => routeFault(scene, end, via) ?? [])),
};

function routeFault(scene: Scene, { netns, whose, link, resource }: DeclaredEnd, via: string): Finding | undefined {
  const space = spaceOf(scene.seen, netns);
  const defaults = [...(space?.routes4 ?? []), ...(space?.routes6 ?? [])].filter(({ to }) => to === "default");
  if (defaults.some((one) => one.via === via)) return undefined;
  const others = defaults.filter((one) => one.via && familyOf(one.via) === familyOf(via));
  const seen = others.map((one) => `default via ${one.via} dev ${one.dev}`).join(", ") || "nothing";
  return {
    says: `${whose} has ${others.length > 0 ? "another default route" : "no default route"}: it should be ${via}.`,
    evidence: [{ where: `${inside(netns)} ${familyOf(via) === 6 ? "-6 " : ""}route show default`, seen }],
    remedy: upRemedy,
    breaks: [wayOut(netns)],
    needs: [thing.netns(netns), thing.addresses(netns), thing.link(netns, link)],
    urns: [resource.urn],
  };
}

/** Whether the stack has a network that an address is in. */
export function networkOf({ topology }: Scene, address: string) {
  return topology.segments.find(({ addresses }) => addresses.some((one) => contains(subnetOf(one), address)));
}

/** Causes in addresses and routes. */
export const addressCauses: readonly Cause[] = [
  duplicateMac,
  duplicateAddress,
  subnetOverlap,
  ipv6Off,
  gatewayAddress,
  addressMissing,
  defaultRoute,
];
