import type { End } from "./cable-schema.ts";
import type { Change, Fact, Step } from "./command.ts";
import { firewallChanges, firewallFacts, firewallTeardown, type SeenRules } from "./firewall.ts";
import { setLink } from "./link-changes.ts";
import type { Claimant } from "./owner.ts";
import { quietChanges, quietNames } from "./quiet.ts";
import { type Sysctls, sysctlFact } from "./sysctl.ts";

type Pair = Partial<End> & { peer?: Partial<End> };

/** What is known of the ends of a pair that are bare, and of our table; nothing where none is or was. */
export type SeenBare = Partial<SeenRules> & { quiet?: Sysctls | undefined };

type BareFacts = { [K in keyof SeenRules]?: Fact<SeenRules[K]> } & { quiet?: Fact<Sysctls> };

/** The bare ends: links of the host's own that are no port of a bridge. What comes in by them, the host itself takes. */
export function bareEnds({ peer = {}, ...one }: Pair): string[] {
  return [one, peer].flatMap(({ name, netns, bridge }) => (name && !netns && !bridge ? [name] : []));
}

/** What has to be asked for bare ends that a pair has, or had. */
export function bareFacts(pair: Pair & { owner: string }, previous: Pair): BareFacts {
  const names = bareEnds(pair);
  return {
    ...(names.length + bareEnds(previous).length > 0 ? firewallFacts({ owner: pair.owner, backend: "nftables" }) : {}),
    ...(names.length > 0 ? { quiet: sysctlFact(names.flatMap(quietNames)) } : {}),
  };
}

/**
 * That what comes in by a bare end steers no route of the host's, to be done before the end goes up.
 * @param seen how these settings stand; undefined for ends that are yet to be made
 */
export function bareQuieting(pair: Pair, seen: Sysctls | undefined): Change[] {
  return bareEnds(pair).flatMap((name) => {
    const own = seen && quietNames(name).flatMap((key) => (key in seen ? [[key, seen[key] ?? ""]] : []));
    return quietChanges(name, own && Object.fromEntries(own));
  });
}

/** That what comes in by a bare end carries a source that is reached by it, where nft works. */
export function bareJoining(pair: Pair, seen: SeenBare, who: Claimant): Change[] {
  if (!isAsked(seen) || seen.table.fault !== undefined) return [];
  if (bareEnds(pair).length === 0) {
    const steps = firewallTeardown(seen, who);
    return steps.length === 0 ? [] : [{ drift: "our nftables table names an end that is a port of a bridge", steps }];
  }
  const elements = bareEnds(pair).map((key) => ({ set: "nets", key }) as const);
  return firewallChanges("nftables", { nft: { elements, rules: [] }, forwarding: undefined }, seen, who);
}

/**
 * The steps that take bare ends out of our table.
 * @param going the steps by which the pair goes: its ends are down before, and it goes last, so that what was cut off is taken up
 */
export function bareTeardown(pair: Pair, going: readonly Step[], seen: SeenBare, who: Claimant): Step[] {
  const rules = isAsked(seen) ? firewallTeardown(seen, who) : [];
  if (going.length === 0 || rules.length === 0) return [...rules, ...going];
  return [...bareEnds(pair).map((name) => setLink({ name, netns: undefined }, ["down"], [])), ...rules, ...going];
}

function isAsked(seen: SeenBare): seen is SeenRules {
  return seen.table !== undefined;
}
