import type { Family } from "./addresses.ts";
import { type Change, type Fact, type Step, sh } from "./command.ts";
import { lacks, refuse } from "./failure.ts";
import { forwardAcceptChanges, forwardAcceptFact, forwardAcceptOff, type SeenForwardAccept } from "./forward-accept.ts";
import {
  forwardingChanges,
  forwardingFact,
  forwardingFolder,
  forwardingTeardown,
  type SeenForwarding,
} from "./forwarding.ts";
import { type IptablesRule, iptablesPresent } from "./iptables.ts";
import {
  guardHandOver,
  guardTeardown,
  iptablesBackendChanges,
  iptablesBackendTeardown,
  iptablesFacts,
  type SeenIptables,
  viewsOf,
} from "./iptables-firewall.ts";
import { isGuarded } from "./iptables-guard.ts";
import { type SeenTable, tableFact } from "./nft.ts";
import { hasPieces, isBare, type Pieces, pieceChanges, pieceTeardown } from "./nft-changes.ts";
import type { Claimant } from "./owner.ts";
import { routesFact } from "./routes.ts";
import { refuseStopped, type Traffic } from "./stopped.ts";
import { forgetStrays } from "./strays.ts";

/** Which of the kernel's two languages for packet rules is spoken. */
export type Backend = "nftables" | "iptables";

/** What a resource wants of a namespace's packet rules. */
export interface WantedRules {
  nft: Pieces;
  /** The same in iptables; throws where it cannot be said there. Omitted: it is for our nftables table alone. */
  iptables?: () => IptablesRule[];
  /** The families that must be forwarded for it; undefined when forwarding is left as it is. */
  forwarding: readonly Family[] | undefined;
  /** What has to pass the firewalls of others; default nothing. */
  traffic?: readonly Traffic[];
}

/** What is known of a namespace's packet rules. */
export interface SeenRules extends SeenIptables {
  table: SeenTable;
  forwarding: SeenForwarding;
  accept: SeenForwardAccept;
}

type RuleFacts = { [K in keyof SeenRules]: Fact<SeenRules[K]> };

/** Which rules are meant, and by which backend they were made when last applied. */
interface Asked {
  owner: string;
  backend: "auto" | Backend;
  netns?: string | undefined;
}

/**
 * What has to be asked of a namespace's packet rules.
 * @param state the outputs that were stored last: with another backend the old rules have to be found
 */
export function firewallFacts({ owner, backend, netns }: Asked, state?: Record<string, unknown>): RuleFacts {
  const made = backend === "iptables" || state?.backend === "iptables";
  const asking = made ? "always" : backend === "auto" ? "without nft" : "never";
  return {
    table: tableFact(netns, !made),
    forwarding: forwardingFact(owner, netns),
    accept: forwardAcceptFact(netns),
    ...iptablesFacts(asking, netns),
  };
}

/** What a rule that may speak of the uplink asks: {@link firewallFacts}, and the routes that tell which link that is. */
export function routedFacts(asked: Asked, state?: Record<string, unknown>) {
  const { netns } = asked;
  return { ...firewallFacts(asked, state), routes4: routesFact(netns, 4), routes6: routesFact(netns, 6) };
}

/**
 * The backend that is used: nftables where `nft` works.
 * @throws LinuxnetError when the one that is asked for does not work here, or the namespace is not there
 */
export function backendOf(wanted: "auto" | Backend, { table }: SeenRules): Backend {
  if (!table.netns) lacks("there is no such namespace");
  if (wanted === "iptables") return "iptables";
  if (table.fault === undefined) return "nftables";
  if (wanted === "nftables")
    refuse(
      `nftables does not work here: ${table.fault.split("\n")[0]}`,
      'Install the Debian package nftables, or set backend: "iptables".',
    );
  return "iptables";
}

/** Whether neither nft nor iptables works here: nothing of ours can stand in them. */
export function isBlind({ table, rules4 }: SeenRules): boolean {
  return table.fault !== undefined && rules4.problem !== undefined;
}

/**
 * What is missing of a resource's packet rules, and what of them is wanted no more.
 * @throws LinuxnetError when a firewall of others certainly stops what they are to let through
 */
