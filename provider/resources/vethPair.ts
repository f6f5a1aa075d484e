// A virtual cable (veth(4)): two links that are each other's far end. The owner is the alias of both. Deleting one end
// deletes the other; so does deleting the namespace that one lives in.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { familyOf } from "../kernel/addresses.ts";
import { endChanges, makeCable, routesOf, type SeenEnd, unreachable, type WantedEnd } from "../kernel/cable.ts";
import { type Answers, ip, type Step } from "../kernel/command.ts";
import { createFirst, refuse } from "../kernel/failure.ts";
import { ofNewLink, releaseStep } from "../kernel/link-changes.ts";
import { linkFact, type Sight } from "../kernel/links.ts";
import { derivedMac } from "../kernel/mac.ts";
import { overlapFacts, refuseOverlap } from "../kernel/overlap.ts";
import { ownerText, type Standing, standing } from "../kernel/owner.ts";
import { type Route, routesFact } from "../kernel/routes.ts";
import {
  address,
  interfaceAddress,
  linkName,
  macAddress,
  mtu,
  netnsName,
  oneOrMore,
  subnet,
} from "../kernel/schema.ts";
import { type Change, type Context, define, type Issue } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** A route through an end of a pair. */
export interface RouteArgs {
  /** The destination: a subnet, an address, or `"default"`. */
  to: pulumi.Input<string>;
  /** The next hop; default none: what is reached is on the link itself. */
  via?: pulumi.Input<string>;
  /** The metric, 0 to 4294967295, the lower the better; default: the kernel's. */
  metric?: pulumi.Input<number>;
}

/** One end of a {@link VethPair}. */
export interface VethEndArgs {
  /** The link's name: 1 to 15 bytes of letters, digits, `_`, `.` and `-`. Change: replacement. */
  name: pulumi.Input<string>;
  /** The namespace it lives in; default: the host's own. Change: replacement. */
  netns?: pulumi.Input<string>;
  /** The bridge that it is a port of; default none. */
  bridge?: pulumi.Input<string>;
  /** Addresses with prefix; default none. */
  addresses?: pulumi.Input<pulumi.Input<string>[]>;
  /** The next hop of the default route, one per family; only inside a namespace, since the host's own route is never touched. */
  gateway?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** Further routes through this end. */
  routes?: pulumi.Input<pulumi.Input<RouteArgs>[]>;
  /** The MAC address; default: derived from the resource and the end, the same on every run. */
  macAddress?: pulumi.Input<string>;
  /** As a port of a bridge: send packets back out of it too; default false. */
  hairpin?: pulumi.Input<boolean>;
  /** As a port of a bridge: must not talk to other isolated ports; default false. */
  isolated?: pulumi.Input<boolean>;
}

/** Inputs of a {@link VethPair}: one end is the args themselves, the other is `peer`. */
export interface VethPairArgs extends ResourceArgs, VethEndArgs {
  /** The other end. */
  peer: pulumi.Input<VethEndArgs>;
  /** The MTU of both ends in bytes, 68 to 65535; default 1500. */
  mtu?: pulumi.Input<number>;
}

interface End {
  name: string;
  netns?: string;
  bridge?: string;
  addresses: string[];
  gateway?: string | string[];
  routes?: Route[];
  macAddress: string;
  hairpin: boolean;
  isolated: boolean;
}

interface Args extends End {
  peer: End;
  mtu: number;
  owner: string;
}

const listed = (value: string | string[] | undefined): string[] => [value ?? []].flat();

const facts = (args: Args, { previous = {} }: Pick<Context, "previous">) => ({
  one: linkFact(args.name, args.netns),
  other: linkFact(args.peer.name, args.peer.netns),
  ...(hasRoutes(args, previous) ? { one4: routesFact(args.netns, 4), one6: routesFact(args.netns, 6) } : {}),
  ...(hasRoutes(args.peer, (previous.peer ?? {}) as Partial<End>)
    ? { other4: routesFact(args.peer.netns, 4), other6: routesFact(args.peer.netns, 6) }
    : {}),
  bridge: linkFact(args.bridge ?? args.name, args.netns),
  peerBridge: linkFact(args.peer.bridge ?? args.peer.name, args.peer.netns),
  ...(hostAddresses(args).length > 0 ? overlapFacts : {}),
});

type Seen = Answers<ReturnType<typeof facts>>;

/** Whether an end has routes, or had: what was never set is not asked for. */
function hasRoutes(...ends: readonly Partial<End>[]): boolean {
  return ends.some(({ gateway, routes = [] }) => gateway !== undefined || routes.length > 0);
}

/** The addresses that the host's own links get: those of ends outside any namespace. */
function hostAddresses({ addresses, netns, peer }: Args): string[] {
  return [...(netns ? [] : addresses), ...(peer.netns ? [] : peer.addresses)];
}

