import type { Family } from "./addresses.ts";
import { type Change, type Step, sh } from "./command.ts";
import { refuse } from "./failure.ts";
import { type IptablesSeen, iptablesTool, markText, meaning, type SeenRule, type Table } from "./iptables-save.ts";
import {
  addRule,
  ensureChain,
  type Hook,
  jumpNotes,
  type OwnChain,
  ownChains,
  removeRule,
  tidyTable,
} from "./iptables-script.ts";
import { shortHash } from "./owner.ts";
import { typedChain, typedRemoval, typedRule } from "./rules-typed.ts";

export { type IptablesSeen, iptablesFact } from "./iptables-save.ts";
export type { OwnChain } from "./iptables-script.ts";

/** A rule that is wanted. It stands in a chain of ours, and carries its owner in its comment. */
export interface IptablesRule {
  family: Family;
  chain: OwnChain;
  /** The words behind `-A CHAIN`, without a comment. */
  spec: readonly string[];
  /** Which kind of rule comes first in a chain, 0 to 9; default 5. */
  tier?: number;
  /** Lower first among rules of one tier, -2147483648 to 2147483647, default 0; ties by the resource's name. */
  priority?: number;
}

/** Whose rules are meant. */
export interface RuleOwner {
  owner: string;
  /** The owner under which they were made, when the resource has been renamed since. */
  former?: string | undefined;
}

interface Wanted extends IptablesRule {
  order: string;
  comment: string;
  words: readonly string[];
}

/** Rules that let nothing through come first, translations last; taken away the other way round. */
const tableOrder: readonly Table[] = ["raw", "mangle", "filter", "nat"];

/** The families of rules: what has to be asked about. */
export function familiesOf(rules: readonly IptablesRule[]): Family[] {
  return ([4, 6] as const).filter((family) => rules.some((rule) => rule.family === family));
}

/**
 * The changes that bring an owner's rules to what is wanted, new ones before old ones go.
 *
 * @param wanted all rules of the resource; each has to be of a family that `seen` holds
 * @param seen the answers to `iptablesFact`, one per family that the resource uses or has used
 * @throws LinuxnetError when a family could not be asked
 */
export function iptablesChanges(
  who: RuleOwner,
  wanted: readonly IptablesRule[],
  seen: readonly IptablesSeen[],
): Change[] {
  const rules = unique(wanted.map((rule) => complete(rule, who.owner)));
  const adding: Change[] = [];
  const removing: Change[] = [];
  for (const table of tableOrder) {
    for (const view of seen) {
      refuseProblem(view);
      const mine = rules.filter(({ family, chain }) => family === view.family && ownChains[chain].table === table);
      const { missing, displaced, surplus } = compare(mine, ownRules(who, view, table), view);
      const chains = [...new Set(mine.map(({ chain }) => chain))];
      adding.push(...chains.flatMap((chain) => hookChange(view, chain)));
      adding.push(...missing.map((rule) => additionChange(view, rule)));
      adding.push(...displaced.map(({ rule, standing }) => moveChange(view, rule, standing)));
      removing.unshift(...removingOf(view, surplus, table));
    }
  }
  return [...adding, ...removing];
}

/** Whether any rule of an owner stands. */
export function iptablesPresent(who: RuleOwner, seen: readonly IptablesSeen[]): boolean {
  return seen.some((view) => view.rules.some((rule) => isOf(who, rule)));
}

/**
 * The steps that remove exactly an owner's rules, and our chains with the last rule in them.
 * @throws LinuxnetError when a family could not be asked: that is no evidence of absence
 */
export function iptablesTeardown(who: RuleOwner, seen: readonly IptablesSeen[]): Step[] {
  return tableOrder.toReversed().flatMap((table) =>
    seen.flatMap((view) => {
      refuseProblem(view);
      const steps = ownRules(who, view, table).map((rule) => removal(view, rule));
      return steps.length > 0 || isIdle(view, table) ? [...steps, tidying(view, table)] : [];
    }),
  );
}

