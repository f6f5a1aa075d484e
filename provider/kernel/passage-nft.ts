import { z } from "zod";
import type { Family } from "./addresses.ts";
import { both, either, not, type Packet, type Passage, type PassageRule, type Truth, type Verdict } from "./passage.ts";
import { hasState, is, isMarked, isNamed, isPort, liesIn } from "./passage-match.ts";
import { ruleWords } from "./passage-words.ts";

/** A base chain in a table of nftables that is not ours. */
export interface NftPassage extends Passage {
  /** `inet filter`, as nft's commands name the table. */
  table: string;
  /** The families whose packets it sees. */
  families: readonly Family[];
  /** When it is asked: lower first. */
  priority: number;
}

const chainShape = z.looseObject({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  type: z.string().optional(),
  hook: z.string().optional(),
  prio: z.number().default(0),
  policy: z.string().default("accept"),
});
const ruleShape = z.looseObject({
  chain: z.string(),
  handle: z.number().optional(),
  expr: z.array(z.record(z.string(), z.unknown())).default([]),
});
const shape = z.looseObject({
  nftables: z.array(z.looseObject({ chain: chainShape.optional(), rule: ruleShape.optional() })),
});

/** A table of the family `bridge` or `netdev` does not see what is routed. */
const families: Readonly<Record<string, readonly Family[]>> = { inet: [4, 6], ip: [4], ip6: [6] };

