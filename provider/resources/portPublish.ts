// A port of the host that leads to a container: elements of maps in our nftables table, or rules of iptables. Their owner
// is their comment. Limits: no socket holds the port, so a program of the host can bind it later, and is not heard then.
import { isDeepStrictEqual } from "node:util";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { familyOf } from "../kernel/addresses.ts";
import type { Answers } from "../kernel/command.ts";
import { lacks, refuse } from "../kernel/failure.ts";
import {
  type Backend,
  backendOf,
  firewallChanges,
  firewallFacts,
  firewallPresent,
  firewallTeardown,
} from "../kernel/firewall.ts";
import type { IptablesRule } from "../kernel/iptables.ts";
import { viewsOf } from "../kernel/iptables-firewall.ts";
import { localnetChanges, localnetFact, localnetTeardown } from "../kernel/iptables-localnet.ts";
import { publishRules as iptablesPublishRules, publishHolder } from "../kernel/iptables-publish.ts";
import { linksFact } from "../kernel/links.ts";
import { type Listener, listenersFact } from "../kernel/listeners.ts";
import {
  loopback,
  onLoopback,
  type Publish,
  portHolders,
  publishElements,
  publishRules,
  type Way,
  wayFact,
} from "../kernel/publish.ts";
import { dropFlows, dropFormerFlows, leftFlows } from "../kernel/publish-flows.ts";
import { address, backend, port } from "../kernel/schema.ts";
import type { Traffic } from "../kernel/stopped.ts";
import { type Change, type Context, define, type Issue } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** Inputs of a {@link PortPublish}. */
export interface PortPublishArgs extends ResourceArgs {
  /** The port of the host, 1 to 65535. */
  hostPort: pulumi.Input<number>;
  /** The container's address. */
  targetAddress: pulumi.Input<string>;
  /** The container's port, 1 to 65535. */
  targetPort: pulumi.Input<number>;
  /** Default `tcp`. */
  protocol?: pulumi.Input<"tcp" | "udp" | "sctp">;
  /** Only on this address of the host; default: every one. `127.0.0.1` and `::1` answer only on the host itself. */
  hostAddress?: pulumi.Input<string>;
  /** Also on the host as 127.0.0.1, with an IPv6 target as ::1; default true when `hostAddress` is omitted, else false. */
  localhost?: pulumi.Input<boolean>;
  /** Also from containers of the same bridge, the target included; default true. */
  hairpin?: pulumi.Input<boolean>;
  /** `auto` (default): nftables where `nft` works, else iptables. */
  backend?: pulumi.Input<"auto" | "nftables" | "iptables">;
}

interface Args extends Publish {
  backend: "auto" | Backend;
  owner: string;
}

const facts = (args: Args, { state }: Pick<Context, "state">) => ({
  ...firewallFacts(args, state),
  links: linksFact(),
  localnet: localnetFact,
  way: wayFact(args.targetAddress),
  listeners: listenersFact(args.protocol),
});

type Seen = Answers<ReturnType<typeof facts>>;

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const way = wayOf(args, seen);
  const ours = seen.table.elements.some(({ set, key }) => set === "nets" && key === way.dev);
  const nft = { elements: publishElements(args, way), rules: publishRules(args, way, ours) };
  const iptables = () => inIptables(args, way, seen, context);
  const wanted = { nft, iptables, forwarding: [familyOf(args.targetAddress)], traffic: trafficOf(args, way) };
  const backend = backendOf(args.backend, seen);
  const device = backend === "iptables" && onLoopback(args) ? way.dev : undefined;
  const changes = [
    ...firewallChanges(backend, wanted, seen, context),
    ...localnetChanges(context, device, seen.localnet, viewsOf(seen)),
  ];
  if (changes.length === 0) return [];
  if (!firewallPresent(seen, context) || isMoved(args, context)) refuseTaken(args, seen, context);
  return [...changes, ...flowChanges(args, context)];
}

/** What is published passes FORWARD, unless it comes from this host alone. */
function trafficOf({ hostAddress, targetAddress, targetPort, protocol }: Args, { dev }: Way): Traffic[] {
  const family = familyOf(targetAddress);
  if (hostAddress === loopback[family]) return [];
  const to = { outDevice: dev, destination: targetAddress, destinationPort: targetPort, protocol, dnat: true };
  return [{ what: `what is published to ${targetAddress}`, packet: { family, ...to }, bridge: dev }];
}

/** Whether it is to answer where it has not so far: there something else may listen. */
function isMoved(args: Args, { previous }: Pick<Context, "previous">): boolean {
  const keys = ["protocol", "hostPort", "hostAddress", "localhost"] as const;
  const former = previous as Args | undefined;
  if (former === undefined) return false;
  return (
    keys.some((key) => former[key] !== args[key]) || familyOf(former.targetAddress) !== familyOf(args.targetAddress)
  );
}

/** Flows go on as they began: those of a former publish are ended, and clients of UDP that were sending already. */
function flowChanges(args: Args, { previous }: Context): Change[] {
  const former = previous as Args | undefined;
  const begins = former === undefined || isMoved(args, { previous }) || isDeepStrictEqual(former, args);
  const steps = [
    ...(former ? leftFlows(former, args) : []),
    ...(args.protocol === "udp" && begins ? [dropFormerFlows(args)] : []),
  ];
  return steps.length === 0 ? [] : [{ drift: "flows", steps }];
}

function inIptables(args: Args, { dev, address: own }: Way, seen: Seen, context: Context): IptablesRule[] {
  const gateway = seen.links.find(({ name }) => name === dev)?.addresses.find((cidr) => cidr.startsWith(`${own}/`));
  const rules = iptablesPublishRules({ ...args, targetDevice: dev, gatewayAddress: gateway });
  const holder = publishHolder(context, rules, viewsOf(seen));
  return holder === undefined ? rules : refusePublished(args, holder);
}

