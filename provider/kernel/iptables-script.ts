import type { Family } from "./addresses.ts";
import { inNetns } from "./command.ts";
import { acceptComment, acceptRule } from "./forward-accept.ts";
import { iptablesTool, type Table } from "./iptables-save.ts";
import { quote, quoteAll } from "./quote.ts";

/** Where a chain of ours is hooked in. */
export interface Hook {
  table: Table;
  /** The kernel's chain that jumps to ours. */
  base: "PREROUTING" | "OUTPUT" | "POSTROUTING" | "FORWARD";
  /** Whether the jump has to come first there: what our rules drop, no other rule lets through before them. */
  first: boolean;
}

/** The chains in which all rules of ours are; names end at 28 bytes (iptables(8)). */
export const ownChains = {
  /** Drops what must not be translated: seen before connection tracking. */
  "LINUXNET-RAW": { table: "raw", base: "PREROUTING", first: true },
  "LINUXNET-FWD": { table: "filter", base: "FORWARD", first: true },
  "LINUXNET-PRE": { table: "nat", base: "PREROUTING", first: false },
  "LINUXNET-OUT": { table: "nat", base: "OUTPUT", first: false },
  "LINUXNET-POST": { table: "nat", base: "POSTROUTING", first: false },
} as const satisfies Record<string, Hook>;

/** A chain of ours. */
export type OwnChain = keyof typeof ownChains;

/** In which of the host's rule sets a script works. */
export interface Place {
  family: Family;
  netns?: string | undefined;
}

/**
 * The comments of the jump into a chain of ours. iptables-nft makes tables and base chains by itself when it first needs them,
 * and leaves them: the jump says what was made for us, so that it can go with our last rule, and is forgotten with the
 * kernel's tables at a reboot.
 */
export const jumpNotes = ["linuxnet", "linuxnet made this chain", "linuxnet made this table"] as const;

const noteWords = jumpNotes.map(quote).join(" ");

function iptables({ family, netns }: Place, table: Table): string {
  return `limit ${inNetns(netns)}${iptablesTool(family)} -w 5 -t ${table}`;
}

function nftTable({ family }: Place, table: Table): string {
  return `${family === 4 ? "ip" : "ip6"} ${table}`;
}

/** A fragment that takes back what it has done of its work when it fails half-way, and fails as it did. */
export function undoingItself(text: string, undo: string): string {
  const back = `code=$?\nset +e\n[ $code = 0 ] || (\n${undo}\n) >&2\nexit $code`;
  return `trap ${quote(back)} EXIT\n${text}`;
}

/** Makes a chain of ours and the jump to it, as far as they are missing; `move` puts a jump that stands late back in front. */
export function ensureChain(place: Place, chain: OwnChain, move: boolean): string {
  const { table, base, first }: Hook = ownChains[chain];
  const tool = iptables(place, table);
  const jump = `-m comment --comment "$old" -j ${chain}`;
  const look = [`for old in ${noteWords}; do`, `  while ${tool} -C ${base} ${jump} 2>/dev/null; do`, "    was=$old"];
  const put = `${tool} ${first ? `-I ${base} 1` : `-A ${base}`} -m comment --comment "$note" -j ${chain}`;
  const text = [
    ...whatIsNew(place, chain),
    `${tool} -S ${chain} >/dev/null 2>&1 || ${tool} -N ${chain}`,
    "was=",
    ...look,
    move ? `    ${tool} -D ${base} ${jump}` : "    break",
    "  done",
    "done",
    `note=\${was:-$note}`,
    move ? put : `[ -n "$was" ] || ${put}`,
  ].join("\n");
  // A jump that was taken out to be moved comes back, at least behind the others.
  const jumpBack = `[ -z "$was" ] || ${tool} -C ${base} -m comment --comment "$was" -j ${chain} 2>/dev/null || ${tool} -A ${base} -m comment --comment "$was" -j ${chain}`;
  // Without the jump nothing says any more what iptables-nft had made for it.
  const made = `case $note in\n*table)\n${dropTable(place, table)} ;;\n*chain) ${tool} -X ${base} 2>/dev/null || : ;;\nesac`;
  return undoingItself(text, `${jumpBack}\n(\n${tidyTable(place, table)}\n)\n${made}`);
}

/** Sets `note` to what iptables-nft is about to make. iptables-legacy makes nothing that anything could take away. */
function whatIsNew(place: Place, chain: OwnChain): string[] {
  const { table, base } = ownChains[chain];
  const [within, name] = [inNetns(place.netns), nftTable(place, table)];
  const [plain, madeChain, madeTable] = jumpNotes.map(quote);
  return [
    `note=${plain}`,
    `if limit ${iptablesTool(place.family)} -V | grep -q nf_tables; then`,
    "  if ! command -v nft >/dev/null; then",
    `    limit ${within}${iptablesTool(place.family)}-save | grep -qx '[*]${table}' || note=${madeTable}`,
    `  elif ! limit ${within}nft list table ${name} >/dev/null 2>&1; then note=${madeTable}`,
    `  elif ! limit ${within}nft list chain ${name} ${base} >/dev/null 2>&1; then note=${madeChain}`,
    "  else",
    `    save=$(${saveOf(place, table)})`,
    guess(chain, "note"),
    "  fi",
    "fi",
  ];
}

function saveOf(place: Place, table: Table): string {
  return `limit ${inNetns(place.netns)}${iptablesTool(place.family)}-save -t ${table}`;
}

/**
 * Where somebody has deleted the jump into a chain of ours, our note is gone with it. Then a base chain of iptables-nft in which
 * nobody has a rule, and which lets all pass, is taken for made for us, and so is a table of such chains: what `save` says of it.
 */
