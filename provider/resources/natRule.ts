// One address translation: rules in our nftables table (nft(8)), or in our chains of iptables. Its owner is the comment of
// each rule. Limits: `uplink` is resolved when it is applied, and a default route that moves later is drift.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type Family, familyOf } from "../kernel/addresses.ts";
import type { Answers } from "../kernel/command.ts";
import {
  type Backend,
  backendOf,
  firewallChanges,
  firewallPresent,
  firewallTeardown,
  routedFacts,
} from "../kernel/firewall.ts";
import { natRules } from "../kernel/iptables-rules.ts";
import { listed, when } from "../kernel/issue.ts";
import { familiesOf } from "../kernel/match.ts";
import { natPieces, type Translation, translatedFamilies } from "../kernel/nat-rules.ts";
import { natTraffic } from "../kernel/nat-traffic.ts";
import { address, backend, interfaceName, netnsName, oneOrMore, portRange, subnet } from "../kernel/schema.ts";
import { resolveInterface } from "../kernel/uplink.ts";
import { type Change, type Context, define, type Issue } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** Inputs of a {@link NatRule}. */
export interface NatRuleArgs extends ResourceArgs {
  /** `masquerade` (the source becomes the address of the interface it leaves by), `snat`, or `dnat`. */
  type: pulumi.Input<"masquerade" | "snat" | "dnat">;
  /** Only from this subnet or address; one per family can stand. Default: any. */
  source?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** Only to this subnet or address; default: any, for dnat any of this host's own. */
  destination?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** Only what comes in by this link: a name, or `"uplink"` for the interface of the default route. */
  inInterface?: pulumi.Input<string>;
  /** Only what leaves by this link: a name, or `"uplink"` for the interface of the default route. */
  outInterface?: pulumi.Input<string>;
  /** Only what leaves by any other link. */
  notOutInterface?: pulumi.Input<string>;
  /** Only what comes in by any other link. */
  notInInterface?: pulumi.Input<string>;
  /** Only this protocol; default: any. */
  protocol?: pulumi.Input<"tcp" | "udp" | "sctp">;
  /** Only to this port, or to a range such as `"8000-8010"`; needs `protocol`. */
  destinationPorts?: pulumi.Input<number | string>;
  /** The new source (snat) or destination (dnat). */
  toAddress?: pulumi.Input<string>;
  /** The new port or range; default: as it was. */
  toPorts?: pulumi.Input<number | string>;
  /** dnat: also for connections that this host itself opens; default true. */
  output?: pulumi.Input<boolean>;
  /** Turn IP forwarding on, and let the translated traffic through a FORWARD chain that drops by default; default true. */
  forward?: pulumi.Input<boolean>;
  /** masquerade: drop new connections from outside into `source` unless published or accepted by a ForwardRule; default true. */
  protect?: pulumi.Input<boolean>;
  /** `auto` (default): nftables where `nft` works, else iptables. */
  backend?: pulumi.Input<"auto" | "nftables" | "iptables">;
  /** The namespace whose packets are translated; default: the host's own. */
  netns?: pulumi.Input<string>;
}

interface Args {
  type: "masquerade" | "snat" | "dnat";
  source?: string | string[];
  destination?: string | string[];
  inInterface?: string;
  outInterface?: string;
  notOutInterface?: string;
  notInInterface?: string;
  protocol?: "tcp" | "udp" | "sctp";
  destinationPorts?: number | string;
  toAddress?: string;
  toPorts?: number | string;
  output: boolean;
  forward: boolean;
  protect: boolean;
  backend: "auto" | Backend;
  netns?: string;
  owner: string;
}

const facts = (args: Args, { state }: Pick<Context, "state">) => routedFacts(args, state);

type Seen = Answers<ReturnType<typeof facts>>;

const given = (value: string | string[] | undefined) => (value === undefined ? undefined : [value].flat());

function translation(args: Args, seen: Seen): Translation {
  const bare = {
    ...args,
    source: given(args.source),
    destination: given(args.destination),
    inInterface: undefined,
    outInterface: undefined,
  };
  const families = translatedFamilies(bare);
  const resolved = (name: string | undefined) =>
    name === undefined
      ? undefined
      : (Object.fromEntries(families.map((family) => [family, resolveInterface(name, family, seen)])) as Record<
          Family,
          string
        >);
  return { ...bare, inInterface: resolved(args.inInterface), outInterface: resolved(args.outInterface) };
}

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const nat = translation(args, seen);
  const wanted = {
    nft: { elements: [], rules: natPieces(nat) },
    iptables: () => natRules(nat),
    forwarding: args.forward ? translatedFamilies(nat) : undefined,
    traffic: args.forward && args.netns === undefined ? natTraffic(nat, seen) : [],
  };
  return firewallChanges(backendOf(args.backend, seen), wanted, seen, context, args.netns);
}

