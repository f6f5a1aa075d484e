import { z } from "zod";
import { anyOf, linkIs, portIs, within } from "./filter-iptables.ts";
import { type BaseChain, every, type FilterRule, not, type Packet, type Verdict } from "./filters.ts";

type Bag = Record<string, unknown>;

const bag = z.record(z.string(), z.unknown());
const chainShape = z.looseObject({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.string().optional(),
  policy: z.string().optional(),
});
const ruleShape = z.looseObject({
  family: z.string(),
  table: z.string(),
  chain: z.string(),
  handle: z.number(),
  expr: z.array(bag).default([]),
});
const shape = z.looseObject({
  nftables: z.array(z.looseObject({ chain: chainShape.optional(), rule: ruleShape.optional() })),
});

/** The chains that filter, out of one answer of `nft -j list table` (libnftables-json(5)); none when it cannot be read. */
export function nftChains(line: string): BaseChain[] {
  const { data } = shape.safeParse(parsed(line));
  if (!data) return [];
  const rules = data.nftables.flatMap(({ rule }) => rule ?? []);
  const all = new Map(
    [...Map.groupBy(rules, ({ chain }) => chain)].map(([name, list]) => [
      name,
      list.map((one) => ruleOf(one.expr, one)),
    ]),
  );
  return data.nftables
    .flatMap(({ chain }) => chain ?? [])
    .flatMap(({ family, table, name, hook, policy }): BaseChain[] => {
      if ((hook !== "forward" && hook !== "input") || !["ip", "ip6", "inet"].includes(family)) return [];
      const only = family === "ip" ? 4 : family === "ip6" ? 6 : undefined;
      const where = `nft table ${family} ${table}`;
      return [{ hook, where, family: only, drops: policy === "drop", name, chains: all }];
    });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function ruleOf(expr: readonly Bag[], { chain, handle }: { chain: string; handle: number }): FilterRule {
  const matches = expr.flatMap(({ match }) => (match === undefined ? [] : [match as Bag]));
  const others = expr.filter((one) => !("match" in one) && !quiet.some((word) => word in one));
  const verdict = others.find((one) => verdicts.some((word) => word in one));
  const sure = others.length === (verdict ? 1 : 0);
  return {
    text: `chain ${chain}, handle ${handle}: ${expr.map(written).filter(Boolean).join(" ")}`,
    matches: (packet) => every([...matches.map((one) => matching(one, packet)), sure ? true : undefined]),
    does: verdict ? doing(verdict) : sure ? "nothing" : "unknown",
  };
}

/** Statements that let a packet go on. */
const quiet = ["counter", "log", "mangle", "ct helper", "meter", "xt_comment"];
const verdicts = ["accept", "drop", "reject", "return", "jump", "goto"];

function doing(verdict: Bag): FilterRule["does"] {
  const target = z.looseObject({ target: z.string() });
  for (const word of ["jump", "goto"] as const) {
    const found = target.safeParse(verdict[word]).data;
    if (found) return { jump: found.target, goto: word === "goto" };
  }
  if ("accept" in verdict) return "accept";
  return "return" in verdict ? "return" : "drop";
}

function matching({ op, left, right }: Bag, packet: Packet): Verdict {
  const found = compared(left, right, packet);
  if (op === "!=") return not(found);
  return op === "==" || op === "in" ? found : undefined;
}

const asText = (value: unknown) => (typeof value === "string" || typeof value === "number" ? `${value}` : undefined);

/** The values of the right side: one, a list, a range or a prefix; undefined for what is not written out (a named set). */
function valuesOf(right: unknown): string[] | undefined {
  const text = asText(right);
  if (text !== undefined) return text.startsWith("@") ? undefined : [text];
  if (Array.isArray(right)) return all(right.map(valuesOf));
  const { data } = bag.safeParse(right);
  if (data?.set) return Array.isArray(data.set) ? all(data.set.map(valuesOf)) : undefined;
  const prefix = z.object({ addr: z.string(), len: z.number() }).safeParse(data?.prefix).data;
  if (prefix) return [`${prefix.addr}/${prefix.len}`];
  return Array.isArray(data?.range) ? [data.range.join("-")] : undefined;
}

function all(lists: readonly (string[] | undefined)[]): string[] | undefined {
  return lists.includes(undefined) ? undefined : lists.flatMap((list) => list ?? []);
}

function compared(left: unknown, right: unknown, packet: Packet): Verdict {
  const { data } = bag.safeParse(left);
  const key = (data?.meta as Bag | undefined)?.key ?? (data?.ct as Bag | undefined)?.key;
  const payload = data?.payload as Bag | undefined;
  const test = payload ? ofPayload(payload, packet) : ofMeta(`${key}`, packet, data?.ct !== undefined);
  const values = valuesOf(right);
  return test && values ? anyOf(values.map(test)) : undefined;
}

type Test = (value: string) => Verdict;

function ofMeta(key: string, { iif, oif, state, translated, mark, protocol }: Packet, ct: boolean): Test | undefined {
  const link = (name: string) => (value: string) => linkIs(name, value.replace(/\*$/, "+"));
  if (key === "iifname" || key === "iif") return link(iif);
  if (key === "oifname" || key === "oif") return link(oif ?? "");
  if (ct && key === "state") return (value) => value === state;
  if (ct && key === "status") return (value) => (value === "dnat" ? translated : undefined);
  if (key === "mark" && !ct) return (value) => (/^\d+$/.test(value) ? Number(value) === mark : undefined);
  return key === "l4proto" && protocol !== undefined ? (value) => value === protocol : undefined;
}

function ofPayload({ protocol, field }: Bag, packet: Packet): Test | undefined {
  const family = protocol === "ip" || protocol === "ip6";
  if (family && field === "saddr") return (value) => within(packet.source, value);
  if (family && field === "daddr") return (value) => within(packet.destination, value);
  const ported = protocol === "th" || (packet.protocol !== undefined && protocol === packet.protocol);
  if (field === "dport" && ported) return (value) => portIs(packet.port, value);
  if (field === "dport" && packet.protocol !== undefined && protocol !== "th") return () => false;
  return undefined;
}

/** A statement in words that are close to nft's own. */
function written(statement: Bag): string {
  const match = statement.match as Bag | undefined;
  if (!match)
    return (
      Object.keys(statement)
        .filter((word) => word !== "counter")
        .join(" ") + targetOf(statement)
    );
  const { data } = bag.safeParse(match.left);
  const inner = (data?.payload ?? data?.meta ?? data?.ct ?? {}) as Bag;
  const left = [inner.protocol ?? (data?.ct ? "ct" : ""), inner.field ?? inner.key].filter(Boolean).join(" ");
  const values = valuesOf(match.right) ?? [JSON.stringify(match.right)];
  const right = values.length === 1 ? `${values[0]}` : `{ ${values.join(", ")} }`;
  return `${left || JSON.stringify(match.left)} ${match.op === "==" || match.op === "in" ? "" : `${match.op} `}${right}`;
}

function targetOf({ jump, goto }: Bag): string {
  const target = (jump ?? goto) as { target?: string } | undefined;
  return target?.target ? ` ${target.target}` : "";
}