function standings({ name }: Args, { one, other }: Seen, context: Context): [Standing, Standing] {
  const of = ({ link }: Sight): Standing => (link ? standing(link.alias, `link:${name}`, context) : "absent");
  return [of(one), of(other)];
}

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const [one, other] = standings(args, seen, context);
  refuseForeign(args.name, seen.one, one, context);
  refuseForeign(args.peer.name, seen.other, other, context);
  refuseMissing(args, seen);
  const present = seen.one.link?.addresses.concat(seen.other.link?.addresses ?? []) ?? [];
  const added = hostAddresses(args).filter((cidr) => !present.includes(cidr));
  if ("links" in seen && added.length > 0) refuseOverlap(added, seen as Required<Seen>);
  const paired = one !== "absent" && seen.one.link?.peerIndex === seen.other.link?.ifindex;
  const [end, far] = ends(args, paired && one !== "ours" ? ownerText(context.owner, true) : context.owner);
  if (!paired) return [...broken(args, one, other), ...making(end, far)];
  const changes = [
    ...endChanges(end, seenEnd(args, seen, context, "one")),
    ...endChanges(far, seenEnd(args, seen, context, "other")),
  ];
  // The MTU is one property of both ends.
  return changes.map((change) => (change.property === "peer.mtu" ? { ...change, property: "mtu" } : change));
}

function ends({ peer, mtu: size, ...one }: Args, owner: string): [WantedEnd, WantedEnd] {
  const wanted = (end: End, prefix: string): WantedEnd => ({
    ...end,
    mtu: size,
    owner,
    prefix,
    gateways: listed(end.gateway),
    routes: end.routes ?? [],
  });
  return [wanted(one, ""), wanted(peer, "peer.")];
}

function seenEnd(args: Args, seen: Seen, { previous }: Context, which: "one" | "other"): SeenEnd {
  const former = (which === "one" ? previous : previous?.peer) as Partial<End> | undefined;
  const name = which === "one" ? args.name : args.peer.name;
  return {
    sight: seen[which],
    routes: [...(seen[`${which}4`] ?? []), ...(seen[`${which}6`] ?? [])],
    formerRoutes: former ? routesOf({ name, gateways: listed(former.gateway), routes: former.routes ?? [] }) : [],
  };
}

/** A pair of which an end is missing, or whose ends are not each other's, is made anew. */
function broken(args: Args, one: Standing, other: Standing): Change[] {
  const steps = deleting(args, one, other);
  return [{ drift: `the pair ${args.name} and ${args.peer.name} is not whole`, steps }];
}

function making(one: WantedEnd, other: WantedEnd): Change[] {
  const absent = { sight: { link: undefined, netns: true }, routes: [], formerRoutes: [] };
  const changes = [...endChanges(one, absent), ...endChanges(other, absent)];
  return [{ drift: `${one.name} is missing`, steps: [makeCable(one, other)] }, ...ofNewLink(changes)];
}

function refuseForeign(name: string, { link }: Sight, who: Standing, { adopt }: Context): void {
  if (!link || who === "ours" || who === "adopted" || (who === "unowned" && adopt && link.kind === "veth")) return;
  const whose = link.alias ? `carries the mark ${link.alias}` : "nothing of linuxnet's owns it";
  refuse(
    `a link ${name} is there already and ${whose}`,
    "Choose another name, delete it, or set adopt: true to take over a pair that has no owner.",
  );
}

function refuseMissing(args: Args, seen: Seen): void {
  for (const [end, sight, bridge] of [
    [args, seen.one, seen.bridge],
    [args.peer, seen.other, seen.peerBridge],
  ] as const) {
    if (!sight.netns) refuse(`there is no namespace ${end.netns}`, createFirst);
    if (end.bridge && bridge.link?.kind !== "bridge")
      refuse(bridge.link ? `${end.bridge} is no bridge` : `there is no bridge ${end.bridge}`, createFirst);
  }
}

function deleting({ name, netns, peer }: Args, one: Standing, other: Standing): Step[] {
  if (one === "adopted" || other === "adopted") return [releaseStep(name, netns), releaseStep(peer.name, peer.netns)];
  // Deleting either end deletes both.
  if (one === "ours") return [{ what: `delete veth ${name}`, do: ip(["link", "del", "dev", name], netns) }];
  if (other === "ours")
    return [{ what: `delete veth ${peer.name}`, do: ip(["link", "del", "dev", peer.name], peer.netns) }];
  return [];
}

const end = {
  name: linkName,
  netns: netnsName.optional(),
  bridge: linkName.optional(),
  addresses: z.array(interfaceAddress, "must be a list of addresses").default([]),
  gateway: oneOrMore(address).optional(),
  routes: z
    .array(
      z.strictObject({
        to: z.union([z.literal("default"), subnet]),
        via: address.optional(),
        metric: z.number().int().min(0).max(4294967295).optional(),
      }),
    )
    .optional(),
  macAddress: macAddress.optional(),
  hairpin: z.boolean("must be true or false").default(false),
  isolated: z.boolean("must be true or false").default(false),
};

