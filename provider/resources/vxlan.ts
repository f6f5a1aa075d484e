// One end of an overlay between hosts (VXLAN, RFC 7348): a link that wraps Ethernet frames into UDP. Its owner is its alias.
// Limits: flooding is to a list of addresses, not by multicast; the tunnel is not encrypted.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { familyOf } from "../kernel/addresses.ts";
import { forgetGone, formerFact } from "../kernel/adoption.ts";
import { guardChanges, guardFact, guardTeardown } from "../kernel/anycast.ts";
import { type Answers, ip, type Step } from "../kernel/command.ts";
import { lacks, refuse } from "../kernel/failure.ts";
import { backendOf, firewallChanges, firewallFacts, firewallTeardown } from "../kernel/firewall.ts";
import { setLink } from "../kernel/link-changes.ts";
import { type Link, linkFact, linksFact } from "../kernel/links.ts";
import { derivedMac } from "../kernel/mac.ts";
import { linkClaim, ownerText, type Standing, standing } from "../kernel/owner.ts";
import { quietNames } from "../kernel/quiet.ts";
import { address, linkName, macAddress, mtu, netnsName, port } from "../kernel/schema.ts";
import { refuseStranger } from "../kernel/stranger.ts";
import { sysctlFact } from "../kernel/sysctl.ts";
import {
  floodFact,
  isBare,
  newTunnel,
  remakeTunnel,
  standingChanges,
  tunnelMtu,
  tunnelRules,
  underlayOf,
  type WantedTunnel,
} from "../kernel/vxlan.ts";
import { formerTunnel, releaseTunnel, rememberTunnel } from "../kernel/vxlan-adoption.ts";
import { type Change, type Context, define, type Issue } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** Inputs of a {@link Vxlan}. */
export interface VxlanArgs extends ResourceArgs {
  /** The link's name: 1 to 15 bytes of letters, digits, `_`, `.` and `-`. Change: replacement. */
  name: pulumi.Input<string>;
  /** The network's number, 1 to 16777215, the same on all hosts. Change: replacement. */
  vni: pulumi.Input<number>;
  /** The bridge that it is a port of; default none. */
  bridge?: pulumi.Input<string>;
  /** This host's own address in the underlay. */
  local: pulumi.Input<string>;
  /** The other hosts' addresses in the underlay; packets from anyone else are dropped. */
  remotes: pulumi.Input<pulumi.Input<string>[]>;
  /** The UDP port, the same on all hosts; default 4789. Change: replacement. */
  port?: pulumi.Input<number>;
  /** The MTU in bytes; default: that of the link with `local`, less 50 bytes of headers (70 over IPv6). */
  mtu?: pulumi.Input<number>;
  /**
   * A gateway that each host has for itself, under the same MAC address and addresses (without prefix) everywhere: nothing
   * that it sends, nothing for it and no question for it (ARP, neighbour discovery) passes the tunnel. Default none.
   */
  anycastGateway?: pulumi.Input<AnycastGatewayArgs>;
  /** The namespace that the link lives in; default: the host's own. Change: replacement. */
  netns?: pulumi.Input<string>;
}

/** A gateway that each host of an overlay has for itself. */
export interface AnycastGatewayArgs {
  /** Its MAC address, the same on all hosts: that of the bridge. */
  macAddress: pulumi.Input<string>;
  /** Its addresses, without prefix. */
  addresses: pulumi.Input<pulumi.Input<string>[]>;
}

interface Args {
  name: string;
  vni: number;
  bridge?: string;
  local: string;
  remotes: string[];
  port: number;
  mtu?: number;
  anycastGateway?: { macAddress: string; addresses: string[] };
  netns?: string;
  owner: string;
}

const facts = ({ name, netns, bridge, owner }: Args) => ({
  ...firewallFacts({ owner, backend: "nftables" }),
  tunnel: linkFact(name, netns),
  bridge: linkFact(bridge ?? name, netns),
  flood: floodFact(name, netns),
  former: formerFact(name, netns, formerTunnel),
  links: linksFact(),
  guard: guardFact(name, netns),
  quiet: sysctlFact(quietNames(name), netns),
});

type Seen = Answers<ReturnType<typeof facts>>;

function standingOf({ name, netns }: Args, { tunnel }: Seen, context: Context): Standing {
  return tunnel.link ? standing(tunnel.link.alias, linkClaim(name, netns), context) : "absent";
}

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const who = standingOf(args, seen, context);
  const underlay = refuseUnfit(args, seen, who, context);
  const size = args.mtu ?? tunnelMtu(underlay.mtu, args.local);
  const owner = ownerText(context.owner, who === "adopted" || who === "unowned");
  const wanted: WantedTunnel = { ...args, mtu: size, macAddress: macOf(args), addresses: [], owner, prefix: "" };
  const elements = isBare(args) ? [{ set: "nets", key: args.name } as const] : [];
  const rules = { nft: { elements, rules: tunnelRules(args) }, forwarding: undefined };
  // The rules come first: nothing of a stranger's gets in before they stand, and nothing of the gateway's out.
  return [
    ...firewallChanges(backendOf("nftables", seen), rules, seen, context),
    ...guardChanges(args.name, args.anycastGateway, seen.guard, context, args.netns),
    ...linkChanges(args, wanted, seen, who),
  ];
}

