import { type Family, familyOf } from "./addresses.ts";
import { refuse } from "./failure.ts";
import type { IptablesRule } from "./iptables.ts";

type Ports = number | string;
type Addresses = string | readonly string[];

/** In which order kinds of rules stand in a chain: what a user rules himself comes before what is let through by default. */
export const tiers = { user: 1, exactPublish: 3, normal: 5, protect: 9 } as const;

/** What traffic a rule is for; addresses may be CIDRs and of both families. */
export interface TrafficMatch {
  source?: Addresses | undefined;
  destination?: Addresses | undefined;
  /** The kernel's name of a link; one per family where the uplinks differ. */
  inInterface?: string | Record<Family, string> | undefined;
  outInterface?: string | Record<Family, string> | undefined;
  notInInterface?: string | Record<Family, string> | undefined;
  notOutInterface?: string | Record<Family, string> | undefined;
  protocol?: string | undefined;
  /** A port, or `"8000-8010"`. */
  destinationPorts?: Ports | undefined;
  sourcePorts?: Ports | undefined;
  /** Families of a rule that names no address; default IPv4. */
  families?: readonly Family[] | undefined;
}

/** What {@link natRules} needs of a NatRule. */
export interface NatTraffic extends TrafficMatch {
  type: "masquerade" | "snat" | "dnat";
  toAddress?: string | undefined;
  toPorts?: Ports | undefined;
  /** dnat: also what this host itself opens; without an `inInterface` only, since that comes in nowhere. */
  output?: boolean | undefined;
  /** Let what is translated, and its replies, through the chain FORWARD. */
  forward?: boolean | undefined;
  /** masquerade: drop new connections from outside into `source` that are not published. */
  protect?: boolean | undefined;
}

/** What {@link forwardRules} needs of a ForwardRule. */
export interface ForwardTraffic extends TrafficMatch {
  action: "accept" | "drop" | "reject";
  /** `new`, `established`, `related`. */
  states?: readonly string[] | undefined;
  priority?: number | undefined;
}

/** One pairing of addresses of one family. */
export interface Pair {
  family: Family;
  source?: string | undefined;
  destination?: string | undefined;
}

/** The rules of a NatRule. */
export function natRules(args: NatTraffic): IptablesRule[] {
  const pairs = pairsOf(args, args.toAddress);
  if (args.type !== "dnat") return pairs.flatMap((pair) => sourceNat(args, pair));
  if (args.outInterface !== undefined || args.notOutInterface !== undefined)
    refuse("iptables does not know the outgoing interface where it changes a destination", "Leave outInterface out.");
  return [...pairs.flatMap((pair) => destinationNat(args, pair)), ...acceptTarget(args)];
}

/** The rules of a ForwardRule. */
export function forwardRules(args: ForwardTraffic): IptablesRule[] {
  const { action, priority, states = [] } = args;
  const state = states.length === 0 ? [] : ctstate(states.map((word) => word.toUpperCase()).join(","));
  return pairsOf(args).map((pair) => ({
    family: pair.family,
    chain: "LINUXNET-FWD",
    spec: [...match(args, pair), ...state, "-j", action.toUpperCase()],
    tier: tiers.user,
    ...(priority !== undefined && { priority }),
  }));
}

function sourceNat(args: NatTraffic, pair: Pair): IptablesRule[] {
  const { type, toAddress, toPorts, forward = true, protect = true } = args;
  const to = endpoint(toAddress, toPorts);
  const masquerade = ["MASQUERADE", ...(toPorts === undefined ? [] : ["--to-ports", dashed(toPorts)])];
  const target = type === "snat" ? ["SNAT", "--to-source", to] : masquerade;
  const rules = [rule(pair, "LINUXNET-POST", [...match(args, pair), "-j", ...target])];
  if (forward) rules.push(...letOut(args, pair));
  if (protect && type === "masquerade") rules.push(...keepOut(args, pair));
  return rules;
}