/** Reads the base chains of a hook from what `nft -j list table` prints (libnftables-json(5)); none where it is not read. */
export function nftPassages(text: string, hook: "forward" | "input"): NftPassage[] {
  const { nftables = [] } = shape.safeParse(json(text)).data ?? {};
  const heads = nftables.flatMap(({ chain }) => chain ?? []);
  const chains = new Map<string, PassageRule[]>(heads.map(({ name }) => [name, []]));
  for (const { rule } of nftables) if (rule) chains.get(rule.chain)?.push(...rulesOf(rule));
  return heads
    .filter(({ family, ...chain }) => chain.hook === hook && chain.type === "filter" && family in families)
    .map(({ family, table, name, prio, policy }) => ({
      base: name,
      table: `${family} ${table}`,
      families: families[family] ?? [],
      priority: prio,
      policy: policy === "drop" ? "drop" : "accept",
      chains,
    }));
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Expression = Record<string, unknown>;

/** One rule; a verdict map is one for each of its elements. */
function rulesOf({ expr, ...place }: z.infer<typeof ruleShape>): PassageRule[] {
  const text = ruleWords(expr, place);
  const map = expr.find((one) => "vmap" in one)?.vmap as { key?: unknown; data?: { set?: unknown } } | undefined;
  const conditions = expr.filter((one) => !("vmap" in one));
  const matches = (packet: Packet) =>
    conditions.reduce<Truth>((truth, one) => both(truth, expressionHolds(one, packet)), true);
  if (!map) return [{ text, matches, verdict: verdictOf(expr) }];
  const elements = map.data?.set;
  if (!Array.isArray(elements)) return [{ text, matches: () => undefined, verdict: { do: "unknown" } }];
  return elements.map(([value, verdict]) => ({
    text,
    matches: (packet) => both(matches(packet), compare(map.key, value, packet)),
    verdict: verdictOf([verdict as Expression]),
  }));
}

/** What decides nothing and matches all. */
const plain = ["counter", "log", "mangle", "notrack", "set", "continue", "comment", "ct helper"];
const plainVerdicts = { accept: "accept", drop: "drop", reject: "drop", return: "return", queue: "unknown" } as const;

function verdictOf(expr: readonly Expression[]): Verdict {
  for (const one of expr) {
    for (const [word, what] of Object.entries(plainVerdicts)) if (word in one) return { do: what };
    for (const word of ["jump", "goto"] as const)
      if (word in one) return { do: word, chain: (one[word] as { target: string }).target };
    if ("xt" in one) return { do: "unknown" };
  }
  return { do: "continue" };
}

function expressionHolds(expression: Expression, packet: Packet): Truth {
  const [name = ""] = Object.keys(expression);
  if (name in plainVerdicts || name === "jump" || name === "goto" || plain.includes(name)) return true;
  const match = expression.match as { op: string; left: unknown; right: unknown } | undefined;
  if (!match) return undefined;
  const { op, left, right } = match;
  // What does not carry the field does not differ by it: nft asks for the protocol first, and does not print that.
  if (op === "!=") return both(carries(left, packet), not(compare(left, right, packet)));
  return op === "==" || op === "in" ? compare(left, right, packet) : undefined;
}

/** Whether a packet has the header whose field is looked at. */
function carries(left: unknown, { family, protocol }: Packet): Truth {
  const { payload } = left as { payload?: { protocol?: string } };
  const header = payload?.protocol;
  if (header === undefined || header === "th") return true;
  return header === "ip" || header === "ip6" ? (header === "ip") === (family === 4) : is(protocol, header);
}

/** Whether what is looked at has a value, or one of a list. */
function compare(left: unknown, right: unknown, packet: Packet): Truth {
  const several = Array.isArray(right) ? right : (right as { set?: unknown[] } | null)?.set;
  if (several) return either(several.map((one) => compare(left, one, packet)));
  const element = (right as { elem?: { val: unknown } } | null)?.elem;
  if (element) return compare(left, element.val, packet);
  // A named set, or whatever no other element is about.
  if (typeof right === "string" && (right.startsWith("@") || right === "*")) return undefined;
  const { meta, payload, ct, "&": masked } = left as Record<string, unknown>;
  if (masked) return compareMasked(masked as [unknown, unknown], right, packet);
  if (meta) return ofMeta((meta as { key: string }).key, right, packet);
  if (payload) return ofPayload(payload as { protocol?: string; field?: string }, right, packet);
  return ct ? ofConnection((ct as { key: string }).key, right, packet) : undefined;
}

function compareMasked([field, mask]: [unknown, unknown], right: unknown, packet: Packet): Truth {
  const { meta, ct } = field as { meta?: { key: string }; ct?: { key: string } };
  if (meta?.key === "mark" && typeof mask === "number" && typeof right === "number")
    return isMarked(packet.passed, right, mask);
  if (ct?.key === "status" && mask === "dnat") return right === 0 ? not(packet.dnat) : packet.dnat;
  return undefined;
}

function ofMeta(key: string, right: unknown, { family, ...packet }: Packet): Truth {
  if (typeof right !== "string" && typeof right !== "number") return undefined;
  if (key === "iifname" || key === "iif") return isNamed(packet.inDevice, `${right}`, "*");
  if (key === "oifname" || key === "oif") return isNamed(packet.outDevice, `${right}`, "*");
  if (key === "l4proto") return is(packet.protocol, `${right}`);
  if (key === "nfproto") return `${right}` === `ipv${family}`;
  return key === "mark" && typeof right === "number" ? isMarked(packet.passed, right, 0xffffffff) : undefined;
}

function ofPayload(
  { protocol = "", field = "" }: { protocol?: string; field?: string },
  right: unknown,
  packet: Packet,
) {
  const carried = carries({ payload: { protocol } }, packet);
  if (protocol === "ip" || protocol === "ip6") {
    if (!carried) return false;
    if (field === "protocol" || field === "nexthdr") return is(packet.protocol, `${right}`);
    return field === "saddr" || field === "daddr" ? ofAddress(packet, field, right) : undefined;
  }
  return both(carried, field === "dport" ? ofPort(packet.destinationPort, right) : undefined);
}

function ofAddress({ source, destination }: Packet, field: "saddr" | "daddr", right: unknown): Truth {
  const prefix = (right as { prefix?: { addr: string; len: number } }).prefix;
  if (!prefix && typeof right !== "string") return undefined;
  return liesIn(field === "saddr" ? source : destination, prefix ? `${prefix.addr}/${prefix.len}` : `${right}`);
}

function ofPort(actual: number | undefined, right: unknown): Truth {
  const [first, last] = (right as { range?: [number, number] }).range ?? [right, right];
  return typeof first === "number" && typeof last === "number" ? isPort(actual, first, last) : undefined;
}

function ofConnection(key: string, right: unknown, { dnat, state = "new" }: Packet): Truth {
  if (key === "state") return typeof right === "string" ? hasState([right], { state, dnat: false }) : undefined;
  return key === "status" && right === "dnat" ? dnat : undefined;
}
