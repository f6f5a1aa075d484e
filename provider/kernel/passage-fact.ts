import type { Family } from "./addresses.ts";
import { answered } from "./answered.ts";
import { type Fact, inNetns, sh } from "./command.ts";
import type { Passage } from "./passage.ts";
import { iptablesPassage } from "./passage-iptables.ts";
import { type NftPassage, nftPassages } from "./passage-nft.ts";
import { quote } from "./quote.ts";
import { table } from "./ruleset.ts";

/** A base chain of one of iptables' rule sets. */
export interface ToolPassage extends Passage {
  /** `iptables-nft`, `ip6tables-legacy`. */
  tool: string;
  family: Family;
}

/** The firewalls of others through which a packet has to pass. */
export interface Passages {
  tools: readonly ToolPassage[];
  tables: readonly NftPassage[];
  /** The families whose packets come by FORWARD also when they stay on one bridge (br_netfilter, ip-sysctl). */
  bridged: readonly Family[];
}

/**
 * The tools there are, one for each of the kernel's two rule sets and each family. Both rule sets count at once, whichever
 * `iptables` is a name for.
 */
export const tools = [
  "tools=",
  "for t in iptables ip6tables; do",
  '  some=; for v in -nft -legacy; do if command -v "$t$v-save" >/dev/null; then some="$some $t$v"; fi; done',
  '  if [ -z "$some" ] && command -v "$t-save" >/dev/null; then some=$t; fi',
  '  tools="$tools $some"',
  "done",
].join("\n");

/**
 * Leaves out the tools whose rule set has no table: of the legacy ones the kernel says which there are (/proc/net/ip_tables_names,
 * net/ipv4/netfilter/ip_tables.c), of the others nft does. Asking costs less than starting the tools, which is most of this look.
 */
const withRules = [
  "all=$tools; tools=",
  "for t in $all; do",
  "  case $t in",
  "    iptables-legacy) read -r some </proc/net/ip_tables_names 2>/dev/null || continue ;;",
  "    ip6tables-legacy) read -r some </proc/net/ip6_tables_names 2>/dev/null || continue ;;",
  `    iptables-nft) case "$nft" in *"table ip filter "*) ;; *) continue ;; esac ;;`,
  `    ip6tables-nft) case "$nft" in *"table ip6 filter "*) ;; *) continue ;; esac ;;`,
  "  esac",
  '  tools="$tools $t"',
  "done",
].join("\n");

/** Prints a base chain of the table filter, and the chains that lead on from it, but for those of ours. */
const reachable = [
  '/^[*]/ { on = $1 == "*filter" }',
  "!on { next }",
  "/^:/ { policy[substr($1, 2)] = $2 }",
  "/^-A / && $2 !~ /^LINUXNET-/ {",
  '  rules[$2] = rules[$2] $0 "\\n"',
  '  for (i = 3; i < NF; i++) if ($i == "-j" || $i == "-g") to[$2] = to[$2] " " $(i + 1)',
  "}",
  "END {",
  "  if (!(base in policy)) exit",
  '  print "tool " tool; n = 1; queue[1] = base; known[base] = 1',
  "  for (i = 1; i <= n; i++) {",
  '    c = queue[i]; print ":" c " " policy[c]; printf "%s", rules[c]; m = split(to[c], names, " ")',
  "    for (k = 1; k <= m; k++) if ((names[k] in policy) && !(names[k] in known) && names[k] !~ /^LINUXNET-/) {",
  "      known[names[k]] = 1; queue[++n] = names[k]",
  "    }",
  "  }",
  "}",
].join("\n");

/** Prints the tables of others that have a base chain of this hook; iptables' own are asked by its tools. */
const others = [
  '/^table/ { name = $2 " " $3 }',
  "/^\\tchain/ { chain = $2 }",
  "index($0, hook) {",
  `  if (name == "inet ${table}" || ((name == "ip filter" || name == "ip6 filter") && chain == base)) next`,
  "  if (!(name in known)) print name; known[name] = 1",
  "}",
].join("\n");

/** A shell that reads byte by byte finds no end of line in such a file: the kernel answers the first read alone (proc_sysctl.c). */
const bridgedText = [
  "for f in iptables ip6tables; do",
  '  v=; read -r v </proc/sys/net/bridge/bridge-nf-call-$f || [ -n "$v" ] && echo "bridged $f:$v"',
  "done 2>/dev/null",
].join("\n");

/**
 * Asks for the firewalls of others that see what is forwarded, or what comes in for this host itself. Changes nothing: without
 * `-t` no table of iptables comes to be by looking at it; a rule set that cannot be asked (no such module, no privileges)
 * does not drop anything either.
 */
export function passagesFact(base: "FORWARD" | "INPUT", netns?: string): Fact<Passages> {
  const within = inNetns(netns);
  const hook = base === "FORWARD" ? "forward" : "input";
  const text = [
    tools,
    // Where nft cannot be asked, what it would say is not known.
    `nft=$(limit ${within}nft list chains 2>/dev/null) || nft='table ip filter {\ntable ip6 filter {'`,
    ...(netns === undefined ? [withRules] : []),
    "for t in $tools; do",
    `  limit ${within}"$t-save" 2>/dev/null | awk -v base=${base} -v tool="$t" ${quote(reachable)}`,
    "done",
    `printf '%s\\n' "$nft" | awk -v base=${base} -v hook='type filter hook ${hook} ' ${quote(others)} | while read -r family name; do`,
    `  printf 'table '; limit ${within}nft -j -t list table "$family" "$name" </dev/null | tr -d '\\n'; echo`,
    "done",
    ...(netns === undefined ? [bridgedText] : []),
    ":",
  ].join("\n");
  return { command: sh(text), parse: (reply) => readPassages(answered(reply).stdout, hook) };
}

function readPassages(stdout: string, hook: "forward" | "input"): Passages {
  const found: { tool: string; lines: string[] }[] = [];
  const tables: NftPassage[] = [];
  for (const line of stdout.split("\n")) {
    if (line.startsWith("tool ")) found.push({ tool: line.slice(5), lines: [] });
    else if (line.startsWith("table ")) tables.push(...nftPassages(line.slice(6), hook));
    else if (/^(:|-A )/.test(line)) found.at(-1)?.lines.push(line);
  }
  const bridged = ([4, 6] as const).filter((family) =>
    stdout.includes(`bridged ${family === 6 ? "ip6" : "ip"}tables:1`),
  );
  const toolOf = ({ tool, lines }: (typeof found)[number]): ToolPassage => ({
    ...iptablesPassage(lines),
    tool,
    family: tool.startsWith("ip6") ? 6 : 4,
  });
  return { tools: found.map(toolOf), tables, bridged };
}