function rules(args: Args): Issue[] {
  const { type, toAddress, toPorts, protocol, destinationPorts } = args;
  const masquerade = type === "masquerade";
  const early = type === "dnat" && (args.outInterface ?? args.notOutInterface) !== undefined;
  const owned = "must be omitted: masquerade uses the address of the interface";
  return [
    ...when(!masquerade && toAddress === undefined, "toAddress", `is needed for ${type}`),
    ...when(masquerade && toAddress !== undefined, "toAddress", owned),
    ...when(masquerade && toPorts !== undefined, "toPorts", "must be omitted with masquerade"),
    ...when(destinationPorts !== undefined && protocol === undefined, "destinationPorts", "needs protocol"),
    ...when(toPorts !== undefined && protocol === undefined, "toPorts", "needs protocol"),
    ...when(early, "outInterface", "is not known yet when dnat is decided; use inInterface"),
    ...when(apart(args), "destination", "must be of the family of source"),
    ...when(mixed(args), "toAddress", "must be of the family of source and destination"),
  ];
}

function apart({ source, destination }: Args): boolean {
  return familiesOf(given(source), given(destination)).length === 0;
}

function mixed({ source, destination, toAddress }: Args): boolean {
  if (toAddress === undefined) return false;
  return [source, destination].some((value) => value && !listed(value).map(familyOf).includes(familyOf(toAddress)));
}

/** How a {@link NatRule} is checked, planned and removed. */
export const natRule = define<Args>()({
  kind: "NatRule",
  fields: {
    type: z.enum(["masquerade", "snat", "dnat"], 'must be "masquerade", "snat" or "dnat"'),
    source: oneOrMore(subnet).optional(),
    destination: oneOrMore(subnet).optional(),
    inInterface: interfaceName.optional(),
    outInterface: interfaceName.optional(),
    notOutInterface: interfaceName.optional(),
    notInInterface: interfaceName.optional(),
    protocol: z.enum(["tcp", "udp", "sctp"], 'must be "tcp", "udp" or "sctp"').optional(),
    destinationPorts: portRange.optional(),
    toAddress: address.optional(),
    toPorts: portRange.optional(),
    output: z.boolean("must be true or false").default(true),
    forward: z.boolean("must be true or false").default(true),
    protect: z.boolean("must be true or false").default(true),
    backend,
    netns: netnsName.optional(),
  },
  rules,
  replaceOn: ["netns"],
  id: ({ type, source, destination, toAddress }) =>
    `${type}:${[source ?? destination ?? toAddress ?? "any"].flat().join(",")}`,
  facts,
  plan,
  present: (_args, seen, context) => firewallPresent(seen, context),
  teardown: ({ netns }, seen, context) => firewallTeardown(seen, context, netns),
  outputs(args, seen) {
    const nat = translation(args, seen);
    const family = translatedFamilies(nat)[0] ?? 4;
    return {
      backend: backendOf(args.backend, seen),
      ...(nat.outInterface && { outInterface: nat.outInterface[family] }),
    };
  },
});

/**
 * One address translation.
 *
 * @example
 * new linuxnet.NatRule("out", { type: "masquerade", source: "172.18.0.0/16", outInterface: "uplink" });
 */
export class NatRule extends Resource {
  declare readonly type: pulumi.Output<"masquerade" | "snat" | "dnat">;
  declare readonly source: pulumi.Output<string | string[] | undefined>;
  declare readonly destination: pulumi.Output<string | string[] | undefined>;
  declare readonly inInterface: pulumi.Output<string | undefined>;
  /** The link's name, also where `"uplink"` was given. */
  declare readonly outInterface: pulumi.Output<string | undefined>;
  declare readonly notOutInterface: pulumi.Output<string | undefined>;
  declare readonly notInInterface: pulumi.Output<string | undefined>;
  declare readonly protocol: pulumi.Output<string | undefined>;
  declare readonly destinationPorts: pulumi.Output<number | string | undefined>;
  declare readonly toAddress: pulumi.Output<string | undefined>;
  declare readonly toPorts: pulumi.Output<number | string | undefined>;
  declare readonly output: pulumi.Output<boolean>;
  declare readonly forward: pulumi.Output<boolean>;
  declare readonly protect: pulumi.Output<boolean>;
  declare readonly netns: pulumi.Output<string | undefined>;
  /** The backend that is used: never `auto`. */
  declare readonly backend: pulumi.Output<"nftables" | "iptables">;

  constructor(name: string, args: NatRuleArgs, opts?: pulumi.CustomResourceOptions) {
    super(natRule, name, args, ["backend"], opts);
  }
}
