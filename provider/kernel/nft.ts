import { z } from "zod";
import { answered } from "./answered.ts";
import { type Fact, inNetns, type NftCommand, nft, noNetns, type Reply, sh } from "./command.ts";
import { readJson } from "./links.ts";
import { maps, type OwnerChain, ownerChains, ruleCounts, type SetName, table } from "./ruleset.ts";

/** An element of one of our sets or maps: parts of its key and, in a map, of its value, as nft writes them. */
export interface Element {
  set: SetName;
  key: string;
  value?: string | undefined;
}

/** A rule in one of the owners' chains, without its comment. */
export interface Rule {
  chain: OwnerChain;
  text: string;
  /** Where it stands in its chain: lower first; default 0. */
  priority?: number;
}

/** An element as it stands, with whose it is. */
export interface SeenElement extends Element {
  comment: string;
}

/** A rule as it stands: its place in its chain is its place in the list. */
export interface SeenRule {
  chain: string;
  handle: number;
  comment: string;
  /** What it says, as nft's JSON has it: so it can be put back. */
  expr: readonly unknown[];
}

/** Our table as it stands. */
export interface SeenTable {
  /** Why nft cannot be asked here; undefined when it can. */
  fault: string | undefined;
  /** Whether the namespace is there to look into. */
  netns: boolean;
  exists: boolean;
  /** Whether its own chains are as they were made, as far as their rules' number tells. */
  whole: boolean;
  elements: SeenElement[];
  rules: SeenRule[];
}

const elementShape = z.looseObject({ val: z.unknown(), comment: z.string().default("") });
const setShape = z.looseObject({ name: z.string(), elem: z.array(z.unknown()).default([]) });
const ruleShape = z.looseObject({
  chain: z.string(),
  handle: z.number(),
  comment: z.string().default(""),
  expr: z.array(z.unknown()).default([]),
});
const shape = z.looseObject({
  nftables: z.array(
    z.looseObject({
      set: setShape.optional(),
      map: setShape.optional(),
      rule: ruleShape.optional(),
    }),
  ),
});

/** What nft, or who starts it, says where it cannot work at all: it is not there, too old, not allowed, or without a kernel for it. */
const unable =
  /not supported|not permitted|Permission denied|Unable to initialize|(invalid|unrecognized) option|not compiled/i;

/**
 * Asks for our table: one listing for all who ask.
 *
 * @param needed whether it matters why nft fails, since rules of ours may stand in it. A failure that says nothing about whether nft works
 * here is then no answer.
 */
export function tableFact(netns?: string, needed = false): Fact<SeenTable> {
  const parse = (reply: Reply): SeenTable => {
    const seen = readTable(reply);
    const works = seen.fault !== undefined && ![125, 126, 127].includes(reply.code) && !unable.test(seen.fault);
    if (needed && works) answered(reply);
    return seen;
  };
  return { command: sh(`limit ${inNetns(netns)}nft -j list table inet ${table}`), parse };
}

/** Reads `nft -j list table` (libnftables-json(5)). */
export function readTable(reply: Reply): SeenTable {
  const { code, stderr } = reply;
  const none = { exists: false, whole: false, netns: true, elements: [], rules: [] };
  if (code !== 0 && noNetns.test(stderr)) return { ...none, netns: false, fault: undefined };
  if (code !== 0 && /^Error: No such file or directory/m.test(stderr)) return { ...none, fault: undefined };
  if (code !== 0) return { ...none, fault: stderr.trim() || `exit code ${code}` };
  const { nftables } = readJson(reply, shape);
  const rules = nftables.flatMap(({ rule }) => rule ?? []);
  const count = (chain: string) => rules.filter((rule) => rule.chain === chain).length;
  return {
    fault: undefined,
    netns: true,
    exists: true,
    whole: [...ruleCounts].every(([chain, expected]) => count(chain) === expected),
    elements: nftables.flatMap(({ set, map }) => [
      ...(set ? readElements(set) : []),
      ...(map ? readElements(map) : []),
    ]),
    rules: rules.filter(({ chain }) => (ownerChains as readonly string[]).includes(chain)),
  };
}

function readElements({ name, elem }: z.infer<typeof setShape>): SeenElement[] {
  return elem.map((item) => {
    const [head, value] = Array.isArray(item) && name in maps ? item : [item, undefined];
    const inner = z.looseObject({ elem: elementShape }).safeParse(head).data?.elem ?? { val: head, comment: "" };
    return {
      set: name as SetName,
      key: written(inner.val),
      value: value === undefined ? undefined : written(value),
      comment: inner.comment,
    };
  });
}

/** Writes a value of nft's JSON as nft's language does. */
function written(value: unknown): string {
  const concat = z.object({ concat: z.array(z.unknown()) }).safeParse(value).data?.concat;
  if (concat) return concat.map(written).join(" . ");
  const prefix = z.object({ prefix: z.object({ addr: z.string(), len: z.number() }) }).safeParse(value).data?.prefix;
  return prefix ? `${prefix.addr}/${prefix.len}` : String(value);
}

/** Adds an element; fails when one with its key stands already, whoever owns it. */
export function createElement({ set, key, value }: Element, comment: string, netns?: string): NftCommand {
  const tail = value === undefined ? "" : ` : ${value}`;
  return nft(`create element inet ${table} ${set} { ${quoted(set, key)} comment "${comment}"${tail} }`, netns);
}

/** Takes an element away; fails when none has its key. */
export function deleteElement({ set, key }: Element, netns?: string): NftCommand {
  return nft(`delete element inet ${table} ${set} { ${quoted(set, key)} }`, netns);
}

/** Names of links stand in quotes: some are words of nft's language. */
function quoted(set: SetName, key: string): string {
  const names = ["nets", "same", "internal", "isolated"].includes(set) ? 2 : /^(dns|src)/.test(set) ? 1 : 0;
  return key
    .split(" . ")
    .map((part, index) => (index < names ? `"${part}"` : part))
    .join(" . ");
}

/** Adds a rule at the end of its chain. */
export function addRule({ chain, text }: Rule, comment: string, netns?: string): NftCommand {
  return nft(`add rule inet ${table} ${chain} ${text} comment "${comment}"`, netns);
}

/** Takes a rule away by its handle, which is never given twice. */
export function deleteRule({ chain, handle }: Pick<SeenRule, "chain" | "handle">, netns?: string): NftCommand {
  return nft(`delete rule inet ${table} ${chain} handle ${handle}`, netns);
}
