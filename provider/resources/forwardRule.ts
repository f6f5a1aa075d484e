// One rule on forwarded traffic, in our nftables table (nft(8)) or in our chain of iptables' FORWARD. Its owner is its
// comment. Limits: an admin's own drop in another chain cannot be overridden by an accept here.
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
import type { IptablesRule } from "../kernel/iptables.ts";
import { forwardRules } from "../kernel/iptables-rules.ts";
import { when } from "../kernel/issue.ts";
import { familiesOf, type Match, nftMatch, ofFamily } from "../kernel/match.ts";
import type { Rule } from "../kernel/nft.ts";
import { backend, interfaceName, netnsName, oneOrMore, portRange, subnet } from "../kernel/schema.ts";
import type { Traffic } from "../kernel/stopped.ts";
import { resolveInterface } from "../kernel/uplink.ts";
import { type Change, type Context, define, type Issue } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** Inputs of a {@link ForwardRule}. */
export interface ForwardRuleArgs extends ResourceArgs {
  /** What happens to what matches: `accept`, `drop` (silently) or `reject` (the sender is told). */
  action: pulumi.Input<"accept" | "drop" | "reject">;
  /** Only what comes in by this link: a name, or `"uplink"` for the interface of the default route. */
  inInterface?: pulumi.Input<string>;
  /** Only what leaves by this link: a name, or `"uplink"`. */
  outInterface?: pulumi.Input<string>;
  /** Only from this subnet or address; one per family can stand. */
  source?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** Only to this subnet or address. */
  destination?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** Only this protocol; default: any. */
  protocol?: pulumi.Input<"tcp" | "udp" | "sctp" | "icmp" | "icmpv6">;
  /** Only to this port, or to a range such as `"8000-8010"`; needs a protocol with ports. */
  destinationPorts?: pulumi.Input<number | string>;
  /** Only from this port or range; needs a protocol with ports. */
  sourcePorts?: pulumi.Input<number | string>;
  /** Only connections in these states (conntrack); default: any. */
  states?: pulumi.Input<pulumi.Input<"new" | "established" | "related">[]>;
  /** Lower ones are asked first, -1000 to 1000; default 0, ties by resource name. */
  priority?: pulumi.Input<number>;
  /** `auto` (default): nftables where `nft` works, else iptables. */
  backend?: pulumi.Input<"auto" | "nftables" | "iptables">;
  /** The namespace whose packets are meant; default: the host's own. */
  netns?: pulumi.Input<string>;
}

interface Args extends Omit<Match, "source" | "destination"> {
  action: "accept" | "drop" | "reject";
  source?: string | string[];
  destination?: string | string[];
  priority: number;
  backend: "auto" | Backend;
  netns?: string;
  owner: string;
}

const facts = (args: Args, { state }: Pick<Context, "state">) => routedFacts(args, state);

type Seen = Answers<ReturnType<typeof facts>>;

const given = (value: string | string[] | undefined) => (value === undefined ? undefined : [value].flat());

/** The families of a rule: those of its addresses; without any, one rule speaks of both. */
function families({ source, destination }: Args): (Family | undefined)[] {
  return source === undefined && destination === undefined
    ? [undefined]
    : familiesOf(given(source), given(destination));
}

function ruleOf(args: Args, family: Family | undefined, seen: Seen): Rule {
  const { action, priority, source, destination } = args;
  const match: Match = {
    ...args,
    source: family && ofFamily(given(source), family),
    destination: family && ofFamily(given(destination), family),
    inInterface: resolveInterface(args.inInterface, family ?? 4, seen),
    outInterface: resolveInterface(args.outInterface, family ?? 4, seen),
  };
  return { chain: "user_forward", priority, text: `${nftMatch(match)}${action === "accept" ? "goto pass" : action}` };
}

/** Without an address a rule speaks of both families there too. */
function inIptables(args: Args, seen: Seen): IptablesRule[] {
  const resolved = (name: string | undefined) => resolveInterface(name, families(args)[0] ?? 4, seen);
  const [inInterface, outInterface] = [resolved(args.inInterface), resolved(args.outInterface)];
  return forwardRules({ ...args, inInterface, outInterface, families: [4, 6] });
}

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const rules = families(args).map((family) => ruleOf(args, family, seen));
  // An accept is noted with those who need forwarding, so that a FORWARD chain that drops lets it through; the switch is left.
  const forwarding = args.action === "accept" ? [] : undefined;
  return firewallChanges(
    backendOf(args.backend, seen),
    {
      nft: { elements: [], rules },
      iptables: () => inIptables(args, seen),
      forwarding,
      traffic: trafficOf(args, seen),
    },
    seen,
    context,
    args.netns,
  );
}