function linkChanges(args: Args, wanted: WantedTunnel, seen: Seen, who: Standing): Change[] {
  const { link } = seen.tunnel;
  if (!link) return [{ drift: `vxlan ${args.name} is missing`, steps: newTunnel(wanted) }];
  const actual = link.vxlan?.local;
  if (who === "ours" && actual && familyOf(actual) !== familyOf(args.local))
    return [{ property: "local", actual, steps: remakeTunnel(wanted, link, seen.flood) }];
  return [...(who === "unowned" ? rememberTunnel(wanted, link, seen) : []), ...standingChanges(wanted, link, seen)];
}

function macOf({ owner }: Args): string {
  return derivedMac("vxlan", owner);
}

function refuseUnfit(args: Args, seen: Seen, who: Standing, { adopt }: Context): Link {
  const { link, netns } = seen.tunnel;
  if (!netns) lacks(`there is no namespace ${args.netns}`);
  refuseStranger(args.name, link, who, adopt, "vxlan");
  if (link && (link.vxlan?.vni !== args.vni || link.vxlan.port !== args.port))
    refuse(
      `${args.name} is there and is no VXLAN ${args.vni} on port ${args.port}`,
      "Choose another name, or delete it.",
    );
  if (args.bridge && seen.bridge.link?.kind !== "bridge") lacks(`there is no bridge ${args.bridge}`);
  return underlayOf(seen.links, args.local);
}

function teardown(args: Args, seen: Seen, context: Context): Step[] {
  const { name, netns, anycastGateway } = args;
  const { link } = seen.tunnel;
  const who = standingOf(args, seen, context);
  const released = link && who === "adopted" ? releaseTunnel(args, link, seen, seen.former) : [];
  const rules = [
    ...released,
    ...forgetGone(name, netns, who, seen.former),
    ...guardTeardown(name, anycastGateway, seen.guard, context, netns),
    ...firewallTeardown(seen, context),
  ];
  if (who !== "ours") return rules;
  // Nothing passes a link that is down. It goes last: while it stands the tunnel is there, and what was cut off is taken up.
  const down = setLink(args, ["down"], []);
  return [down, ...rules, { what: `delete vxlan ${name}`, do: ip(["link", "del", "dev", name], netns) }];
}

function rules({ local, remotes }: Args): Issue[] {
  const other = remotes.findIndex((remote) => familyOf(remote) !== familyOf(local));
  const own = remotes.indexOf(local);
  const twice = remotes.findIndex((remote, index) => remotes.indexOf(remote) !== index);
  return [
    ...(other >= 0 ? [{ property: `remotes[${other}]`, reason: "must be of the family of local" }] : []),
    ...(own >= 0 ? [{ property: `remotes[${own}]`, reason: "must not be local itself" }] : []),
    ...(twice >= 0 ? [{ property: `remotes[${twice}]`, reason: "must not be named twice" }] : []),
  ];
}

/** How a {@link Vxlan} is checked, planned and removed. */
export const vxlan = define<Args>()({
  kind: "Vxlan",
  fields: {
    name: linkName,
    vni: z
      .number("must be a number from 1 to 16777215")
      .int("must be a whole number")
      .min(1, "must be at least 1")
      .max(16777215, "must be at most 16777215 (24 bits)"),
    bridge: linkName.optional(),
    local: address,
    remotes: z.array(address, "must be a list of addresses"),
    port: port.default(4789),
    mtu: mtu.optional(),
    anycastGateway: z
      .strictObject({ macAddress, addresses: z.array(address, "must be a list of addresses") })
      .optional(),
    netns: netnsName.optional(),
  },
  rules,
  replaceOn: ["name", "netns", "vni", "port"],
  id: ({ name }) => name,
  facts,
  plan,
  present: (args, seen, context) => ["ours", "adopted"].includes(standingOf(args, seen, context)),
  teardown,
  outputs: (_args, { tunnel: { link } }) => ({ mtu: link?.mtu, macAddress: link?.macAddress, ifindex: link?.ifindex }),
});

/**
 * One end of an overlay between hosts.
 *
 * @example
 * new linuxnet.Vxlan("overlay", { name: "vx0", vni: 42, bridge: "lab0", local: "10.0.0.1", remotes: ["10.0.0.2"] });
 */
export class Vxlan extends Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly vni: pulumi.Output<number>;
  declare readonly bridge: pulumi.Output<string | undefined>;
  declare readonly local: pulumi.Output<string>;
  declare readonly remotes: pulumi.Output<string[]>;
  declare readonly port: pulumi.Output<number>;
  declare readonly anycastGateway: pulumi.Output<pulumi.Unwrap<AnycastGatewayArgs> | undefined>;
  declare readonly netns: pulumi.Output<string | undefined>;
  declare readonly adopt: pulumi.Output<boolean>;
  /** The MTU that it has: give it to the links of the containers behind it. */
  declare readonly mtu: pulumi.Output<number>;
  /** The MAC address that it has. */
  declare readonly macAddress: pulumi.Output<string>;
  /** The link's number in its namespace. */
  declare readonly ifindex: pulumi.Output<number>;

  constructor(name: string, args: VxlanArgs, opts?: pulumi.CustomResourceOptions) {
    super(vxlan, name, args, ["mtu", "macAddress", "ifindex"], opts);
  }
}
