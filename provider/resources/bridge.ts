// A Linux bridge (ip-link(8), type bridge). Its owner is its alias. Limits: VLAN filtering is not set.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { forgetGone, formerFact, rememberStep } from "../kernel/adoption.ts";
import {
  type FormerBridge,
  formerBridge,
  makeBridge,
  releaseBridge,
  stpChanges,
  type WantedBridge,
} from "../kernel/bridge.ts";
import { type Answers, ip, type Step } from "../kernel/command.ts";
import { lacks } from "../kernel/failure.ts";
import { backendOf, firewallChanges, firewallFacts, firewallTeardown, isBlind } from "../kernel/firewall.ts";
import { closeChanges, closedFact, openSteps } from "../kernel/iptables-guard.ts";
import { sourceRules } from "../kernel/iptables-source.ts";
import { addressChanges, attributeChanges, freshLink, ofNewLink, upChanges } from "../kernel/link-changes.ts";
import { type Link, linkFact, linksFact } from "../kernel/links.ts";
import { derivedMac } from "../kernel/mac.ts";
import type { Element } from "../kernel/nft.ts";
import { addressFacts, refuseOverlap } from "../kernel/overlap.ts";
import { linkClaim, ownerText, type Standing, standing } from "../kernel/owner.ts";
import { quietChanges, quietNames } from "../kernel/quiet.ts";
import { address, interfaceAddress, linkName, macAddress, mtu, netnsName } from "../kernel/schema.ts";
import { bridgedTraffic } from "../kernel/stopped.ts";
import { refuseStranger } from "../kernel/stranger.ts";
import { sysctlFact } from "../kernel/sysctl.ts";
import { tunnelMtu, underlayOf } from "../kernel/vxlan.ts";
import { type Change, type Context, define, type Issue } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** Inputs of a {@link Bridge}. */
export interface BridgeArgs extends ResourceArgs {
  /** The link's name: 1 to 15 bytes of letters, digits, `_`, `.` and `-`. Change: replacement. */
  name: pulumi.Input<string>;
  /** Addresses with prefix, the gateways of what is attached; of IPv4 the first of a subnet is its source. Default none. */
  addresses?: pulumi.Input<pulumi.Input<string>[]>;
  /** The MTU in bytes, 68 to 65535; default 1500, with `underlay` what fits into the tunnel. */
  mtu?: pulumi.Input<number>;
  /** This host's own address under a tunnel that is a port of the bridge (`local` of the Vxlan); default none. */
  underlay?: pulumi.Input<string>;
  /** The MAC address; default: derived from the name, so that it does not follow the ports. */
  macAddress?: pulumi.Input<string>;
  /** Spanning tree protocol; default false. */
  stp?: pulumi.Input<boolean>;
  /** Closed to the other networks of this host, but for published ports; default false. Needs nftables. */
  isolate?: pulumi.Input<boolean>;
  /** No way out and no way in, not even to the host, but for a resolver on the gateway; default false. Needs nftables. */
  internal?: pulumi.Input<boolean>;
  /** The namespace to make it in; default: the host's own. Change: replacement. */
  netns?: pulumi.Input<string>;
}

interface Args {
  name: string;
  addresses: string[];
  mtu?: number;
  underlay?: string;
  macAddress: string;
  stp: boolean;
  isolate: boolean;
  internal: boolean;
  netns?: string;
  owner: string;
}

const facts = ({ name, netns, addresses, underlay, owner }: Args) => ({
  ...firewallFacts({ owner, backend: "auto", netns }),
  bridge: linkFact(name, netns),
  closed: closedFact(netns),
  quiet: sysctlFact(quietNames(name), netns),
  former: formerFact(name, netns, formerBridge),
  ...addressFacts(netns, addresses),
  ...(underlay === undefined ? {} : { links: linksFact() }),
});

type Seen = Answers<ReturnType<typeof facts>>;

