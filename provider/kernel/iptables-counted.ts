import { type Fact, sh } from "./command.ts";

/** What iptables-legacy holds, with how often each policy and rule was met; undefined where it holds nothing. */
export type Counted = ReadonlyMap<string, number> | undefined;

/**
 * Asks for the counters of iptables-legacy, which nft's trace does not see. Tables that nobody has made are not made by asking.
 * @param enter the words that enter a namespace; ends with a blank, or is empty
 */
export function legacyCounters(family: 4 | 6, enter: string): Fact<Counted> {
  const [names, tool] = family === 4 ? ["ip_tables_names", "iptables"] : ["ip6_tables_names", "ip6tables"];
  const there = `[ -n "$(${enter}cat /proc/net/${names} 2>/dev/null)" ] || exit 0`;
  const save = `command -v ${tool}-legacy-save || echo ${tool}-save`;
  return {
    command: sh(`${there}; limit ${enter}$(${save}) -c 2>/dev/null`),
    parse: ({ stdout }) => readCounters(stdout),
  };
}

/** Reads `iptables-save -c`: each line that can end a packet, by its table. */
export function readCounters(text: string): Counted {
  const found = new Map<string, number>();
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1);
    const [, chain, policy, packets] = /^:(\S+) (DROP) \[(\d+):/.exec(line) ?? [];
    if (chain) found.set(`${table}: the policy ${policy} of ${chain}`, Number(packets));
    const [, count, rule = ""] = /^\[(\d+):\d+\] (-A .*)$/.exec(line) ?? [];
    if (/ -j (DROP|REJECT)\b/.test(rule)) found.set(`${table}: ${rule}`, Number(count));
  }
  return text.trim() === "" ? undefined : found;
}

/** Which lines have been met since. */
export function metSince(before: Counted, after: Counted): string[] {
  return [...(after ?? [])].flatMap(([line, count]) => (count > (before?.get(line) ?? 0) ? [line] : []));
}