export function firewallChanges(
  backend: Backend,
  wanted: WantedRules,
  seen: SeenRules,
  who: Claimant,
  netns?: string,
): Change[] {
  const byNft = backend === "nftables";
  refuseStopped(wanted.traffic ?? [], seen.accept.passages, byNft);
  const inTable = byNft ? pieceChanges(wanted.nft, seen.table, who, netns) : [];
  const families = byNft ? [] : (wanted.forwarding ?? []);
  const inIptables = iptablesBackendChanges(byNft ? [] : (wanted.iptables?.() ?? []), families, seen, who, netns);
  return [
    ...inTable,
    ...inIptables,
    ...wayThrough(byNft, wanted, seen, who, netns),
    ...(byNft ? guardHandOver(seen, who, netns) : leavingTable(seen, who, netns)),
  ];
}

/** What must be for traffic to be forwarded: the kernel's switch, and our accept where a FORWARD chain may stop it. */
function wayThrough(
  byNft: boolean,
  { nft, forwarding }: WantedRules,
  seen: SeenRules,
  who: Claimant,
  netns?: string,
): Change[] {
  if (!forwarding) return leaving(seen, who, netns);
  const changes = forwardingChanges(forwarding, seen.forwarding, who, byNft, netns);
  if (!byNft) return changes;
  const routes = nft.rules.length > 0 || forwarding.length > 0;
  return [...changes, ...forwardAcceptChanges(seen.accept, routes, who.owner, forwardingFolder(netns), netns)];
}

function leaving(seen: SeenRules, who: Claimant, netns?: string): Change[] {
  const left = forwardingTeardown(who.owner, seen.forwarding, netns);
  const steps = [...acceptTeardown(seen, who, netns), ...left, ...(left.length > 0 ? guardTeardown(netns) : [])];
  return steps.length === 0 ? [] : [{ drift: "IP forwarding is noted as needed", steps }];
}

/** What stands of a resource in nftables, when it is wanted in iptables. */
function leavingTable({ table }: SeenRules, who: Claimant, netns?: string): Change[] {
  const steps = pieceTeardown(table, who, netns);
  return steps.length === 0 ? [] : [{ drift: "rules stand in nftables too", steps }];
}

/** Whose rules are meant, and what was stored of them: by which backend they were made. */
type Keeper = Claimant & { state?: Record<string, unknown> | undefined };

/** That the tool by which rules were made cannot be asked is no evidence that they are gone. */
function refuseBlind({ table, rules4 }: SeenRules, { state }: Keeper): void {
  const fault = { nftables: table.fault, iptables: rules4.problem }[`${state?.backend}`];
  if (fault !== undefined) refuse(`cannot ask ${state?.backend}: ${fault.split("\n")[0]}`);
}

/**
 * Whether anything of a resource stands in a namespace's packet rules.
 * @throws LinuxnetError when that cannot be known
 */
export function firewallPresent(seen: SeenRules, who: Keeper): boolean {
  refuseBlind(seen, who);
  return hasPieces(seen.table, who) || isBare(seen.table) || iptablesPresent(who, viewsOf(seen));
}

/**
 * The steps that take a resource's packet rules away, and what was caused by them. The rules go last: while they stand, the resource is
 * there, and what was cut off before is known to be taken up.
 * @throws LinuxnetError when it cannot be known what stands
 */
export function firewallTeardown(seen: SeenRules, who: Keeper, netns?: string): Step[] {
  refuseBlind(seen, who);
  const strays = forgetStrays(who.owner, netns);
  const leaving = [...acceptTeardown(seen, who, netns), ...forwardingTeardown(who.owner, seen.forwarding, netns)];
  const pieces = pieceTeardown(seen.table, who, netns);
  return [
    ...behind(strays, leaving),
    // What was cut off may have taken the note and left the guard.
    ...(seen.forwarding.noted || viewsOf(seen).some(isGuarded) ? guardTeardown(netns) : []),
    ...iptablesBackendTeardown(seen, who),
    ...(leaving.length > 0 ? pieces : [...pieces.slice(0, -1), ...behind(strays, pieces.slice(-1))]),
  ];
}

/** Steps of which the first does something else before. */
function behind(text: string, [first, ...more]: readonly Step[]): Step[] {
  if (first === undefined) return [];
  return first.do.kind === "sh" ? [{ ...first, do: sh(`${text}\n${first.do.text}`) }, ...more] : [first, ...more];
}

function acceptTeardown({ accept, forwarding }: SeenRules, { owner }: Claimant, netns?: string): Step[] {
  if (!forwarding.noted || accept.present.length === 0) return [];
  const text = forwardAcceptOff(owner, forwardingFolder(netns), netns);
  return [{ what: "take our accept out of FORWARD", do: sh(text) }];
}
