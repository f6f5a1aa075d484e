// Rules of nftables and iptables whose place among others matters, as a person types them.
import { inNetns, placeWord, type Typed } from "./command.ts";
import { iptablesTool, type SeenRule, type Table } from "./iptables-save.ts";
import { type Hook, type OwnChain, ownChains, type Place } from "./iptables-script.ts";
import type { Rule, SeenRule as SeenNftRule } from "./nft.ts";
import { quote } from "./quote.ts";
import { table } from "./ruleset.ts";
import { asking, typed, typedIn, typedWord } from "./typed.ts";

/** A rule of our nftables table in its place: by priority, then by owner. */
export function typedInOrder(
  { chain, text }: Rule,
  comment: string,
  rank: (comment: string) => readonly [number, string],
  rules: readonly SeenNftRule[],
  netns?: string,
): { typed: Typed } {
  const order = (of: string) => {
    const [priority, owner] = rank(of);
    return `${`${priority + 2 ** 31}`.padStart(10, "0")} ${owner}`;
  };
  const among = rules.filter((one) => one.chain === chain).map((one) => order(one.comment));
  const words = `inet ${table} ${chain}`;
  const place = {
    list: `nft ${netns ?? ""} ${chain}`,
    append: `add rule ${words}`,
    insert: `insert rule ${words} index #`,
  };
  const line = `${typedIn(netns)}nft -f - <<'EOF'\n${placeWord} ${text} comment "${comment}"\nEOF`;
  return typed([line], { place: { order: order(comment), among, ...place, first: 0 } });
}

/** A rule of our nftables table that goes: its handle is another one on each host, so it is looked for by its comment. */
export function typedDeletion({ chain, comment }: SeenNftRule, netns?: string): { typed: Typed } {
  const nft = `${typedIn(netns)}nft`;
  const handles = `${nft} -a list chain inet ${table} ${chain} | grep -F ${quote(`comment "${comment}"`)} | sed 's/.*# handle //'`;
  return typed([`for handle in $(${handles}); do ${nft} delete rule inet ${table} ${chain} handle "$handle"; done`]);
}

function tool({ family, netns }: Place, table: Table): string {
  return `${typedIn(netns)}${iptablesTool(family)} -t ${table}`;
}

/** A chain of ours, and the jump to it. */
export function typedChain(place: Place, chain: OwnChain, made: boolean, comment: string): { typed: Typed } {
  const { table, base, first }: Hook = ownChains[chain];
  const iptables = tool(place, table);
  const jump = `-m comment --comment ${typedWord(comment)} -j ${chain}`;
  const lines = [
    ...(made ? [] : [`${iptables} -N ${chain}`]),
    `${iptables} ${first ? `-I ${base} 1` : `-A ${base}`} ${jump}`,
  ];
  return typed(lines, { once: true });
}

/** A rule in a chain of ours, in its place. */
export function typedRule(
  place: Place & { rules: readonly SeenRule[] },
  { chain, words, order }: { chain: OwnChain; words: readonly string[]; order: string },
): { typed: Typed } {
  const { table } = ownChains[chain];
  const among = place.rules.flatMap((one) => (one.chain === chain && one.mark ? [one.mark.order] : []));
  const list = `${iptablesTool(place.family)} ${place.netns ?? ""} ${chain}`;
  const line = `${tool(place, table)} ${placeWord} ${words.map(typedWord).join(" ")}`;
  return typed([line], { place: { list, order, among, append: `-A ${chain}`, insert: `-I ${chain} #`, first: 1 } });
}

/** A rule that goes. */
export function typedRemoval(place: Place, table: Table, chain: string, words: readonly string[]): { typed: Typed } {
  return typed([`${tool(place, table)} -D ${chain} ${words.map(typedWord).join(" ")}`]);
}

/** The guard of the iptables backend, as it stands: its chains with their rules, and where FORWARD jumps to it. */
export function typedGuard(place: Place, chains: readonly string[]): { typed: Typed } {
  const name = iptablesTool(place.family);
  const run = `limit ${inNetns(place.netns)}${name} -w 5 -t filter`;
  const said = (chain: string) =>
    `${run} -S ${chain} | sed ${quotedPrefix(`${typedIn(place.netns)}${name} -t filter `)}`;
  const jump = `${run} -S FORWARD | awk -v at=0 '/^-A / { at++; if ($NF == "${chains.at(-1)}") { sub(/^-A FORWARD/, "-I FORWARD " at); print "${typedIn(place.netns)}${name} -t filter " $0 } }'`;
  return typed([], { ...asking([...chains.map(said), jump].join("\n")), once: true });
}

function quotedPrefix(prefix: string): string {
  return `'s|^|${prefix}|'`;
}
