// A virtual cable (veth(4)): two links that are each other's far end. The owner is the alias of both. Deleting one end
// deletes the other; so does deleting the namespace that one lives in.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { forgetGone, formerFact } from "../kernel/adoption.ts";
import { bareFacts, bareJoining, bareQuieting, bareTeardown } from "../kernel/bare-ends.ts";
import { asOneMtu, endChanges, makeCable, routesOf, type SeenEnd, type WantedEnd } from "../kernel/cable.ts";
import { formerEnd, releaseEnd, rememberEnd, removable } from "../kernel/cable-adoption.ts";
import { endFlows } from "../kernel/cable-flows.ts";
import { type End, endFields, endRules, fitted, hasRoutes, hostAddresses, ipv6Fact } from "../kernel/cable-schema.ts";
import { type Answers, ip, type Step } from "../kernel/command.ts";
import { impairmentChanges, impairmentFact, netemFact } from "../kernel/impairment.ts";
import type { Impairment } from "../kernel/impairment-shape.ts";
import { listed, when } from "../kernel/issue.ts";
import { ofNewLink } from "../kernel/link-changes.ts";
import { isPair, linkFact, type Sight } from "../kernel/links.ts";
import { derivedMac } from "../kernel/mac.ts";
import { overlapFacts, refuseOverlap } from "../kernel/overlap.ts";
import { linkClaim, ownerText, type Standing, standing } from "../kernel/owner.ts";
import { routesFact } from "../kernel/routes.ts";
import { mtu } from "../kernel/schema.ts";
import { refuseMissing, refuseStranger } from "../kernel/stranger.ts";
import { type Change, type Context, define, type Issue } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";
import type { VethEnd, VethEndArgs } from "./vethEnd.ts";

/** Inputs of a {@link VethPair}: one end is the args themselves, the other is `peer`. */
export interface VethPairArgs extends ResourceArgs, VethEndArgs {
  /** The other end. */
  peer: pulumi.Input<VethEndArgs>;
  /** The MTU of both ends in bytes, 68 to 65535; default 1500. */
  mtu?: pulumi.Input<number>;
}

interface Args extends End {
  peer: End;
  mtu: number;
  owner: string;
}

const facts = (args: Args, { previous = {}, adopt }: Pick<Context, "previous" | "adopt">) => ({
  one: linkFact(args.name, args.netns),
  other: linkFact(args.peer.name, args.peer.netns),
  ...(adopt || hasRoutes(4, args, previous) ? { one4: routesFact(args.netns, 4) } : {}),
  ...(adopt || hasRoutes(6, args, previous) ? { one6: routesFact(args.netns, 6) } : {}),
  ...(adopt || hasRoutes(4, args.peer, peerOf(previous) ?? {}) ? { other4: routesFact(args.peer.netns, 4) } : {}),
  ...(adopt || hasRoutes(6, args.peer, peerOf(previous) ?? {}) ? { other6: routesFact(args.peer.netns, 6) } : {}),
  bridge: linkFact(args.bridge ?? args.name, args.netns),
  peerBridge: linkFact(args.peer.bridge ?? args.peer.name, args.peer.netns),
  ...(hostAddresses(args).length > 0 ? overlapFacts : {}),
  ...(args.impairment || previous.impairment ? { qdisc: impairmentFact(args.name, args.netns) } : {}),
  ...(args.peer.impairment || peerOf(previous)?.impairment
    ? { peerQdisc: impairmentFact(args.peer.name, args.peer.netns) }
    : {}),
  ...(args.addrgenmode || args.peer.addrgenmode ? { ipv6: ipv6Fact } : {}),
  netem: netemFact(args.impairment, args.peer.impairment),
  ...bareFacts(args, previous),
  formerOne: formerFact(args.name, args.netns, formerEnd),
  formerOther: formerFact(args.peer.name, args.peer.netns, formerEnd),
});

type Seen = Answers<ReturnType<typeof facts>>;