/** What is translated may leave, its replies may come back, and neighbours may talk where bridged packets pass iptables too. */
function letOut(args: NatTraffic, pair: Pair): IptablesRule[] {
  const { inInterface, notInInterface, outInterface, notOutInterface } = args;
  const back = {
    inInterface: outInterface,
    notInInterface: notOutInterface,
    outInterface: inInterface,
    notOutInterface: notInInterface,
  };
  // A source address that arrives from where it is to leave, or from elsewhere than its own link, is a forged one.
  const anywhere = inInterface === undefined && notInInterface === undefined;
  const alien = anywhere ? outInterface : notInInterface;
  const own = anywhere && pair.source !== undefined ? notOutInterface : inInterface;
  const replies = { family: pair.family, source: pair.destination, destination: pair.source };
  const rules = [
    rule(pair, "LINUXNET-FWD", [...match({ ...args, inInterface: own, notInInterface: alien }, pair), "-j", "ACCEPT"]),
    rule(pair, "LINUXNET-FWD", [...match(back, replies), ...ctstate("RELATED,ESTABLISHED"), "-j", "ACCEPT"]),
  ];
  const home = inside(args);
  if (home && pair.source !== undefined) {
    const neighbours = { family: pair.family, source: pair.source, destination: pair.source };
    rules.push(rule(pair, "LINUXNET-FWD", [...match(home, neighbours), "-j", "ACCEPT"]));
  }
  return rules;
}

/** The interfaces between which traffic stays within the source; undefined when no interface is named. */
function inside({ outInterface, notOutInterface }: NatTraffic): TrafficMatch | undefined {
  if (notOutInterface !== undefined) return { inInterface: notOutInterface, outInterface: notOutInterface };
  return outInterface === undefined ? undefined : { notInInterface: outInterface, notOutInterface: outInterface };
}

/** Drops what is neither a reply nor published, from everywhere but the source itself. */
function keepOut({ outInterface, notOutInterface }: NatTraffic, { family, source }: Pair): IptablesRule[] {
  if (source === undefined) return [];
  const drop = [...ctstate("RELATED,ESTABLISHED,DNAT", true), "-j", "DROP"];
  const into = { family, destination: source };
  const guard = (where: readonly string[]) => rule(into, "LINUXNET-FWD", [...where, ...drop], tiers.protect);
  if (notOutInterface !== undefined) return [guard(match({ notInInterface: notOutInterface }, into))];
  const elsewhere = guard(["!", "-s", source, "-d", source]);
  return outInterface === undefined ? [elsewhere] : [guard(match({ inInterface: outInterface }, into)), elsewhere];
}

function destinationNat(args: NatTraffic, pair: Pair): IptablesRule[] {
  const { toAddress, toPorts, output = true, inInterface, notInInterface: _other, ...rest } = args;
  const redirect = ["REDIRECT", ...(toPorts === undefined ? [] : ["--to-ports", dashed(toPorts)])];
  const target = toAddress === undefined ? redirect : ["DNAT", "--to-destination", endpoint(toAddress, toPorts)];
  // Without a destination only what is for this host is translated, and never what passes through it.
  const local = pair.destination === undefined ? toLocal : [];
  const rules = [rule(pair, "LINUXNET-PRE", [...match(args, pair), ...local, "-j", ...target], tiers.user)];
  if (!output || inInterface !== undefined) return rules;
  const loopback = pair.destination === undefined ? notLoopback(pair.family) : [];
  const words = [...loopback, ...match(rest, pair), ...local, "-j", ...target];
  return [...rules, rule(pair, "LINUXNET-OUT", words, tiers.user)];
}

function acceptTarget({ toAddress, forward = true }: NatTraffic): IptablesRule[] {
  return toAddress !== undefined && forward ? acceptTranslated(toAddress) : [];
}