function wayOf({ targetAddress }: Args, { way }: Seen): Way {
  if (way && way.via === undefined && way.dev !== "lo") return way;
  if (way?.dev === "lo")
    refuse(`${targetAddress} is an address of this host itself`, "Publish to the address of a container.");
  lacks(
    `no link of this host leads straight to ${targetAddress}`,
    "Create its bridge first, with an address in the same subnet.",
  );
}

/** A port is held by another publish, or by a program that listens. */
function refuseTaken(args: Args, seen: Seen, { owner, former }: Context): void {
  const other = portHolders(args, seen.table.elements).find(({ comment }) => comment !== owner && comment !== former);
  if (other) refusePublished(args, other.comment);
  const listener = seen.listeners.find((candidate) => hears(candidate, args));
  if (listener) refuse(`${portText(args)} is in use by ${listener.holder}`, otherPort);
}

const otherPort =
  "Choose another hostPort (`pulumi config set port 8081`, where the program takes it from the stack), or free this one.";

function portText({ hostAddress, hostPort, protocol }: Args): string {
  return `${hostAddress ? `${hostAddress} ` : ""}port ${hostPort}/${protocol}`;
}

function refusePublished(args: Args, holder: string): never {
  refuse(`${portText(args)} is published already by ${holder}`, otherPort);
}

function hears({ address: bound, families, port: own }: Listener, args: Args): boolean {
  const family = familyOf(args.targetAddress);
  if (own !== args.hostPort || !families.includes(family)) return false;
  if (bound === undefined) return true;
  if (/^127\.|^::1$/.test(bound)) return onLoopback(args) && bound === loopback[family];
  return args.hostAddress === undefined || args.hostAddress === bound;
}

function rules(args: Args): Issue[] {
  const { hostAddress, targetAddress } = args;
  if (/^127\.|^::1$|^0\.0\.0\.0$|^::$/.test(targetAddress))
    return [{ property: "targetAddress", reason: "must be the address of a container" }];
  if (hostAddress === undefined) return [];
  const odd = hostAddress.startsWith("127.") && hostAddress !== loopback[4];
  const any = hostAddress === "0.0.0.0" || hostAddress === "::";
  return [
    ...(familyOf(hostAddress) === familyOf(targetAddress)
      ? []
      : [
          { property: "hostAddress", reason: `must be of the family of targetAddress (IPv${familyOf(targetAddress)})` },
        ]),
    ...(odd ? [{ property: "hostAddress", reason: "must be 127.0.0.1 when it is a loopback address" }] : []),
    ...(any ? [{ property: "hostAddress", reason: "must be omitted for every address of the host" }] : []),
  ];
}

/** How a {@link PortPublish} is checked, planned and removed. */
export const portPublish = define<Args>()({
  kind: "PortPublish",
  fields: {
    hostPort: port,
    targetAddress: address,
    targetPort: port,
    protocol: z.enum(["tcp", "udp", "sctp"], 'must be "tcp", "udp" or "sctp"').default("tcp"),
    hostAddress: address.optional(),
    localhost: z.boolean("must be true or false").optional(),
    hairpin: z.boolean("must be true or false").default(true),
    backend,
  },
  derive: (args) => ({ ...args, localhost: args.localhost ?? args.hostAddress === undefined }),
  rules,
  replaceOn: [],
  id: ({ hostAddress, hostPort, protocol }) => `${hostAddress ? `${hostAddress}:` : ""}${hostPort}/${protocol}`,
  facts,
  plan,
  present: (_args, seen, context) => firewallPresent(seen, context),
  teardown(args, seen, context) {
    const needed = context.state?.backend === "iptables" && onLoopback(args);
    const localnet = localnetTeardown(context, needed, seen.way?.dev, seen.localnet, viewsOf(seen));
    const steps = [...localnet, ...firewallTeardown(seen, context)];
    return steps.length === 0 ? [] : [...steps, dropFlows(args)];
  },
  outputs: (args, seen) => ({
    backend: backendOf(args.backend, seen),
    ...(args.protocol === "tcp" && { url: urlOf(args) }),
  }),
});

/** Where a browser on this host finds it. */
function urlOf({ hostAddress, hostPort, targetAddress }: Args): string {
  const host = hostAddress ?? loopback[familyOf(targetAddress)];
  return `http://${host.includes(":") ? `[${host}]` : host}:${hostPort}/`;
}

/**
 * A port of the host that leads to a container.
 *
 * @example
 * new linuxnet.PortPublish("web", { hostPort: 8080, targetAddress: "172.18.0.11", targetPort: 80 });
 */
export class PortPublish extends Resource {
  declare readonly hostPort: pulumi.Output<number>;
  declare readonly targetAddress: pulumi.Output<string>;
  declare readonly targetPort: pulumi.Output<number>;
  declare readonly protocol: pulumi.Output<"tcp" | "udp" | "sctp">;
  declare readonly hostAddress: pulumi.Output<string | undefined>;
  declare readonly localhost: pulumi.Output<boolean>;
  declare readonly hairpin: pulumi.Output<boolean>;
  /** The backend that is used: never `auto`. */
  declare readonly backend: pulumi.Output<"nftables" | "iptables">;
  /** For tcp, where a browser on the host finds it: `http://127.0.0.1:8080/`. */
  declare readonly url: pulumi.Output<string | undefined>;

  constructor(name: string, args: PortPublishArgs, opts?: pulumi.CustomResourceOptions) {
    super(portPublish, name, args, ["localhost", "backend", "url"], opts);
  }
}