const peerOf = (previous: Record<string, unknown> | undefined) => previous?.peer as Partial<End> | undefined;

function standings({ name, netns }: Args, { one, other }: Seen, context: Context): [Standing, Standing] {
  const of = ({ link }: Sight): Standing => (link ? standing(link.alias, linkClaim(name, netns), context) : "absent");
  return [of(one), of(other)];
}

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const [one, other] = standings(args, seen, context);
  refuseUnfit(args, seen, [one, other], context);
  const paired = isPair(seen.one.link, seen.other.link);
  const owner = paired && one !== "ours" ? ownerText(context.owner, true) : context.owner;
  const [end, far] = ends(fitted(args, seen.ipv6), owner);
  const impairing = impairments(args, paired ? seen : { netem: seen.netem });
  const joins = bareJoining(args, seen, context);
  const quiets = bareQuieting(args, paired ? seen.quiet : undefined);
  if (!paired) return [...broken(args, one, other), ...joins, ...making(end, far, quiets, impairing)];
  const [here, there] = [seenEnd(args, seen, context, "one"), seenEnd(args, seen, context, "other")];
  const changes = [
    ...(one === "unowned" ? rememberEnd(end, here, seen.quiet) : []),
    ...(other === "unowned" ? rememberEnd(far, there, seen.quiet) : []),
    ...joins,
    ...quiets,
    ...impairing,
    ...endChanges(end, here),
    ...endChanges(far, there),
  ];
  return asOneMtu(changes, seen.one.link, seen.other.link);
}

function refuseUnfit(args: Args, seen: Seen, [one, other]: [Standing, Standing], { adopt, owner }: Context): void {
  refuseStranger(args.name, seen.one.link, one, adopt, "veth");
  refuseStranger(args.peer.name, seen.other.link, other, adopt, "veth");
  refuseMissing(args, seen.one, seen.bridge);
  refuseMissing(args.peer, seen.other, seen.peerBridge);
  const present = seen.one.link?.addresses.concat(seen.other.link?.addresses ?? []) ?? [];
  const added = hostAddresses(args).filter((cidr) => !present.includes(cidr));
  if ("links" in seen && added.length > 0) refuseOverlap(added, seen as Required<Seen>, owner);
}

