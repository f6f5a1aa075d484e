type Bag = Readonly<Record<string, unknown>>;

const bagOf = (value: unknown): Bag => (typeof value === "object" && value !== null ? (value as Bag) : {});

/**
 * A rule of nftables in words that are close to nft's own: `chain forward, handle 7: iifname { br0, br1 } drop`.
 *
 * @param expr its statements, as libnftables-json(5) writes them
 */
export function ruleWords(
  expr: readonly Bag[],
  { chain, handle }: { chain: string; handle?: number | undefined },
): string {
  const place = handle === undefined ? `chain ${chain}` : `chain ${chain}, handle ${handle}`;
  return `${place}: ${expr.map(statementWords).filter(Boolean).join(" ")}`;
}

function statementWords(statement: Bag): string {
  const { match, vmap, jump, goto } = statement;
  if (vmap) return `${leftWords(bagOf(vmap).key)} vmap ${rightWords(bagOf(vmap).data)}`;
  if (match) return matchWords(bagOf(match));
  const target = bagOf(jump ?? goto).target;
  const words = Object.keys(statement).filter((word) => word !== "counter");
  return [...words, ...(typeof target === "string" ? [target] : [])].join(" ");
}

function matchWords({ op, left, right }: Bag): string {
  const sign = op === "==" || op === "in" ? [] : [`${op}`];
  return [leftWords(left), ...sign, rightWords(right)].join(" ");
}

function leftWords(left: unknown): string {
  const { payload, meta, ct, "&": masked } = bagOf(left);
  if (Array.isArray(masked)) return `${leftWords(masked[0])} and ${rightWords(masked[1])}`;
  const { protocol, field, key } = bagOf(payload ?? meta ?? ct);
  const words = [ct ? "ct" : protocol, field ?? key].filter((word) => typeof word === "string");
  return words.length > 0 ? words.join(" ") : JSON.stringify(left);
}

function rightWords(right: unknown): string {
  if (typeof right === "string" || typeof right === "number") return `${right}`;
  const { set, range, prefix, elem } = bagOf(right);
  const several = Array.isArray(right) ? right : set;
  if (Array.isArray(several) && several.length === 1 && !Array.isArray(several[0])) return rightWords(several[0]);
  if (Array.isArray(several)) return `{ ${listWords(several)} }`;
  if (Array.isArray(range)) return range.join("-");
  if (elem) return rightWords(bagOf(elem).val);
  return prefix ? `${bagOf(prefix).addr}/${bagOf(prefix).len}` : JSON.stringify(right);
}

/** An element of a map is a pair of a value and what is done. */
function listWords(list: readonly unknown[]): string {
  return list
    .map((one) => (Array.isArray(one) ? `${rightWords(one[0])} : ${statementWords(bagOf(one[1]))}` : rightWords(one)))
    .join(", ");
}
