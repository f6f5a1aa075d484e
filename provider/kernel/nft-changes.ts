import { type Change, type Command, inNetns, nft, type Step, sh } from "./command.ts";
import { refuse } from "./failure.ts";
import {
  addRule,
  createElement,
  deleteElement,
  deleteRule,
  type Element,
  type Rule,
  type SeenElement,
  type SeenRule,
  type SeenTable,
} from "./nft.ts";
import { type Claimant, isOwner, shortHash } from "./owner.ts";
import { quote } from "./quote.ts";
import { typedDeletion, typedInOrder } from "./rules-typed.ts";
import { createTable, mendTable, table } from "./ruleset.ts";

/** What a resource wants to stand in our table. */
export interface Pieces {
  elements: readonly Element[];
  rules: readonly Rule[];
}

/** The comment of a rule: its owner, its priority where it has one, and a fingerprint of what it says. */
export function ruleComment(owner: string, { chain, text, priority = 0 }: Rule): string {
  const place = priority === 0 ? "" : ` p${priority}`;
  return `${owner}${place} #${shortHash(`${chain} ${text}`)}`;
}

/** Whose a comment is. */
function ownerOfComment(comment: string): string {
  return comment.split(" ")[0] ?? "";
}

function isMine(comment: string, { owner, former }: Claimant): boolean {
  const whose = ownerOfComment(comment);
  return whose === owner || whose === former;
}

/**
 * What is missing of a resource's pieces in our table, and what of it is wanted no more.
 *
 * @throws LinuxnetError when another owner holds a key that is wanted
 */
export function pieceChanges(wanted: Pieces, seen: SeenTable, who: Claimant, netns?: string): Change[] {
  const changes: Change[] = [];
  if (!seen.exists) changes.push({ drift: "our nftables table is missing", steps: [makingTable(netns)] });
  else if (!seen.whole)
    changes.push({
      drift: "the chains of our nftables table were changed",
      steps: [{ what: "mend our nftables table", do: nft(mendTable(), netns) }],
    });
  // The new rule stands before the old one goes: a drop has no gap.
  const steps = [
    ...surplusElements(wanted, seen, who, netns),
    ...elementSteps(wanted.elements, seen, who, netns),
    ...ruleSteps(wanted.rules, seen, who, netns),
    ...surplusRules(wanted, seen, who, netns),
  ];
  if (steps.length > 0) changes.push({ drift: "nftables rules are missing or changed", steps });
  return changes;
}

/** For the first rules the kernel loads a dozen modules: a slow host takes its time for that. */
function makingTable(netns?: string): Step {
  return { what: "make our nftables table", do: nft(createTable(), netns), undo: [tidyTable(netns)], within: 50 };
}

function elementSteps(wanted: readonly Element[], seen: SeenTable, who: Claimant, netns?: string): Step[] {
  return wanted.flatMap((element) => {
    const stands = seen.elements.find((other) => other.set === element.set && other.key === element.key);
    if (stands && ownerOfComment(stands.comment) === who.owner && stands.value === element.value) return [];
    if (stands && !isMine(stands.comment, who)) refuseTaken(element, stands);
    return [
      {
        what: `add ${element.key} to the nftables set ${element.set}`,
        do: createElement(element, who.owner, netns),
        undo: [deleteElement(element, netns)],
      },
    ];
  });
}

function refuseTaken({ set, key }: Element, { comment }: SeenElement): never {
  const what = /^(all|one|lo)/.test(set) ? `port ${key.replaceAll(" . ", " ")}` : `${key} (${set})`;
  refuse(
    `${what} is held by ${isOwner(comment) ? comment : "something else in our nftables table"}`,
    "Choose another one, or remove the other resource first.",
  );
}