function impairments(args: Args, { qdisc, peerQdisc, netem }: Pick<Seen, "qdisc" | "peerQdisc" | "netem">): Change[] {
  return [
    ...impairmentChanges("impairment", args, qdisc, netem),
    ...impairmentChanges("peer.impairment", { ...args.peer, mtu: args.mtu }, peerQdisc, netem),
  ];
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

function seenEnd(args: Args, seen: Seen, context: Context, which: "one" | "other"): SeenEnd {
  const { previous } = context;
  const was = which === "one" ? (previous as Partial<End> | undefined) : peerOf(previous);
  const name = which === "one" ? args.name : args.peer.name;
  const who = standings(args, seen, context)[which === "one" ? 0 : 1];
  return {
    sight: seen[which],
    routes: [...(seen[`${which}4`] ?? []), ...(seen[`${which}6`] ?? [])],
    formerRoutes: was ? routesOf({ name, gateways: listed(was.gateway), routes: was.routes ?? [] }) : [],
    routed: true,
    removable: removable(who, which === "one" ? seen.formerOne : seen.formerOther, was?.addresses),
  };
}

/** The steps that release a pair that was taken over: each end as it was. */
function releasing(args: Args, seen: Seen, context: Context): Step[] {
  const [one, far] = ends(args, context.owner);
  const declared = (which: "one" | "other") => seenEnd(args, seen, { ...context, previous: { ...args } }, which);
  const { impairment: _one, peer, ...bare } = args;
  const free = impairments({ ...bare, peer: { ...peer, impairment: undefined } }, seen);
  return [
    ...free.flatMap(({ steps }) => steps),
    ...releaseEnd(one, declared("one"), seen.quiet, seen.formerOne),
    ...releaseEnd(far, declared("other"), seen.quiet, seen.formerOther),
  ];
}

/** A pair of which an end is missing, or whose ends are not each other's, is made anew. */
function broken(args: Args, one: Standing, other: Standing): Change[] {
  const steps = [one, other].includes("adopted") ? [] : deleting(args, one, other);
  return [{ drift: `the pair ${args.name} and ${args.peer.name} is not whole`, steps }];
}

function making(one: WantedEnd, other: WantedEnd, quiets: Change[], impairing: Change[]): Change[] {
  const absent = { sight: { link: undefined, netns: true }, routes: [], formerRoutes: [] };
  const changes = [...quiets, ...endChanges(one, absent), ...endChanges(other, absent), ...impairing];
  const drift = `${one.name} is missing`;
  return [{ drift, steps: [makeCable(one, other)] }, ...ofNewLink(changes, drift)];
}

function deleting({ name, netns, peer }: Args, one: Standing, other: Standing): Step[] {
  // Deleting either end deletes both.
  if (one === "ours") return [{ what: `delete veth ${name}`, do: ip(["link", "del", "dev", name], netns) }];
  if (other === "ours")
    return [{ what: `delete veth ${peer.name}`, do: ip(["link", "del", "dev", peer.name], peer.netns) }];
  return [];
}

function teardown(args: Args, seen: Seen, context: Context): Step[] {
  const [one, other] = standings(args, seen, context);
  const { name, netns, peer } = args;
  const adopted = [one, other].includes("adopted");
  const going = adopted ? [] : deleting(args, one, other);
  return [
    ...(adopted ? releasing(args, seen, context) : []),
    ...bareTeardown(args, going, seen, context),
    ...endFlows(going, args, peer),
    ...forgetGone(name, netns, one, seen.formerOne),
    ...forgetGone(peer.name, peer.netns, other, seen.formerOther),
  ];
}

function rules(args: Args): Issue[] {
  const same = args.name === args.peer.name && args.netns === args.peer.netns;
  const issues = when(same, "peer.name", "must differ from name: both ends are in one namespace");
  return [...issues, ...endRules(args, ""), ...endRules(args.peer, "peer.")];
}

function derive(args: Args): Args {
  const mac = (one: End, which: string) => one.macAddress ?? derivedMac("veth", args.owner, which);
  return { ...args, macAddress: mac(args, "one"), peer: { ...args.peer, macAddress: mac(args.peer, "peer") } };
}

/** How a {@link VethPair} is checked, planned and removed. */
export const vethPair = define<Args>()({
  kind: "VethPair",
  fields: {
    ...endFields,
    peer: z.strictObject(endFields, "must be the other end: an object with a name"),
    mtu: mtu.default(1500),
  },
  derive,
  rules,
  replaceOn: ["name", "netns", "peer.name", "peer.netns"],
  id: ({ name }) => name,
  facts,
  plan,
  present: (args, seen, context) => standings(args, seen, context).some((who) => who === "ours" || who === "adopted"),
  teardown,
  outputs: (args, { one, other }) => ({
    macAddress: one.link?.macAddress,
    ifindex: one.link?.ifindex,
    peer: { ...args.peer, macAddress: other.link?.macAddress, ifindex: other.link?.ifindex },
  }),
});

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
  declare readonly addrgenmode: pulumi.Output<"none" | undefined>;
  declare readonly impairment: pulumi.Output<Impairment | undefined>;
  declare readonly mtu: pulumi.Output<number>;
  declare readonly peer: pulumi.Output<VethEnd>;
  /** The MAC address of this end. */
  declare readonly macAddress: pulumi.Output<string>;
  /** The number of this end's link in its namespace. */
  declare readonly ifindex: pulumi.Output<number>;

  constructor(name: string, args: VethPairArgs, opts?: pulumi.CustomResourceOptions) {
    super(vethPair, name, args, ["macAddress", "ifindex"], opts);
  }
}
