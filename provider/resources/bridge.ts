// A Linux bridge (ip-link(8), type bridge). Its owner is its alias. Limits: VLAN filtering is not set.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type Answers, ip, type Step } from "../kernel/command.ts";
import { lacks } from "../kernel/failure.ts";
import { backendOf, firewallChanges, firewallFacts, firewallTeardown } from "../kernel/firewall.ts";
import {
  addressChanges,
  attributeChanges,
  freshLink,
  ofNewLink,
  releaseStep,
  setLink,
  upChanges,
  type WantedLink,
} from "../kernel/link-changes.ts";
import { type Link, linkFact, linksFact } from "../kernel/links.ts";
import { derivedMac } from "../kernel/mac.ts";
import type { Element } from "../kernel/nft.ts";
import { overlapFacts, refuseOverlap } from "../kernel/overlap.ts";
import { ownerText, type Standing, standing } from "../kernel/owner.ts";
import { quietChanges, quietNames } from "../kernel/quiet.ts";
import { address, interfaceAddress, linkName, macAddress, mtu, netnsName } from "../kernel/schema.ts";
import { refuseStranger } from "../kernel/stranger.ts";
import { sysctlFact } from "../kernel/sysctl.ts";
import { tunnelMtu, underlayOf } from "../kernel/vxlan.ts";
import { type Change, type Context, define, type Issue } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** Inputs of a {@link Bridge}. */
export interface BridgeArgs extends ResourceArgs {
  /** The link's name: 1 to 15 bytes of letters, digits, `_`, `.` and `-`. Change: replacement. */
  name: pulumi.Input<string>;
  /** Addresses with prefix, the gateways of what is attached; default none. */
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
  ...firewallFacts({ owner, backend: "nftables", netns }),
  bridge: linkFact(name, netns),
  quiet: sysctlFact(quietNames(name), netns),
  ...(netns === undefined && addresses.length > 0 ? overlapFacts : {}),
  ...(underlay === undefined ? {} : { links: linksFact() }),
});

type Seen = Answers<ReturnType<typeof facts>>;

function standingOf({ name }: Args, { bridge }: Seen, context: Context) {
  return bridge.link ? standing(bridge.link.alias, `link:${name}`, context) : "absent";
}

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const { name, netns, addresses } = args;
  const who = standingOf(args, seen, context);
  refuseUnfit(args, seen, who, context);
  const missing = addresses.filter((address) => !seen.bridge.link?.addresses.includes(address));
  if ("routes4" in seen && missing.length > 0) refuseOverlap(missing, seen as Required<Seen>);
  const owner = ownerText(context.owner, who === "adopted" || who === "unowned");
  const wanted = { ...args, netns, owner, prefix: "", macAddress: macOf(args, seen, who), mtu: mtuOf(args, seen) };
  const link = seen.bridge.link ?? { ...freshLink(wanted, "bridge"), mtu: 0, stp: args.stp };
  const previous = (context.previous?.addresses ?? []) as string[];
  const changes = [
    ...attributeChanges(wanted, link),
    ...spanning(wanted, link, args.stp),
    ...quietChanges(name, seen.bridge.link !== undefined, seen.quiet, netns),
    ...addressChanges(wanted, link, (address) => who === "ours" || previous.includes(address)),
    ...upChanges(wanted, link),
  ];
  const making = { drift: `bridge ${name} is missing`, steps: [makingStep(wanted)] };
  return [...(who === "absent" ? [making, ...ofNewLink(changes)] : changes), ...joining(args, seen, context)];
}

/** The MTU that it is to have: with a tunnel, what fits into it. */
function mtuOf({ mtu: given, underlay }: Args, { links }: Seen): number {
  if (given !== undefined || underlay === undefined) return given ?? 1500;
  return tunnelMtu(underlayOf(links ?? [], underlay).mtu, underlay);
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
function joining({ name, netns, isolate, internal }: Args, seen: Seen, context: Context): Change[] {
  if (internal) backendOf("nftables", seen);
  if (seen.table.fault !== undefined) return [];
  const elements: Element[] = [
    { set: "nets", key: name },
    { set: "same", key: `${name} . ${name}` },
    ...(isolate || internal ? [{ set: "isolated", key: name } as const] : []),
    ...(internal ? [{ set: "internal", key: name } as const] : []),
  ];
  return firewallChanges("nftables", { nft: { elements, rules: [] }, forwarding: [] }, seen, context, netns);
}

/** Refuses where the namespace is missing, or something stands under the name that is not ours to change. */
function refuseUnfit(args: Args, { bridge: { link, netns } }: Seen, who: Standing, { adopt }: Context): void {
  if (!netns) lacks(`there is no namespace ${args.netns}`);
  refuseStranger(args.name, link, who, adopt, "bridge");
}

/**
 * A bridge follows the smallest MTU of its ports until one was set that differs from what it had (net/bridge/br_if.c,
 * br_mtu_auto_adjust), so it is made with another one than it gets.
 */
function makingStep({ name, macAddress, netns, mtu, stp }: WantedLink & { stp: boolean }): Step {
  const other = mtu === 1500 ? 1400 : 1500;
  const words = [
    "link",
    "add",
    "name",
    name,
    "address",
    macAddress,
    "mtu",
    other,
    "type",
    "bridge",
    "stp_state",
    stp ? 1 : 0,
  ];
  return {
    what: `create bridge ${name}`,
    do: ip(words, netns),
    undo: [ip(["link", "del", "dev", name], netns)],
    claim: `link:${name}`,
  };
}

function spanning(wanted: WantedLink, link: Link, stp: boolean): Change[] {
  if (link.stp === stp) return [];
  const words = (on: boolean) => ["type", "bridge", "stp_state", on ? "1" : "0"];
  return [{ property: "stp", actual: link.stp, steps: [setLink(wanted, words(stp), words(link.stp))] }];
}

function teardown(args: Args, seen: Seen, context: Context): Step[] {
  const { netns } = args;
  const who = standingOf(args, seen, context);
  return [...firewallTeardown(seen, context, netns), ...removing(args, seen, who)];
}

function removing({ name, netns, addresses }: Args, seen: Seen, who: Standing): Step[] {
  if (who === "ours") return [{ what: `delete bridge ${name}`, do: ip(["link", "del", "dev", name], netns) }];
  if (who !== "adopted") return [];
  const ours = addresses.filter((address) => seen.bridge.link?.addresses.includes(address));
  return [
    ...ours.map((address) => ({
      what: `remove address ${address} from ${name}`,
      do: ip(["addr", "del", address, "dev", name], netns),
    })),
    releaseStep(name, netns),
  ];
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
    super(bridge.kind, name, args, ["macAddress", "ifindex", "mtu"], opts);
  }
}
