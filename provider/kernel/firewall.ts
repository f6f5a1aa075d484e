import type { Family } from "./addresses.ts";
import type { Change, Fact, Step } from "./command.ts";
import { refuse } from "./failure.ts";
import { forwardingChanges, forwardingFact, forwardingTeardown, type SeenForwarding } from "./forwarding.ts";
import { type SeenTable, tableFact } from "./nft.ts";
import { hasPieces, type Pieces, pieceChanges, pieceTeardown } from "./nft-changes.ts";
import type { Claimant } from "./owner.ts";

/** Which of the kernel's two languages for packet rules is spoken. */
export type Backend = "nftables" | "iptables";

/** What a resource wants of a namespace's packet rules. */
export interface WantedRules {
  nft: Pieces;
  /** The families that must be forwarded for it; undefined when forwarding is left as it is. */
  forwarding: readonly Family[] | undefined;
}

/** What is known of a namespace's packet rules. */
export interface SeenRules {
  table: SeenTable;
  forwarding: SeenForwarding;
}

/** What has to be asked of a namespace's packet rules. */
export function firewallFacts(
  owner: string,
  netns?: string,
): { table: Fact<SeenTable>; forwarding: Fact<SeenForwarding> } {
  return { table: tableFact(netns), forwarding: forwardingFact(owner, netns) };
}

/**
 * The backend that is used: nftables where `nft` works.
 * @throws LinuxnetError when the one that is asked for does not work here
 */
export function backendOf(wanted: "auto" | Backend, { table }: SeenRules): Backend {
  if (wanted === "iptables") return "iptables";
  if (table.fault === undefined) return "nftables";
  if (wanted === "nftables")
    refuse(
      `nftables does not work here: ${table.fault.split("\n")[0]}`,
      'Install the Debian package nftables, or set backend: "iptables".',
    );
  return "iptables";
}

/** What is missing of a resource's packet rules, and what of them is wanted no more. */
export function firewallChanges(
  backend: Backend,
  wanted: WantedRules,
  seen: SeenRules,
  who: Claimant,
  netns?: string,
): Change[] {
  const pieces = backend === "nftables" ? wanted.nft : { elements: [], rules: [] };
  const inTable =
    backend === "nftables" || hasPieces(seen.table, who) ? pieceChanges(pieces, seen.table, who, netns) : [];
  const forwarding = wanted.forwarding
    ? forwardingChanges(wanted.forwarding, seen.forwarding, who.owner, backend === "nftables", netns)
    : leaving(seen, who, netns);
  return [...inTable, ...forwarding];
}

function leaving({ forwarding }: SeenRules, who: Claimant, netns?: string): Change[] {
  const steps = forwardingTeardown(who.owner, forwarding, netns);
  return steps.length === 0 ? [] : [{ drift: "IP forwarding is noted as needed", steps }];
}

/** Whether anything of a resource stands in a namespace's packet rules. */
export function firewallPresent(seen: SeenRules, who: Claimant): boolean {
  return hasPieces(seen.table, who);
}

/** The steps that take a resource's packet rules away, and what was caused by them. */
export function firewallTeardown(seen: SeenRules, who: Claimant, netns?: string): Step[] {
  return [...pieceTeardown(seen.table, who, netns), ...forwardingTeardown(who.owner, seen.forwarding, netns)];
}