function refuseProblem({ family, problem, netns }: IptablesSeen): void {
  const where = netns === undefined ? "" : ` in namespace ${netns}`;
  if (problem) refuse(`cannot ask ${iptablesTool(family)}${where}: ${problem}`);
}

function complete(rule: IptablesRule, owner: string): Wanted {
  const name = owner.replace(/^.*\//, "").replace(/@.*$/, "");
  const priority = `${(rule.priority ?? 0) + 2 ** 31}`.padStart(10, "0");
  const order = `${rule.tier ?? 5}:${priority}:${name}`;
  const fingerprint = shortHash([rule.family, rule.chain, ...rule.spec].join(" "));
  const comment = markText({ owner, fingerprint, order });
  return { ...rule, order, comment, words: [...rule.spec, "-m", "comment", "--comment", comment] };
}

function unique(rules: readonly Wanted[]): Wanted[] {
  return [...new Map(rules.map((rule) => [`${rule.family} ${rule.chain} ${rule.comment}`, rule])).values()];
}

function isOf({ owner, former }: RuleOwner, { mark }: SeenRule): boolean {
  return mark !== undefined && (mark.owner === owner || mark.owner === former);
}

function ownRules(who: RuleOwner, view: IptablesSeen, table: Table): SeenRule[] {
  return view.rules.filter((rule) => rule.table === table && isOf(who, rule));
}

interface Comparison {
  missing: Wanted[];
  /** Wanted rules that stand twice, or behind one that belongs behind them. */
  displaced: { rule: Wanted; standing: readonly SeenRule[] }[];
  surplus: SeenRule[];
}

/** A rule that stands is a wanted one when its comment and its meaning are. */
function compare(wanted: readonly Wanted[], standing: readonly SeenRule[], view: IptablesSeen): Comparison {
  const left = new Map(wanted.map((rule) => [`${rule.chain} ${rule.comment}`, rule]));
  const found: Comparison = { missing: [], displaced: [], surplus: [] };
  const groups = Map.groupBy(standing, ({ chain, words }) => [chain, ...words].join(" "));
  for (const group of groups.values()) {
    const [first] = group as [SeenRule];
    const key = `${first.chain} ${first.comment}`;
    const rule = left.get(key);
    if (!rule || meaning(rule.words) !== meaning(first.words)) {
      found.surplus.push(...group);
      continue;
    }
    if (group.length > 1 || isLate(first, view)) found.displaced.push({ rule, standing: group });
    left.delete(key);
  }
  return { ...found, missing: [...left.values()] };
}

function isLate(rule: SeenRule, { rules }: IptablesSeen): boolean {
  const chain = rules.filter(({ table, chain }) => table === rule.table && chain === rule.chain);
  const before = chain.slice(0, chain.indexOf(rule));
  return before.some(({ mark }) => mark && rule.mark && mark.order > rule.mark.order);
}

function hookChange(view: IptablesSeen, chain: OwnChain): Change[] {
  const { table, base, first }: Hook = ownChains[chain];
  const there = view.rules.filter((rule) => rule.table === table && rule.chain === base);
  const at = there.findIndex((rule) => isJump(rule, chain));
  const late = first && there.slice(0, at).some(mayLetThrough);
  const made = view.chains.get(table)?.has(chain) ?? false;
  if (made && at >= 0 && !late) return [];
  const drift = !made ? "is missing" : late ? `does not come first in ${base}` : `is not reached from ${base}`;
  const step = {
    what: `hook chain ${chain} into ${base} with ${iptablesTool(view.family)}`,
    do: sh(ensureChain(view, chain, late)),
    undo: [sh(tidyTable(view, table))],
    ...(late ? {} : typedChain(view, chain, made, jumpNotes[0])),
  };
  return [{ drift: `chain ${chain} of ${iptablesTool(view.family)} ${drift}`, steps: [step] }];
}

/**
 * Whether a rule in front of ours can spoil what ours drop. Docker puts its own jumps in front whenever it starts, and they
 * decide about its own bridges only; a drop that an admin put in front is meant to be there.
 */
function mayLetThrough({ words, comment = "" }: SeenRule): boolean {
  return !comment.startsWith("linuxnet") && !/^(DROP|REJECT|DOCKER.*)$/.test(words[words.indexOf("-j") + 1] ?? "");
}

function isJump({ words, comment = "" }: SeenRule, chain: OwnChain): boolean {
  const plain = words.filter(
    (word, index) => words[index - 1] !== "--comment" && !["-m", "comment", "--comment"].includes(word),
  );
  return jumpNotes.some((note) => note === comment) && plain.join(" ") === `-j ${chain}`;
}

function addition(view: IptablesSeen, rule: Wanted): Step {
  const { chain, words, order, spec } = rule;
  return {
    ...typedRule(view, rule),
    what: `add ${iptablesTool(view.family)} rule "${spec.join(" ")}" to ${chain}`,
    do: sh(addRule(view, chain, words, order)),
    undo: [sh(removeRule(view, ownChains[chain].table, chain, words))],
  };
}

function additionChange(view: IptablesSeen, rule: Wanted): Change {
  const drift = `${iptablesTool(view.family)} rule "${rule.spec.join(" ")}" is missing in ${rule.chain}`;
  return { drift, steps: [addition(view, rule)] };
}

function moveChange(view: IptablesSeen, rule: Wanted, standing: readonly SeenRule[]): Change {
  const drift = `${iptablesTool(view.family)} rule "${rule.spec.join(" ")}" is out of place in ${rule.chain}`;
  return { drift, steps: [...standing.map((one) => removal(view, one)), addition(view, rule)] };
}

function removingOf(view: IptablesSeen, surplus: readonly SeenRule[], table: Table): Change[] {
  const changes = surplus.map((rule) => {
    const drift = `${iptablesTool(view.family)} rule "${shown(rule)}" in ${rule.chain} is not wanted`;
    return { drift, steps: [removal(view, rule)] };
  });
  const last = changes.at(-1);
  if (last) last.steps.push(tidying(view, table));
  return changes;
}

function removal(view: IptablesSeen, { table, chain, words, mark }: SeenRule): Step {
  const own = Object.hasOwn(ownChains, chain) ? (chain as OwnChain) : undefined;
  return {
    ...typedRemoval(view, table, chain, words),
    what: `remove ${iptablesTool(view.family)} rule "${shown({ words })}" from ${chain}`,
    do: sh(removeRule(view, table, chain, words)),
    undo: own && mark ? [sh(addRule(view, own, words, mark.order))] : [],
  };
}

function shown({ words }: Pick<SeenRule, "words">): string {
  const at = words.indexOf("--comment");
  return words.filter((_, index) => at < 0 || index < at - 2 || index > at + 1).join(" ");
}

/** Whether chains of ours stand in a table, without a rule in them: what a run left that was cut off. */
function isIdle({ chains, rules }: IptablesSeen, table: Table): boolean {
  const isOurs = (chain: string) => chain.startsWith("LINUXNET-");
  const made = [...(chains.get(table)?.keys() ?? [])].some(isOurs);
  return made && !rules.some((rule) => rule.table === table && isOurs(rule.chain));
}

function tidying(view: IptablesSeen, table: Table): Step {
  const undo = [...new Set(view.rules.filter((rule) => rule.table === table && rule.mark).map(({ chain }) => chain))]
    .filter((chain) => Object.hasOwn(ownChains, chain))
    .map((chain) => sh(ensureChain(view, chain as OwnChain, false)));
  return { what: `tidy table ${table} of ${iptablesTool(view.family)}`, do: sh(tidyTable(view, table)), undo };
}
