// What must hold in a network, tried with real probes. Nothing of it stands on a host. Limits: over udp, something has to
// answer; a try takes at most 2 seconds.
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { canonicalAddress } from "../kernel/addresses.ts";
import type { Answers } from "../kernel/command.ts";
import { duration, parseDuration } from "../kernel/duration.ts";
import { lacks } from "../kernel/failure.ts";
import { type Probe, probeFact } from "../kernel/probe.ts";
import { netnsName, port, text } from "../kernel/schema.ts";
import { define, type Issue } from "../lifecycle/definition.ts";
import type { ConnectionArgs } from "./connection.ts";
import { Resource } from "./resource.ts";

/** What a Container is to an {@link Expect}. */
export interface Reachable {
  readonly netns: pulumi.Output<string>;
  readonly addresses: pulumi.Output<string[]>;
  readonly connection?: pulumi.Input<ConnectionArgs> | undefined;
}

/** A place to try from: outside the host too. */
export interface ExpectFrom {
  /** The namespace; default the host's own. */
  netns?: pulumi.Input<string>;
  /** The host; default this machine. */
  connection?: pulumi.Input<ConnectionArgs>;
}

/** Inputs of an {@link Expect}. */
export interface ExpectArgs {
  /** From where: a Container, a namespace's name, `"host"`, or a place on another host. */
  from: Reachable | ExpectFrom | pulumi.Input<string>;
  /** To what: a Container, an address, or a name as it is resolved there. */
  to: Reachable | pulumi.Input<string>;
  /** The port, 1 to 65535; needs tcp or udp. */
  port?: pulumi.Input<number>;
  /** Default: ping, or tcp with a port. Over udp, something has to answer. */
  protocol?: pulumi.Input<"ping" | "tcp" | "udp">;
  /** Default true; false: it must be blocked. */
  reachable?: pulumi.Input<boolean>;
  /** How long it may take until it holds; default `5s`. */
  within?: pulumi.Input<string>;
  /** It is tried again when one of these changes. */
  triggers?: pulumi.Input<pulumi.Input<string>[]>;
}

interface Args extends Probe {
  from: string;
  reachable: boolean;
  within: string;
  triggers?: string[];
}

const facts = ({ from, to, port: number, protocol }: Args) => ({
  found: probeFact({ netns: from === "host" ? undefined : from, to, port: number, protocol }),
});

type Seen = Answers<ReturnType<typeof facts>>;

function pending({ from, to, port: number, protocol, reachable, within }: Args, { found }: Seen) {
  if (found.reached === reachable) return undefined;
  const target = number === undefined ? to : `${to} port ${number}`;
  const where = from === "host" ? "the host" : from;
  const said = found.said ? ` (${found.said})` : "";
  const why = reachable
    ? `${where} cannot reach ${target} by ${protocol}${said}`
    : `${where} reaches ${target} by ${protocol}, and must not`;
  return { why, within: parseDuration(within) ?? 5 };
}

function rules({ protocol, port: number }: Args): Issue[] {
  if (protocol === "ping")
    return number === undefined ? [] : [{ property: "port", reason: "must be omitted with ping" }];
  return number === undefined ? [{ property: "port", reason: `is needed for ${protocol}` }] : [];
}

const target = z
  .string("must be a string")
  .max(253, "must be at most 253 characters long")
  .transform((text) => canonicalAddress(text) ?? text)
  .refine((text) => /^[A-Za-z0-9_:][A-Za-z0-9_.:-]*$/.test(text), "must be an address or a name");

/** How an {@link Expect} is checked and tried. */
export const expect = define<Args>()({
  kind: "Expect",
  fields: {
    from: z.union([z.literal("host"), netnsName], 'must be a namespace\'s name or "host"'),
    to: target,
    port: port.optional(),
    protocol: z.enum(["ping", "tcp", "udp"], 'must be "ping", "tcp" or "udp"').optional(),
    reachable: z.boolean("must be true or false").default(true),
    within: duration.default("5s"),
    triggers: z.array(text, "must be a list of strings").optional(),
  },
  derive: (args) => ({ ...args, protocol: args.protocol ?? (args.port === undefined ? "ping" : "tcp") }),
  rules,
  replaceOn: [],
  id: ({ from, to, port: number, reachable }) =>
    `${from}${reachable ? "->" : "-x"}${to}${number === undefined ? "" : `:${number}`}`,
  facts,
  plan({ from }, { found }) {
    if (found.fault !== undefined) lacks(`nothing can be tried from ${from}: ${found.fault}`);
    return [];
  },
  present: () => true,
  teardown: () => [],
  outputs: () => ({}),
  pending,
  expects: true,
  tried: true,
});

/**
 * What must hold: an `up` fails, naming it, when it does not.
 *
 * @example
 * new linuxnet.Expect("no way in", { from: other, to: web, reachable: false });
 */
export class Expect extends Resource {
  declare readonly from: pulumi.Output<string>;
  declare readonly to: pulumi.Output<string>;
  declare readonly port: pulumi.Output<number | undefined>;
  declare readonly protocol: pulumi.Output<"ping" | "tcp" | "udp">;
  declare readonly reachable: pulumi.Output<boolean>;
  declare readonly within: pulumi.Output<string>;
  declare readonly triggers: pulumi.Output<string[] | undefined>;

  constructor(name: string, { from, to, ...args }: ExpectArgs, opts?: pulumi.CustomResourceOptions) {
    super(expect, name, { ...args, ...placeOf(from), to: targetOf(to) }, ["protocol"], opts);
  }
}

function placeOf(from: ExpectArgs["from"]): { from: pulumi.Input<string>; connection?: pulumi.Input<ConnectionArgs> } {
  if (typeof from === "string" || pulumi.Output.isInstance(from) || from instanceof Promise) return { from };
  const { netns, connection } = from;
  const place = netns === undefined ? "host" : pulumi.output(netns).apply((name) => name || "host");
  return { from: place, ...(connection !== undefined && { connection }) };
}

function targetOf(to: ExpectArgs["to"]): pulumi.Input<string> {
  if (typeof to === "string" || pulumi.Output.isInstance(to) || to instanceof Promise) return to;
  return to.addresses.apply((all) => all[0]?.split("/")[0] ?? "");
}
