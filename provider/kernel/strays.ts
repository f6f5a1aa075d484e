import { inNetns } from "./command.ts";
import { forwardingFolder } from "./forwarding.ts";
import { quote } from "./quote.ts";
import { table } from "./ruleset.ts";

/** How many notes are looked through with each resource that leaves; a bridge, of which there are few, looks through all. */
const noteLimit = 16;

/** The kinds whose notes are looked through: each stands in rules or as a link under the very owner that its note names. */
const notedKinds = ["Bridge", "NatRule", "ForwardRule", "PortPublish"];

/** Prints the words that take elements of a program's bridges, cables and tunnels out of our table whose links are not there. */
const strayElements = [
  "!listed && /^$/ { listed = 1; next }",
  "!listed { split($2, word, /[@:]/); there[word[1]] = 1; next }",
  "/^\\tset / { set = $2 }",
  "{ n = split($0, part, /,/)",
  "  for (i = 1; i <= n; i++) {",
  '    text = substr(part[i], index(part[i], "\\"")); at = index(text, " comment \\"")',
  "    if (at == 0) continue",
  '    key = substr(text, 1, at - 1); who = substr(text, at + 10); sub(/".*/, "", who)',
  '    link = substr(key, 2); sub(/".*/, "", link)',
  "    own = index(who, program) == 1 && substr(who, length(who) - length(seal) + 1) == seal",
  "    if (own && substr(who, length(program) + 1) ~ /^(Bridge|VethPair|Vxlan)\\// && !(link in there))",
  `      print "delete element inet ${table} " set " { " key " }"`,
  "  } }",
].join("\n");

/**
 * Forgets what objects of the same program have left that somebody has deleted by hand: elements of our table that name a link which is
 * not there, and notes of forwarding of whom nothing else stands. A refresh has told the engine that such an object is gone, so no
 * `destroy` comes to it; who leaves takes what is left of it along. Does nothing where nft does not work, or a look fails. To be
 * run under the host's lock.
 *
 * @param owner who leaves
 */
export function forgetStrays(owner: string, netns?: string): string {
  const [, program = "", seal = ""] = /^(linuxnet:[^/]+\/[^/]+\/).*(@[0-9a-f]{8})$/.exec(owner) ?? [];
  if (program === "") return ":";
  const dir = forwardingFolder(netns);
  const awk = `awk -v program=${quote(program)} -v seal=${quote(seal)} ${quote(strayElements)}`;
  const text = [
    `set -- ${quote(dir)}/*`,
    ...(owner.startsWith(`${program}Bridge/`) ? [] : [`[ $# -le ${noteLimit} ] || exit 0`]),
    `look() { list=$(nft list table inet ${table} 2>&1) || case $list in *"No such file or directory"*) list= ;; *) exit 0 ;; esac; }`,
    "look; links=$(ip -o link show) || exit 0",
    `lost=$({ printf '%s\\n\\n' "$links"; printf '%s\\n' "$list"; } | ${awk})`,
    `[ -z "$lost" ] || { printf '%s\\n' "$lost" | nft -f - || exit 0; look; }`,
    "unset rules",
    `for note in "$@"; do`,
    `  [ -e "$note" ] && [ "$note" != ${quote(`${dir}/former`)} ] && read -r who _ <"$note" || continue`,
    `  case $who in ${notedKinds.map((kind) => `${quote(`${program}${kind}/`)}*${quote(seal)}`).join(" | ")}) ;; *) continue ;; esac`,
    `  case "$list$links" in *"$who"*) continue ;; esac`,
    `  [ -n "\${rules+asked}" ] || { rules=; for t in iptables ip6tables; do ! command -v $t-save >/dev/null || rules="$rules$($t-save 2>/dev/null)" || exit 0; done; }`,
    `  case $rules in *"$who"*) ;; *) rm -f "$note" ;; esac`,
    "done",
  ].join("\n");
  return `limit ${inNetns(netns)}sh -c ${quote(text)} || :`;
}