/** What an accept is for has to pass the firewalls of others too. */
function trafficOf(args: Args, seen: Seen): Traffic[] {
  const { action, netns, source, destination, protocol, destinationPorts: port, states = ["new"] } = args;
  if (action !== "accept" || netns !== undefined || !states.includes("new")) return [];
  return families(args).map((wanted) => {
    const family = wanted ?? 4;
    const [inDevice, outDevice] = [args.inInterface, args.outInterface].map((name) =>
      resolveInterface(name, family, seen),
    );
    const [from] = ofFamily(given(source), family) ?? [];
    const [to] = ofFamily(given(destination), family) ?? [];
    const destinationPort = typeof port === "number" ? port : undefined;
    const packet = { family, inDevice, outDevice, source: from, destination: to, protocol, destinationPort };
    return { what: "what this rule accepts", packet, bridge: inDevice };
  });
}

function rules(args: Args): Issue[] {
  const { protocol, destinationPorts, sourcePorts, source, destination } = args;
  const ported = protocol === "tcp" || protocol === "udp" || protocol === "sctp";
  const needs = "needs protocol tcp, udp or sctp";
  return [
    ...when(destinationPorts !== undefined && !ported, "destinationPorts", needs),
    ...when(sourcePorts !== undefined && !ported, "sourcePorts", needs),
    ...when(families(args).length === 0, "destination", "must be of the family of source"),
    ...[given(source), given(destination)].flatMap((list) =>
      when(list !== undefined && isApart(protocol, list), "protocol", `${protocol} is not of the family of ${list}`),
    ),
  ];
}

function isApart(protocol: string | undefined, list: readonly string[]): boolean {
  const family = { icmp: 4, icmpv6: 6 }[protocol ?? ""];
  return family !== undefined && !list.some((one) => familyOf(one) === family);
}

/** How a {@link ForwardRule} is checked, planned and removed. */
export const forwardRule = define<Args>()({
  kind: "ForwardRule",
  fields: {
    action: z.enum(["accept", "drop", "reject"], 'must be "accept", "drop" or "reject"'),
    inInterface: interfaceName.optional(),
    outInterface: interfaceName.optional(),
    source: oneOrMore(subnet).optional(),
    destination: oneOrMore(subnet).optional(),
    protocol: z
      .enum(["tcp", "udp", "sctp", "icmp", "icmpv6"], 'must be "tcp", "udp", "sctp", "icmp" or "icmpv6"')
      .optional(),
    destinationPorts: portRange.optional(),
    sourcePorts: portRange.optional(),
    states: z
      .array(
        z.enum(["new", "established", "related"], 'must be "new", "established" or "related"'),
        "must be a list of states",
      )
      .optional(),
    priority: z
      .number("must be a number from -1000 to 1000")
      .int("must be a whole number")
      .min(-1000, "must be at least -1000")
      .max(1000, "must be at most 1000")
      .default(0),
    backend,
    netns: netnsName.optional(),
  },
  rules,
  replaceOn: ["netns"],
  id: ({ action, source, destination }) =>
    `${action}:${[source ?? "any"].flat().join(",")}->${[destination ?? "any"].flat().join(",")}`,
  facts,
  plan,
  present: (_args, seen, context) => firewallPresent(seen, context),
  teardown: ({ netns }, seen, context) => firewallTeardown(seen, context, netns),
  outputs: (args, seen) => ({ backend: backendOf(args.backend, seen) }),
});

/**
 * Lets forwarded traffic through, or not.
 *
 * @example
 * new linuxnet.ForwardRule("no-smtp", { action: "reject", inInterface: "lab0", protocol: "tcp", destinationPorts: 25 });
 */
export class ForwardRule extends Resource {
  declare readonly action: pulumi.Output<"accept" | "drop" | "reject">;
  declare readonly inInterface: pulumi.Output<string | undefined>;
  declare readonly outInterface: pulumi.Output<string | undefined>;
  declare readonly source: pulumi.Output<string | string[] | undefined>;
  declare readonly destination: pulumi.Output<string | string[] | undefined>;
  declare readonly protocol: pulumi.Output<string | undefined>;
  declare readonly destinationPorts: pulumi.Output<number | string | undefined>;
  declare readonly sourcePorts: pulumi.Output<number | string | undefined>;
  declare readonly states: pulumi.Output<string[] | undefined>;
  declare readonly priority: pulumi.Output<number>;
  declare readonly netns: pulumi.Output<string | undefined>;
  /** The backend that is used: never `auto`. */
  declare readonly backend: pulumi.Output<"nftables" | "iptables">;

  constructor(name: string, args: ForwardRuleArgs, opts?: pulumi.CustomResourceOptions) {
    super(forwardRule, name, args, ["backend"], opts);
  }
}