function standingOf({ name, netns }: Args, { bridge }: Seen, context: Context) {
  return bridge.link ? standing(bridge.link.alias, linkClaim(name, netns), context) : "absent";
}

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const { name, netns, addresses } = args;
  const who = standingOf(args, seen, context);
  refuseUnfit(args, seen, who, context);
  const missing = addresses.filter((address) => !seen.bridge.link?.addresses.includes(address));
  if (netns === undefined && missing.length > 0) refuseOverlap(missing, seen as Required<Seen>, context.owner);
  const owner = ownerText(context.owner, who === "adopted" || who === "unowned");
  const mac = macOf(args, seen, who);
  const wanted: WantedBridge = { ...args, netns, owner, prefix: "", macAddress: mac, mtu: mtuOf(args, seen) };
  const link = seen.bridge.link ?? { ...freshLink(wanted, "bridge"), mtu: 0, stp: args.stp };
  const changes = [
    ...(who === "unowned" ? adopting(args, seen, link) : []),
    ...attributeChanges(wanted, link),
    ...stpChanges(wanted, link),
    ...quietChanges(name, seen.bridge.link && seen.quiet, netns),
    ...addressChanges(wanted, link, isOurs(seen, who, context), [seen.routes4 ?? [], seen.routes6 ?? []].flat()),
    ...upChanges(wanted, link),
  ];
  const making = { drift: `bridge ${name} is missing`, steps: [makeBridge(wanted)] };
  return [
    ...(who === "absent" ? [making, ...ofNewLink(changes, making.drift)] : changes),
    ...joining(args, seen, context),
    ...closeChanges(name, seen.closed, netns),
  ];
}

/** The MTU that it is to have: with a tunnel, what fits into it. */
function mtuOf({ mtu: given, underlay }: Args, { links }: Seen): number {
  if (given !== undefined || underlay === undefined) return given ?? 1500;
  return tunnelMtu(underlayOf(links ?? [], underlay).mtu, underlay);
}

function adopting(args: Args, { quiet }: Seen, { mtu, macAddress, stp, alias, up, addresses }: Link): Change[] {
  const former: FormerBridge = { mtu, macAddress, stp, alias, up, addresses, quiet };
  return [{ drift: `it is not known how ${args.name} stood`, steps: [rememberStep(args, former)] }];
}

/** Which of the standing addresses are ours to take away: on a bridge that was taken over those that we have added. */
function isOurs({ former }: Seen, who: Standing, { previous }: Context): (address: string) => boolean {
  const declared = (previous?.addresses ?? []) as string[];
  if (who === "ours") return () => true;
  return (address) => former !== undefined && declared.includes(address) && !former.addresses.includes(address);
}

/** A bridge that was taken over keeps its MAC unless another one is asked for. */
function macOf(args: Args, { bridge: { link } }: Seen, who: Standing): string {
  return link && who !== "ours" && args.macAddress === ownMac(args) ? link.macAddress : args.macAddress;
}

function ownMac({ name, netns = "" }: Args): string {
  return derivedMac("bridge", name, netns);
}

/**
 * A bridge stands in our nftables table, where nft works: what its ports say to each other passes also where a FORWARD chain
 * drops, and what comes from it carries an address of its own.
 */
function joining({ name, netns, isolate, internal, addresses }: Args, seen: Seen, context: Context): Change[] {
  if (internal) backendOf("nftables", seen);
  if (seen.table.fault !== undefined) return checking({ name, netns, addresses }, seen, context);
  const elements: Element[] = [
    { set: "nets", key: name },
    { set: "same", key: `${name} . ${name}` },
    ...(isolate || internal ? [{ set: "isolated", key: name } as const] : []),
    ...(internal ? [{ set: "internal", key: name } as const] : []),
  ];
  const traffic = netns === undefined ? bridgedTraffic(name, addresses, seen.accept.passages) : [];
  return firewallChanges("nftables", { nft: { elements, rules: [] }, forwarding: [], traffic }, seen, context, netns);
}

