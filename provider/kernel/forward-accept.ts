import { type Change, type Fact, inNetns, sh } from "./command.ts";
import { ownerKey } from "./owner.ts";
import { quote } from "./quote.ts";
import { passMark } from "./ruleset.ts";

/** The comment of the one rule of ours that lets through what our nftables table has passed. */
export const acceptComment = "linuxnet: what its table passed";

/** The words of that rule, quoted for a shell. */
export const acceptRule = `-m comment --comment '${acceptComment}' -m mark --mark ${passMark}/${passMark} -j ACCEPT`;

/** How the FORWARD chains of iptables stand to what our nftables table passes. */
export interface SeenForwardAccept {
  /** The tools whose FORWARD has rules or drops, and does not let our mark through: `iptables-nft`. */
  missing: string[];
  /** The tools in whose FORWARD only the guard of our own iptables backend stands: it lets bridges be. */
  guarded: string[];
  /** The tools in whose rules ours stands. */
  present: string[];
}

/**
 * The tools there are, one for each of the kernel's two rule sets and each family. Both rule sets count at once, whichever
 * `iptables` is a name for.
 */
const tools = [
  "tools=",
  "for t in iptables ip6tables; do",
  '  some=; for v in -nft -legacy; do if command -v "$t$v-save" >/dev/null; then some="$some $t$v"; fi; done',
  '  if [ -z "$some" ] && command -v "$t-save" >/dev/null; then some=$t; fi',
  '  tools="$tools $some"',
  "done",
].join("\n");

/**
 * Sets `rules` to a tool's table filter. Without `-t` no table comes to be by looking at it; a rule set that cannot be asked
 * (no such module, no privileges) does not drop anything either.
 */
function readRules(within: string): string {
  return `rules=$(limit ${within}"$t-save" 2>/dev/null | sed -n '/^[*]filter/,/^COMMIT/p')`;
}

/** Whether a chain FORWARD in `rules` has a policy or a rule, besides jumps to chains of ours, that may keep our traffic from passing. */
const stops = (...ours: string[]) =>
  [
    `{ printf '%s\\n' "$rules" | grep -q '^:FORWARD DROP' ||`,
    `printf '%s\\n' "$rules" | grep '^-A FORWARD ' | grep -qv ${ours.map((chain) => `-e ' -j ${chain}$'`).join(" ")}; }`,
  ].join(" ");
const mayStop = stops("LINUXNET-FWD");
const othersMayStop = stops("LINUXNET-FWD", "LINUXNET-GUARD");

const stands = `printf '%s\\n' "$rules" | grep -qF ${quote(`"${acceptComment}"`)}`;

/**
 * Leaves out the tools whose rule set has no table: of the legacy ones the kernel says which there are (/proc/net/ip_tables_names,
 * net/ipv4/netfilter/ip_tables.c), of the others nft does. Asking costs less than starting the tools, which is most of this look.
 */
const withRules = [
  "nft=$(limit nft list tables 2>/dev/null) || nft='table ip filter",
  "table ip6 filter'",
  "all=$tools; tools=",
  "for t in $all; do",
  "  case $t in",
  "    iptables-legacy) read -r some </proc/net/ip_tables_names 2>/dev/null || continue ;;",
  "    ip6tables-legacy) read -r some </proc/net/ip6_tables_names 2>/dev/null || continue ;;",
  `    iptables-nft) case "$nft" in *"table ip filter"*) ;; *) continue ;; esac ;;`,
  `    ip6tables-nft) case "$nft" in *"table ip6 filter"*) ;; *) continue ;; esac ;;`,
  "  esac",
  '  tools="$tools $t"',
  "done",
].join("\n");

/** Asks which FORWARD chains stop what our table has passed, and where our rule stands. Changes nothing. */
export function forwardAcceptFact(netns?: string): Fact<SeenForwardAccept> {
  const text = [
    tools,
    ...(netns === undefined ? [withRules] : []),
    "for t in $tools; do",
    `  ${readRules(inNetns(netns))}`,
    `  if ${stands}; then echo "present $t"; elif ${othersMayStop}; then echo "missing $t"`,
    `  elif ${mayStop}; then echo "guarded $t"; fi`,
    "done",
  ].join("\n");
  return {
    command: sh(text),
    parse: ({ stdout }) => {
      const lines = stdout.split("\n").map((line) => line.split(" "));
      const of = (word: string) => lines.flatMap(([first, tool]) => (first === word && tool ? [tool] : []));
      return { missing: of("missing"), guarded: of("guarded"), present: of("present") };
    },
  };
}

/**
 * Puts our rule first into each FORWARD chain that may stop our traffic: into DOCKER-USER where Docker looks there first. All
 * or nothing: when one cannot take it, those that did are taken back. To be run under the host's lock.
 */
export function forwardAcceptOn(netns?: string): string {
  const within = inNetns(netns);
  return [
    tools,
    "put=",
    "for t in $tools; do",
    `  ${readRules(within)}`,
    `  if ${stands} || ! ${mayStop}; then continue; fi`,
    "  chain=FORWARD",
    `  if printf '%s\\n' "$rules" | grep -qx -e '-A FORWARD -j DOCKER-USER'; then chain=DOCKER-USER; fi`,
    `  if limit ${within}"$t" -w 5 -t filter -I $chain 1 ${acceptRule}; then put="$put $t:$chain"`,
    "  else",
    `    for p in $put; do limit ${within}"\${p%:*}" -w 5 -t filter -D "\${p#*:}" ${acceptRule}; done`,
    "    exit 1",
    "  fi",
    "done",
  ].join("\n");
}

/**
 * Takes our rule away when no other owner needs it: `folder` holds a file for each owner who needs forwarding, by the name
 * `ownerKey` gives (`former` is not an owner's). To be run under the host's lock, before or after this owner's file goes.
 */
export function forwardAcceptOff(owner: string, folder: string, netns?: string): string {
  const within = inNetns(netns);
  return [
    `if [ -z "$(ls ${quote(folder)} 2>/dev/null | grep -vx -e former -e ${ownerKey(owner)})" ]; then`,
    tools,
    "for t in $tools; do",
    `  ${readRules(within)}`,
    "  for chain in FORWARD DOCKER-USER; do",
    // Only where it was seen: iptables-nft would make the table to look for it.
    `    printf '%s\\n' "$rules" | grep -F ${quote(`"${acceptComment}"`)} | grep -q "^-A $chain " || continue`,
    `    while limit ${within}"$t" -w 5 -t filter -C $chain ${acceptRule} 2>/dev/null; do`,
    `      limit ${within}"$t" -w 5 -t filter -D $chain ${acceptRule}`,
    "    done",
    "  done",
    "done",
    "fi",
  ].join("\n");
}

/**
 * The change that lets what our table has passed through every FORWARD chain that may stop it.
 *
 * @param routes whether it passes more than what the ports of a bridge say to each other
 */
export function forwardAcceptChanges(
  seen: SeenForwardAccept,
  routes: boolean,
  owner: string,
  folder: string,
  netns?: string,
): Change[] {
  const missing = routes ? [...seen.missing, ...seen.guarded] : seen.missing;
  if (missing.length === 0) return [];
  const step = {
    what: `let what our nftables table passed through FORWARD of ${missing.join(", ")}`,
    do: sh(forwardAcceptOn(netns)),
    undo: [sh(forwardAcceptOff(owner, folder, netns))],
  };
  return [{ drift: `FORWARD of ${missing.join(", ")} may stop what our nftables table passed`, steps: [step] }];
}
