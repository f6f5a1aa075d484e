import type { Family } from "./addresses.ts";

/** A packet, as far as it is known: what is undefined may be anything. */
export interface Packet {
  family: Family;
  inDevice?: string | undefined;
  /** Empty: it is for the host itself. */
  outDevice?: string | undefined;
  /** An address, or a subnet in which it lies. */
  source?: string | undefined;
  destination?: string | undefined;
  protocol?: string | undefined;
  destinationPort?: number | undefined;
  /** Whether its destination was translated. */
  dnat?: boolean | undefined;
  /** Whether it carries the mark of what our nftables table has passed. */
  passed?: boolean | undefined;
  /** `new`, the default: the first packet of a connection; `established`: an answer, or a later one. */
  state?: "new" | "established";
}

/** Whether something holds; undefined where it cannot be told. */
export type Truth = boolean | undefined;

/** What a rule does with a packet that it matches; `unknown` may be anything. */
export type Verdict =
  | { do: "accept" | "drop" | "return" | "continue" | "unknown" }
  | { do: "jump" | "goto"; chain: string };

/** A rule of a firewall that is not ours. */
export interface PassageRule {
  /** As its own tool writes it. */
  text: string;
  matches(packet: Packet): Truth;
  verdict: Verdict;
}

/** A base chain of the kernel's, and the chains that lead on from it. */
export interface Passage {
  base: string;
  /** What happens to what comes to the end of the base chain. */
  policy: "accept" | "drop";
  chains: ReadonlyMap<string, readonly PassageRule[]>;
}

/** Where a rule stands: its place in its chain, from 0. */
export interface RulePlace {
  chain: string;
  index: number;
}

/** What certainly stops a packet. */
export interface Stop {
  /** The rule, and the jumps that led to it: the innermost chain first, the base chain last. */
  places: readonly RulePlace[];
  /** The rule, in words of its tool. */
  text: string;
  /** Undefined: the policy. */
  rule: PassageRule | undefined;
}

/** Both of these hold. */
export function both(one: Truth, other: Truth): Truth {
  if (one === false || other === false) return false;
  return one === undefined || other === undefined ? undefined : true;
}

/** Any of these holds. */
export function either(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.includes(undefined) ? undefined : false;
}

/** It does not hold. */
export function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

/** How a chain ends: the packet goes on behind it, may be accepted, or certainly does not pass. */
type Outcome = "on" | "open" | Stop;

/** What certainly stops a packet; undefined when it passes, or may pass. */
export function stopOf(passage: Passage, packet: Packet): Stop | undefined {
  return endOf(passage, packet, () => true);
}

/**
 * What stops those packets for which a firewall has no rule of their own: what matches some of them alone is not asked.
 * @param packet what all of them have in common
 */
export function restStopOf(passage: Passage, packet: Packet): Stop | undefined {
  return endOf(passage, packet, (rule) => rule.matches(packet) === true);
}

type Asked = (rule: PassageRule) => boolean;

function endOf(passage: Passage, packet: Packet, asked: Asked): Stop | undefined {
  const { base, policy, chains } = passage;
  const end = walk({ chains, packet, asked }, [base]);
  if (end === "open") return undefined;
  if (end !== "on") return end;
  const index = chains.get(base)?.length ?? 0;
  if (policy !== "drop") return undefined;
  return { places: [{ chain: base, index }], text: `the policy drop of ${base}`, rule: undefined };
}

interface Way {
  chains: Passage["chains"];
  packet: Packet;
  asked: Asked;
}

/** Follows a packet through the last of these chains, which the others led to. */
function walk(way: Way, path: readonly string[]): Outcome {
  const { chains, packet, asked } = way;
  const chain = path.at(-1) ?? "";
  // The kernel takes no loop (nf_tables_check_loops): a text that has one tells nothing.
  if (path.indexOf(chain) < path.length - 1) return "open";
  let mayReturn = false;
  for (const [index, rule] of (chains.get(chain) ?? []).entries()) {
    const truth = asked(rule) && rule.matches(packet);
    if (truth === false) continue;
    const next = after({ chain, index }, rule, (inner) => walk(way, [...path, inner]));
    if (next === "open") return "open";
    if (next === "return" && truth) return "on";
    if (next === "return") mayReturn = true;
    // What may have left this chain before is decided behind it.
    else if (next !== "on" && truth) return mayReturn ? "on" : next;
  }
  return "on";
}

/** What comes of a packet that matches a rule. */
function after(place: RulePlace, rule: PassageRule, into: (chain: string) => Outcome): Outcome | "return" {
  const { verdict, text } = rule;
  if (verdict.do === "continue") return "on";
  if (verdict.do === "return") return "return";
  if (verdict.do === "drop") return { places: [place], text, rule };
  if (verdict.do !== "jump" && verdict.do !== "goto") return "open";
  const end = into(verdict.chain);
  if (end === "on") return verdict.do === "goto" ? "return" : "on";
  return end === "open" ? "open" : { ...end, places: [...end.places, place] };
}

/** Whether any of these rules may stop a packet. */
export function mayDeny({ chains }: Pick<Passage, "chains">, rules: readonly PassageRule[]): boolean {
  return rules.some(({ verdict }) => {
    if (verdict.do === "drop") return true;
    return "chain" in verdict && mayDeny({ chains }, chains.get(verdict.chain) ?? []);
  });
}