function ruleSteps(wanted: readonly Rule[], seen: SeenTable, who: Claimant, netns?: string): Step[] {
  return wanted.flatMap((rule) => {
    const comment = ruleComment(who.owner, rule);
    const standing = seen.rules.filter((other) => other.chain === rule.chain && other.comment === comment);
    if (standing.length > 0 && inOrder(standing[0] as SeenRule, rule, seen, who)) return [];
    const isOrdered = rule.chain === ordered;
    const step = isOrdered ? addInOrder(rule, comment, netns) : addRule(rule, comment, netns);
    // All of this comment goes, also those that it takes the place of: they are put back where they were.
    const undo = [
      deleteByComment(rule.chain, comment, netns),
      ...standing.map((former) => sh(puttingBack(former, netns))),
    ];
    const lines = isOrdered ? typedInOrder(rule, comment, rank, seen.rules, netns) : {};
    return [{ what: `add an nftables rule to ${rule.chain}`, do: step, undo, ...lines }];
  });
}

/** The chain whose rules contradict one another, so that their order matters: by priority, then by owner. */
const ordered = "user_forward";

/** The order of a chain: by priority, then by owner. */
function rank(comment: string): [number, string] {
  return [Number(/ p(-?\d+) /.exec(comment)?.[1] ?? 0), ownerOfComment(comment)];
}

function before([p1, o1]: [number, string], [p2, o2]: [number, string]): boolean {
  return p1 !== p2 ? p1 < p2 : o1 < o2;
}

/**
 * Adds a rule before the first one that must come after it. Where that is, is found on the host under its lock: many rules
 * may be added at the same moment.
 */
function addInOrder(rule: Rule, comment: string, netns?: string): Command {
  const tail = quote(`${rule.text} comment "${comment}"`);
  return sh(
    `place=$(${placeOf(rule.chain, comment, netns)})\nif [ -n "$place" ]; then place="insert rule inet ${table} ${rule.chain} handle $place"; else place="add rule inet ${table} ${rule.chain}"; fi\n` +
      `printf '%s %s\\n' "$place" ${tail} | limit ${inNetns(netns)}nft -f -`,
  );
}

/** Prints the handle of the first rule that must come after one of this comment; nothing when none must. */
function placeOf(chain: string, comment: string, netns?: string): string {
  const [priority, owner] = rank(comment);
  const program = [
    'match($0, /comment "[^"]*"/) {',
    '  split(substr($0, RSTART + 9, RLENGTH - 10), word, " "); p = word[2] ~ /^p-?[0-9]+$/ ? substr(word[2], 2) + 0 : 0',
    "  if (word[1] ~ /^linuxnet:/ && (p > priority || (p == priority && word[1] > owner))) { print $NF; exit }",
    "}",
  ].join("\n");
  return `limit ${inNetns(netns)}nft -a list chain inet ${table} ${chain} | awk -v priority=${priority} -v owner=${quote(owner)} ${quote(program)}`;
}

/** Puts a rule that stood back, as nft itself has told it (libnftables-json(5)). */
function puttingBack({ chain, comment, expr }: SeenRule, netns?: string): string {
  const rule = JSON.stringify({ family: "inet", table, chain, comment, expr });
  const add = `printf '{"nftables":[{"%s":{"rule":{%s%s}}]}\\n' "$verb" "$at" ${quote(rule.slice(1))}`;
  return [
    "verb=add at=",
    ...(chain === ordered
      ? [
          `place=$(${placeOf(chain, comment, netns)})`,
          `[ -z "$place" ] || { verb=insert; at=$(printf '"handle":%s,' "$place"); }`,
        ]
      : []),
    `${add} | limit ${inNetns(netns)}nft -j -f -`,
    // nft 1.0.6 passes over JSON that it cannot read, and says nothing.
    `limit ${inNetns(netns)}nft list chain inet ${table} ${chain} | grep -qF ${quote(`comment "${comment}"`)} || { echo 'nft did not take it' >&2; exit 1; }`,
  ].join("\n");
}

function inOrder(standing: SeenRule, { chain }: Rule, { rules }: SeenTable, who: Claimant): boolean {
  if (chain !== ordered) return true;
  const here = rules.filter((rule) => rule.chain === chain && isOwner(ownerOfComment(rule.comment)));
  const at = here.indexOf(standing);
  const own = rank(standing.comment);
  return here.every(({ comment }, index) => {
    const [first, second] = index < at ? [rank(comment), own] : [own, rank(comment)];
    return isMine(comment, who) || !before(second, first);
  });
}