function guess(chain: OwnChain, variable: string): string {
  const { base } = ownChains[chain];
  const [, madeChain, madeTable] = jumpNotes.map(quote);
  const ours =
    "-e '^[#*]' -e '^COMMIT' -e '^:LINUXNET-' -e '^-A LINUXNET-' -e ' -j LINUXNET-[A-Z]*$' -e '^:[A-Z]* ACCEPT '";
  return [
    `case $save in *":${chain} "*)`,
    `  case $(printf '%s\\n' "$save" | grep -v ${ours}) in`,
    `  "") ${variable}=${madeTable} ;; *":${base} "* | *"-A ${base} "*) ;; *) ${variable}=${madeChain} ;; esac`,
    ";; esac",
  ].join("\n");
}

/** Prints the number of the first rule whose order is behind `key`: nothing when none is. */
const placeOf =
  '/^-A / { n++; if (match($0, / #[0-9a-f]+ [^" ]+"/)) { split(substr($0, RSTART, RLENGTH - 1), w, " "); ' +
  'if ((w[2] "") > (key "")) { print n; exit } } }';

/** Puts a rule where its order wants it, unless it is there: others may have come between the plan and now. */
export function addRule(place: Place, chain: OwnChain, words: readonly string[], order: string): string {
  const tool = iptables(place, ownChains[chain].table);
  const rule = quoteAll(words);
  return [
    `if ! ${tool} -C ${chain} ${rule} 2>/dev/null; then`,
    `  at=$(${tool} -S ${chain} | limit awk -v key=${quote(order)} ${quote(placeOf)})`,
    `  if [ -n "$at" ]; then ${tool} -I ${chain} "$at" ${rule}; else ${tool} -A ${chain} ${rule}; fi`,
    "fi",
  ].join("\n");
}

/** Removes a rule; that it is gone already is a success, and that iptables could not look (it exits with 4 or more) is none. */
export function removeRule(place: Place, table: Table, chain: string, words: readonly string[]): string {
  const tool = iptables(place, table);
  const rule = quoteAll([chain, ...words]);
  const blind = `code=$?; [ $code -lt 4 ] || { echo 'iptables could not look for the rule' >&2; exit $code; }`;
  return `if ${tool} -C ${rule} 2>/dev/null; then ${tool} -D ${rule}; else ${blind}; fi`;
}

/**
 * Removes our chains of a table and the jumps to them when no rule is left in them, then what iptables-nft had made for them
 * and nobody uses: a base chain, a table. Does nothing as long as any rule is left.
 */
export function tidyTable(place: Place, table: Table): string {
  const tool = iptables(place, table);
  const chains = Object.entries(ownChains).filter(([, hook]) => hook.table === table);
  return [
    `save=$(${saveOf(place, table)})`,
    'case $save in *"-A LINUXNET-"*) exit 0;; esac',
    "madeTable=",
    `nft=$(limit ${iptablesTool(place.family)} -V | grep -o nf_tables || :)`,
    ...chains.map(([chain]) => unhook(tool, chain as OwnChain)),
    `if [ -n "$madeTable" ]; then`,
    dropTable(place, table),
    "fi",
  ].join("\n");
}

function unhook(tool: string, chain: OwnChain): string {
  const { base } = ownChains[chain];
  return [
    "made=",
    `for note in ${noteWords}; do`,
    `  while ${tool} -C ${base} -m comment --comment "$note" -j ${chain} 2>/dev/null; do`,
    `    ${tool} -D ${base} -m comment --comment "$note" -j ${chain}`,
    "    made=$note",
    "  done",
    "done",
    `if [ -z "$made" ] && [ -n "$nft" ]; then`,
    guess(chain, "made"),
    "fi",
    `${tool} -X ${chain} 2>/dev/null || :`,
    // A base chain that holds a rule, or another policy than ACCEPT, does not let itself be deleted.
    `case $made in *table) madeTable=1;; esac`,
    "case $made in *chain | *table)",
    ...(base === "FORWARD" ? [dropLoneAccept(tool)] : []),
    `${tool} -X ${base} 2>/dev/null || : ;; esac`,
  ].join("\n");
}

/** In a FORWARD that lets all pass and holds nothing else, the accept of what our nftables table passed is not needed. */
function dropLoneAccept(tool: string): string {
  const lone = `printf '%s\\n' "$base" | grep -qx -e '-P FORWARD ACCEPT' && ! printf '%s\\n' "$base" | grep '^-A ' | grep -qvF ${quote(acceptComment)}`;
  return `base=$(${tool} -S FORWARD)\nif ${lone}; then ${tool} -D FORWARD ${acceptRule} 2>/dev/null || :; fi`;
}

/** What `nft list table` prints of a table in which nothing stands. */
const emptyLine =
  "^(#.*|table ip6? [a-z]+ [{]|[[:blank:]]*chain [A-Z]+ [{]|[[:blank:]]*type [a-z]+ hook [a-z]+ priority [a-z0-9 +-]+; policy accept;|[[:blank:]]*[}]|[[:blank:]]*)$";

function dropTable(place: Place, table: Table): string {
  const [within, name] = [inNetns(place.netns), nftTable(place, table)];
  const tool = `limit ${within}${iptablesTool(place.family)}`;
  return [
    "  if ! command -v nft >/dev/null; then",
    // iptables-nft-restore deletes a table that it is told to fill with nothing.
    `    ${tool}-save -t ${table} | grep -qE '^(-A |:[^ ]+ (-|DROP) )' || printf '*${table}\\nCOMMIT\\n' | ${tool}-restore`,
    `  elif text=$(limit ${within}nft list table ${name} 2>/dev/null); then`,
    `    printf '%s\\n' "$text" | grep -qvE ${quote(emptyLine)} || limit ${within}nft delete table ${name}`,
    "  fi",
  ].join("\n");
}
