// The resolver of a network: dnsmasq on the gateway's addresses, its two files under /run/linuxnet/dns, and its place in our
// nftables table. Its names change without a restart. Limits: one per bridge, in the host's own namespace.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Answers, Step } from "../kernel/command.ts";
import { dictionary } from "../kernel/dictionary.ts";
import { lacks, refuse } from "../kernel/failure.ts";
import { firewallFacts, firewallTeardown, isBlind } from "../kernel/firewall.ts";
import { iptablesPresent } from "../kernel/iptables.ts";
import { viewsOf } from "../kernel/iptables-firewall.ts";
import { linkFact } from "../kernel/links.ts";
import { listenersFact } from "../kernel/listeners.ts";
import { hasPieces } from "../kernel/nft-changes.ts";
import { passagesFact } from "../kernel/passage-fact.ts";
import { fingerprint, logPath, type Program, startCommand, startStep, stopStep } from "../kernel/processes.ts";
import { howItEnded, processFact } from "../kernel/processes-fact.ts";
import { systemdFact } from "../kernel/processes-unit.ts";
import { defaultUpstreams, dnsmasqFact, dnsmasqProgram, hostResolversFact, refuseHeld } from "../kernel/resolver.ts";
import {
  loadedMark,
  type Member,
  reloadStep,
  removeStep,
  resolverFact,
  resolverTexts,
  writeStep,
} from "../kernel/resolver-files.ts";
import { resolverClosing } from "../kernel/resolver-guard.ts";
import { dnsName, member, resolverRules, upstream } from "../kernel/resolver-schema.ts";
import { interfaceAddress, linkName } from "../kernel/schema.ts";
import { type Change, type Context, define } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** A container as the resolver of its network knows it. */
export interface MemberArgs {
  /** Its addresses, of both families where it has both. */
  addresses: pulumi.Input<pulumi.Input<string>[]>;
  /** More names of it; several containers may share one, and are then told all together. */
  aliases?: pulumi.Input<pulumi.Input<string>[]>;
}

/** Inputs of a {@link Resolver}. A change of `members`, `upstreams`, `domain` or `forward` needs no restart. */
export interface ResolverArgs extends ResourceArgs {
  /** The network's name: `web` is `web.shop` too, in the network `shop`. */
  network: pulumi.Input<string>;
  /** The bridge whose containers it answers. */
  bridge: pulumi.Input<string>;
  /** The gateway's addresses on that bridge, with prefix: one per family. It listens on these alone. */
  addresses: pulumi.Input<pulumi.Input<string>[]>;
  /** The containers by name. */
  members: pulumi.Input<Record<string, pulumi.Input<MemberArgs>>>;
  /** A domain of the network's own: `web` is `web.lab.example` too, and nobody else is asked for its names. Default none. */
  domain?: pulumi.Input<string>;
  /**
   * Who is asked for all other names, in this order: addresses, with `#PORT` behind where it is not 53. Default: the host's own
   * name servers, as they are found there.
   */
  upstreams?: pulumi.Input<pulumi.Input<string>[]>;
  /** Whether others are asked for other names at all; default true. */
  forward?: pulumi.Input<boolean>;
}

interface Args {
  network: string;
  bridge: string;
  addresses: string[];
  members: Record<string, Member>;
  domain?: string;
  upstreams?: string[];
  forward: boolean;
  owner: string;
}

const facts = ({ owner, bridge }: Args, { former }: Pick<Context, "former">) => ({
  ...firewallFacts({ owner, backend: "auto" }),
  input: passagesFact("INPUT"),
  bridge: linkFact(bridge),
  process: processFact(owner),
  files: resolverFact(owner),
  former: processFact(former ?? owner),
  formerFiles: resolverFact(former ?? owner),
  udp: listenersFact("udp"),
  tcp: listenersFact("tcp"),
  host: hostResolversFact,
  dnsmasq: dnsmasqFact,
  systemd: systemdFact,
});

type Seen = Answers<ReturnType<typeof facts>>;

function plan(args: Args, seen: Seen, context: Context): Change[] {
  refuseUnfit(args, seen);
  return [...running(args, seen, context), ...resolverClosing(args.bridge, bare(args), seen, context)];
}

/** What differs in its files, and in what runs. */
function running(args: Args, seen: Seen, context: Context): Change[] {
  const { owner } = args;
  const texts = resolverTexts(args, upstreamsOf(args, seen));
  const program = programOf(args, seen);
  const written = seen.files?.hosts === texts.hosts && seen.files.servers === texts.servers;
  const drift =
    whatDiffers(program, seen) ?? (context.former && seen.former ? "it runs under its former name" : undefined);
  if (drift === undefined && seen.files) {
    if (written && seen.files.loaded === loadedMark(texts)) return [];
    const what = written ? "dnsmasq has not read its names" : "the names or name servers that it knows differ";
    return [{ drift: what, steps: [reloadStep(owner, texts, seen.files)] }];
  }
  refuseHeld(bare(args), [...seen.udp, ...seen.tcp], seen.former?.pid ?? seen.process?.pid);
  const steps = [
    ...leaving(seen, context),
    ...(seen.process ? [stopStep(owner, program, startAgain(owner, seen.process, seen, context.previous))] : []),
    writeStep(owner, texts, seen.files),
    startStep(owner, program, keeperOf(seen)),
  ];
  return [{ drift: drift ?? "its names are missing", steps }];
}

const keeperOf = ({ systemd }: Seen) => ({ user: { uid: 0, gid: 0 }, systemd });