/** The elements that are the resource's own, and not wanted or wrong. */
function surplusElements({ elements }: Pieces, seen: SeenTable, who: Claimant, netns?: string): Step[] {
  const wrong = seen.elements.filter(({ set, key, value, comment }) => {
    if (!isMine(comment, who)) return false;
    const same = elements.some((other) => other.set === set && other.key === key && other.value === value);
    return !same || ownerOfComment(comment) !== who.owner;
  });
  return wrong.map((element) => removeElement(element, netns));
}

/** The rules that are the resource's own, and not wanted, doubled or out of order. */
function surplusRules({ rules }: Pieces, seen: SeenTable, who: Claimant, netns?: string): Step[] {
  const kept = new Set<string>();
  const wrong = seen.rules.filter((standing) => {
    if (!isMine(standing.comment, who)) return false;
    const rule = rules.find(
      (other) => other.chain === standing.chain && ruleComment(who.owner, other) === standing.comment,
    );
    const right = rule !== undefined && !kept.has(standing.comment) && inOrder(standing, rule, seen, who);
    if (right) kept.add(standing.comment);
    return !right;
  });
  const replaced = (comment: string) =>
    rules.some((rule) => ruleComment(who.owner, rule) === comment && !kept.has(comment));
  return wrong.map((rule) => removeRule(rule, !replaced(rule.comment), netns));
}

function removeElement(element: SeenElement, netns?: string): Step {
  return {
    what: `remove ${element.key} from the nftables set ${element.set}`,
    do: deleteElement(element, netns),
    undo: [createElement(element, element.comment, netns)],
  };
}

/** @param back whether its undo puts it back; else that of the rule in its place does */
function removeRule(rule: SeenRule, back: boolean, netns?: string): Step {
  const undo = back ? [sh(puttingBack(rule, netns))] : [];
  const lines = typedDeletion(rule, netns);
  return { what: `remove an nftables rule from ${rule.chain}`, do: deleteRule(rule, netns), undo, ...lines };
}

/** Finds a rule by its comment when its handle is not known, and deletes it. */
function deleteByComment(chain: string, comment: string, netns?: string) {
  const nftIn = `limit ${inNetns(netns)}nft`;
  const text = quote(` comment "${comment}" # handle `);
  const handles = `${nftIn} -a list chain inet ${table} ${chain} | awk -v text=${text} 'index($0, text) { print $NF }'`;
  return sh(`for handle in $(${handles}); do ${nftIn} delete rule inet ${table} ${chain} handle "$handle"; done`);
}

/** Whether anything in our table belongs to a resource. */
export function hasPieces(seen: SeenTable, who: Claimant): boolean {
  return [...seen.elements, ...seen.rules].some(({ comment }) => isMine(comment, who));
}

/** Whether our table stands for nobody: who was its last owner was cut off before it could take it away. */
export function isBare({ exists, elements, rules }: SeenTable): boolean {
  return exists && ![...elements, ...rules].some(({ comment }) => isOwner(comment));
}

/** Takes away what of our table belongs to a resource, and the table with its last owner. */
export function pieceTeardown(seen: SeenTable, who: Claimant, netns?: string): Step[] {
  const none = { elements: [], rules: [] };
  const mine = [...surplusElements(none, seen, who, netns), ...surplusRules(none, seen, who, netns)];
  const tidy = { what: "tidy our nftables table", do: tidyTable(netns) };
  return mine.length === 0 && !isBare(seen) ? [] : [...mine, tidy];
}

/** Deletes our table when no owner has anything left in it. */
export function tidyTable(netns?: string) {
  const nftIn = `limit ${inNetns(netns)}nft`;
  return sh(
    `if text=$(${nftIn} list table inet ${table} 2>/dev/null); then\n` +
      `  case $text in *'comment "linuxnet:'*) ;; *) ${nftIn} delete table inet ${table} ;; esac\nfi`,
  );
}