function rules(args: Args): Issue[] {
  const same = args.name === args.peer.name && args.netns === args.peer.netns;
  const issues = same
    ? [{ property: "peer.name", reason: "must differ from name: both ends are in one namespace" }]
    : [];
  return [...issues, ...endRules(args, ""), ...endRules(args.peer, "peer.")];
}

function endRules({ gateway, netns, addresses, bridge, routes = [] }: End, prefix: string): Issue[] {
  const gateways = listed(gateway);
  const issue = (property: string, reason: string | undefined | false) =>
    reason ? [{ property: `${prefix}${property}`, reason }] : [];
  const families = gateways.map(familyOf);
  return [
    ...issue(
      "gateway",
      gateways.length > 0 &&
        netns === undefined &&
        "is allowed only inside a namespace (netns): the host's own default route is never touched",
    ),
    ...issue("gateway", new Set(families).size < families.length && "must be at most one address per family"),
    ...gateways.flatMap((via) => issue("gateway", unreachable(via, addresses))),
    ...gateways.flatMap((via) =>
      issue("gateway", addresses.some((cidr) => cidr.startsWith(`${via}/`)) && "must not be this end's own address"),
    ),
    ...issue(
      "addresses",
      bridge !== undefined && addresses.length > 0 && "must be empty on a port of a bridge: give them to the bridge",
    ),
    ...routes.flatMap(({ via, to }, index) =>
      issue(
        `routes[${index}].via`,
        via ? unreachable(via, addresses) : to === "default" && "is needed for the default route",
      ),
    ),
    ...routes.flatMap(({ to }, index) =>
      issue(
        `routes[${index}].to`,
        to === "default" && netns === undefined && "must not be the host's own default route",
      ),
    ),
  ];
}

function derive(args: Args): Args {
  const mac = (one: End, which: string) => one.macAddress ?? derivedMac("veth", args.owner, which);
  return { ...args, macAddress: mac(args, "one"), peer: { ...args.peer, macAddress: mac(args.peer, "peer") } };
}

/** How a {@link VethPair} is checked, planned and removed. */
export const vethPair = define<Args>()({
  kind: "VethPair",
  fields: { ...end, peer: z.strictObject(end, "must be the other end: an object with a name"), mtu: mtu.default(1500) },
  derive,
  rules,
  replaceOn: ["name", "netns", "peer.name", "peer.netns"],
  id: ({ name }) => name,
  facts,
  plan,
  present: (args, seen, context) => standings(args, seen, context).some((who) => who === "ours" || who === "adopted"),
  teardown: (args, seen, context) => deleting(args, ...standings(args, seen, context)),
  outputs: (args, { one, other }) => ({
    macAddress: one.link?.macAddress,
    ifindex: one.link?.ifindex,
    peer: { ...args.peer, macAddress: other.link?.macAddress, ifindex: other.link?.ifindex },
  }),
});

/** The other end of a pair, as it stands. */
export interface VethEnd {
  name: string;
  netns?: string;
  bridge?: string;
  addresses: string[];
  gateway?: string | string[];
  routes?: { to: string; via?: string; metric?: number }[];
  macAddress: string;
  hairpin: boolean;
  isolated: boolean;
  /** The link's number in its namespace. */
  ifindex: number;
}

/**
 * A virtual cable between two places.
 *
 * @example
 * new linuxnet.VethPair("ct1", {
 *   name: "veth-ct1", bridge: lab0.name,
 *   peer: { name: "eth0", netns: ct1.name, addresses: ["172.18.0.11/16"], gateway: "172.18.0.1" },
 * });
 */
export class VethPair extends Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly netns: pulumi.Output<string | undefined>;
  declare readonly bridge: pulumi.Output<string | undefined>;
  declare readonly addresses: pulumi.Output<string[]>;
  declare readonly gateway: pulumi.Output<string | string[] | undefined>;
  declare readonly routes: pulumi.Output<VethEnd["routes"]>;
  declare readonly hairpin: pulumi.Output<boolean>;
  declare readonly isolated: pulumi.Output<boolean>;
  declare readonly mtu: pulumi.Output<number>;
  declare readonly peer: pulumi.Output<VethEnd>;
  /** The MAC address of this end. */
  declare readonly macAddress: pulumi.Output<string>;
  /** The number of this end's link in its namespace. */
  declare readonly ifindex: pulumi.Output<number>;

  constructor(name: string, args: VethPairArgs, opts?: pulumi.CustomResourceOptions) {
    super(vethPair.kind, name, args, ["macAddress", "ifindex"], opts);
  }
}