function bare({ addresses }: Pick<Args, "addresses">): string[] {
  return addresses.map((one) => one.split("/")[0] ?? "");
}

function programOf({ owner, ...args }: Args, { dnsmasq }: Seen): Program {
  if (!dnsmasq)
    refuse(
      "there is no dnsmasq, which resolves the names of a network",
      "Install it there: apt-get install dnsmasq-base.",
    );
  return dnsmasqProgram(owner, bare(args), dnsmasq);
}

function upstreamsOf({ forward, upstreams, ...args }: Args, { host, udp, table }: Seen): string[] {
  return forward ? (upstreams ?? defaultUpstreams(host, udp, table.elements, bare(args))) : [];
}

function whatDiffers(program: Program, { process }: Seen): string | undefined {
  if (!process) return "it is not running";
  if (!process.alive) return `it is not running: ${howItEnded(process)}`;
  if (process.fingerprint !== fingerprint(program)) return "it listens on other addresses";
  return process.supervised ? undefined : "what restarts it is gone";
}

/** What stands under a former name goes. */
function leaving(seen: Seen, { former, previous }: Context): Step[] {
  return [
    ...(former && seen.former ? [stopStep(former, {}, startAgain(former, seen.former, seen, previous))] : []),
    ...(former && seen.formerFiles ? [removeStep(former, seen.formerFiles)] : []),
  ];
}

/** The inverse of ending it: what ran before runs again. */
function startAgain(owner: string, process: Seen["process"], seen: Seen, previous: Context["previous"]) {
  if (!previous || !seen.dnsmasq || !process?.alive) return [];
  return [startCommand(owner, dnsmasqProgram(owner, bare(previous as unknown as Args), seen.dnsmasq), keeperOf(seen))];
}

function refuseUnfit({ bridge, addresses }: Args, { bridge: { link } }: Seen): void {
  if (!link) lacks(`there is no bridge ${bridge}`);
  for (const one of addresses)
    if (!link.addresses.includes(one)) lacks(`bridge ${bridge} does not have the address ${one}`);
}

function teardown({ owner }: Args, seen: Seen, context: Context): Step[] {
  return [
    ...leaving(seen, context),
    ...(seen.process ? [stopStep(owner, {})] : []),
    ...(seen.files ? [removeStep(owner, seen.files)] : []),
    ...(isBlind(seen) ? [] : firewallTeardown(seen, context)),
  ];
}

const settling = 10; // seconds

function pending(args: Args, { process, udp, tcp }: Seen): { why: string; within: number } | undefined {
  if (!process?.alive) {
    const how = process ? howItEnded(process) : "nothing is left of it";
    return { why: `dnsmasq ended before it answered: ${how}`, within: process?.supervised ? settling : -1 };
  }
  const deaf = bare(args).find((one) =>
    [udp, tcp].some((all) => !all.some((at) => at.port === 53 && at.address === one)),
  );
  return deaf ? { why: `dnsmasq does not listen on ${deaf}: ${process.lastLine}`, within: settling } : undefined;
}

/** How a {@link Resolver} is checked, planned and removed. */
export const resolver = define<Args>()({
  kind: "Resolver",
  fields: {
    network: dnsName,
    bridge: linkName,
    addresses: z.array(interfaceAddress, "must be a list of addresses"),
    members: dictionary(dnsName, member, "must be an object of containers with their addresses"),
    domain: dnsName.optional(),
    upstreams: z.array(upstream, "must be a list of addresses").min(1, "must have at least one address").optional(),
    forward: z.boolean("must be true or false").default(true),
  },
  rules: resolverRules,
  replaceOn: [],
  id: ({ network }) => network,
  facts,
  plan,
  present: (_args, seen, context) =>
    [seen.process, seen.files, seen.former, seen.formerFiles].some((one) => one !== undefined) ||
    hasPieces(seen.table, context) ||
    iptablesPresent(context, viewsOf(seen)),
  teardown,
  outputs: (args, seen) => ({
    upstreams: upstreamsOf(args, seen),
    pid: seen.process?.pid,
    logPath: logPath(args.owner),
  }),
  pending,
});

/**
 * The resolver of a network: it answers for the containers' names, and asks others for the rest.
 *
 * @example
 * new linuxnet.Resolver("lab", {
 *   network: "lab",
 *   bridge: lab0.name,
 *   addresses: ["172.18.0.1/16"],
 *   members: { web: { addresses: ["172.18.0.11"], aliases: ["www"] } },
 * });
 */
export class Resolver extends Resource {
  declare readonly network: pulumi.Output<string>;
  declare readonly bridge: pulumi.Output<string>;
  declare readonly addresses: pulumi.Output<string[]>;
  declare readonly members: pulumi.Output<Record<string, Member>>;
  declare readonly domain: pulumi.Output<string | undefined>;
  declare readonly forward: pulumi.Output<boolean>;
  /** Whom it asks for other names: what was given, or what was found on the host. */
  declare readonly upstreams: pulumi.Output<string[]>;
  /** The process id of dnsmasq; it changes when that is restarted. */
  declare readonly pid: pulumi.Output<number>;
  /** The file that dnsmasq's messages go to, readable by root. */
  declare readonly logPath: pulumi.Output<string>;

  constructor(name: string, args: ResolverArgs, opts?: pulumi.CustomResourceOptions) {
    super(resolver, name, args, ["upstreams", "pid", "logPath"], opts);
  }
}