/** The source check in iptables, for those families that iptables has here. */
function checking(
  { name, netns, addresses }: Pick<Args, "name" | "netns" | "addresses">,
  seen: Seen,
  context: Context,
) {
  const problems = { 4: seen.rules4.problem, 6: seen.rules6.problem };
  const rules = sourceRules(name, addresses).filter(({ family }) => problems[family] === undefined);
  const wanted = { nft: { elements: [], rules: [] }, iptables: () => rules, forwarding: undefined };
  return isBlind(seen) ? [] : firewallChanges("iptables", wanted, seen, context, netns);
}

/** Refuses where the namespace is missing, or something stands under the name that is not ours to change. */
function refuseUnfit(args: Args, { bridge: { link, netns } }: Seen, who: Standing, { adopt }: Context): void {
  if (!netns) lacks(`there is no namespace ${args.netns}`);
  refuseStranger(args.name, link, who, adopt, "bridge");
}

function teardown(args: Args, seen: Seen, context: Context): Step[] {
  const { netns } = args;
  const who = standingOf(args, seen, context);
  return [
    ...openSteps(args.name, seen.closed, netns),
    ...(isBlind(seen) ? [] : firewallTeardown(seen, context, netns)),
    ...removing(args, seen, who),
  ];
}

function removing({ name, netns, ...args }: Args, seen: Seen, who: Standing): Step[] {
  const { link } = seen.bridge;
  if (link && who === "adopted") return releaseBridge({ name, netns, ...args }, link, seen.quiet, seen.former);
  const forget = forgetGone(name, netns, who, seen.former);
  if (who !== "ours") return forget;
  return [{ what: `delete bridge ${name}`, do: ip(["link", "del", "dev", name], netns) }, ...forget];
}

/** How a {@link Bridge} is checked, planned and removed. */
export const bridge = define<Args>()({
  kind: "Bridge",
  fields: {
    name: linkName,
    addresses: z.array(interfaceAddress, "must be a list of addresses").default([]),
    mtu: mtu.optional(),
    underlay: address.optional(),
    macAddress: macAddress.optional(),
    stp: z.boolean("must be true or false").default(false),
    isolate: z.boolean("must be true or false").default(false),
    internal: z.boolean("must be true or false").default(false),
    netns: netnsName.optional(),
  },
  derive: (args) => ({
    ...args,
    ...(args.underlay === undefined && { mtu: args.mtu ?? 1500 }),
    macAddress: args.macAddress ?? ownMac(args),
  }),
  rules: ({ addresses }): Issue[] => {
    const twice = addresses.find((address, index) => addresses.indexOf(address) !== index);
    return twice ? [{ property: "addresses", reason: `names ${twice} twice` }] : [];
  },
  replaceOn: ["name", "netns"],
  id: ({ name }) => name,
  facts,
  plan,
  present: (args, seen, context) => ["ours", "adopted"].includes(standingOf(args, seen, context)),
  teardown,
  outputs: ({ macAddress: mac, mtu: given }, { bridge: { link } }) => ({
    macAddress: link?.macAddress ?? mac,
    ifindex: link?.ifindex,
    ...(given === undefined && { mtu: link?.mtu }),
  }),
});

/**
 * A Linux bridge.
 *
 * @example
 * const lab0 = new linuxnet.Bridge("lab0", { name: "lab0", addresses: ["172.18.0.1/16"] });
 */
export class Bridge extends Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly addresses: pulumi.Output<string[]>;
  declare readonly mtu: pulumi.Output<number>;
  declare readonly underlay: pulumi.Output<string | undefined>;
  declare readonly stp: pulumi.Output<boolean>;
  declare readonly isolate: pulumi.Output<boolean>;
  declare readonly internal: pulumi.Output<boolean>;
  declare readonly netns: pulumi.Output<string | undefined>;
  declare readonly adopt: pulumi.Output<boolean>;
  /** The MAC address that the bridge has. */
  declare readonly macAddress: pulumi.Output<string>;
  /** The link's number in its namespace. */
  declare readonly ifindex: pulumi.Output<number>;

  constructor(name: string, args: BridgeArgs, opts?: pulumi.CustomResourceOptions) {
    super(bridge, name, args, ["macAddress", "ifindex", "mtu"], opts);
  }
}