/** Lets connections to a target through whose destination was translated, and their replies. */
export function acceptTranslated(target: string, device?: string): IptablesRule[] {
  const family = familyOf(target);
  const direction = (word: string) => [...ctstate("DNAT"), "--ctdir", word, "-j", "ACCEPT"];
  const to = { family, destination: target };
  const from = { family, source: target };
  return [
    rule(to, "LINUXNET-FWD", [...match({ outInterface: device }, to), ...direction("ORIGINAL")]),
    rule(from, "LINUXNET-FWD", [...match({ inInterface: device }, from), ...direction("REPLY")]),
  ];
}

/** Every pairing of a source with a destination of the same family. */
function pairsOf(args: TrafficMatch, toAddress?: string): Pair[] {
  const icmp = args.protocol === "icmp" ? [4 as const] : args.protocol === "icmpv6" ? [6 as const] : undefined;
  const families = icmp ?? (toAddress === undefined ? (args.families ?? named(args)) : [familyOf(toAddress)]);
  return families.flatMap((family) =>
    ofFamily(args.source, family).flatMap((source) =>
      ofFamily(args.destination, family).map((destination) => ({ family, source, destination })),
    ),
  );
}

/** The families of the addresses; without any, IPv4. */
function named({ source, destination }: TrafficMatch): Family[] {
  const found = new Set([source ?? [], destination ?? []].flat().map(familyOf));
  return found.size === 0 ? [4] : [...found].toSorted();
}

function ofFamily(addresses: Addresses | undefined, family: Family): (string | undefined)[] {
  if (addresses === undefined || addresses.length === 0) return [undefined];
  return [addresses].flat().filter((address) => familyOf(address) === family);
}

/** A rule of one family. */
export function rule(
  { family }: { family: Family },
  chain: IptablesRule["chain"],
  spec: readonly string[],
  tier: number = tiers.normal,
): IptablesRule {
  return { family, chain, spec, tier };
}

/** The words that say which traffic is meant. */
export function match(args: TrafficMatch, { family, source, destination }: Pair): string[] {
  const { protocol, sourcePorts, destinationPorts } = args;
  return [
    ...option("-s", source),
    ...option("-d", destination),
    ...option("-i", nameOf(args.inInterface, family)),
    ...(args.inInterface === undefined ? option("! -i", nameOf(args.notInInterface, family)) : []),
    ...option("-o", nameOf(args.outInterface, family)),
    ...(args.outInterface === undefined ? option("! -o", nameOf(args.notOutInterface, family)) : []),
    ...option("-p", protocol),
    ...option("--sport", sourcePorts === undefined ? undefined : colons(sourcePorts)),
    ...option("--dport", destinationPorts === undefined ? undefined : colons(destinationPorts)),
  ];
}

function nameOf(name: TrafficMatch["inInterface"], family: Family): string | undefined {
  return typeof name === "object" ? name[family] : name;
}

function option(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [...name.split(" "), value];
}

/** The words for states of connection tracking (iptables-extensions(8), conntrack). */
export function ctstate(states: string, not = false): string[] {
  return ["-m", "conntrack", ...(not ? ["!"] : []), "--ctstate", states];
}

/** The words for a destination that is an address of this host. */
export const toLocal: readonly string[] = ["-m", "addrtype", "--dst-type", "LOCAL"];

/** The words for a destination that is not the loopback's. */
export function notLoopback(family: Family): string[] {
  return ["!", "-d", family === 4 ? "127.0.0.0/8" : "::1/128"];
}

/** An address with a port or a range of ports, as the targets DNAT and SNAT take it. */
export function endpoint(address: string | undefined, ports: Ports | undefined): string {
  if (ports === undefined) return address ?? "";
  return `${address?.includes(":") ? `[${address}]` : address}:${dashed(ports)}`;
}

function dashed(ports: Ports): string {
  return `${ports}`;
}

function colons(ports: Ports): string {
  return `${ports}`.replace("-", ":");
}
