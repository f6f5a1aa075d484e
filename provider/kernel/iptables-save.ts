import type { Family } from "./addresses.ts";
import { type Fact, inNetns, noNetns, type Reply, sh } from "./command.ts";
import { isOwner } from "./owner.ts";

/** The tables of iptables(8) that are used here. */
export type Table = "raw" | "mangle" | "filter" | "nat";

/** What the comment of a rule of ours says. */
export interface RuleMark {
  owner: string;
  /** A hash of where the rule is and what it says. */
  fingerprint: string;
  /** Where it belongs among the rules of its chain: compared as text. */
  order: string;
}

/** A rule as `iptables-save` prints it. */
export interface SeenRule {
  table: Table;
  chain: string;
  /** The words behind `-A CHAIN`, the comment included. */
  words: readonly string[];
  comment: string | undefined;
  /** Whose it is; undefined for a rule that is not ours. */
  mark: RuleMark | undefined;
}

/** What `iptables-save` said of one family. */
export interface IptablesSeen {
  family: Family;
  netns: string | undefined;
  /** Why it could not be asked: no such tool, no privileges. */
  problem: string | undefined;
  /** By table, then by chain: the policy, `-` for a chain that is not the kernel's own. */
  chains: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** All rules, in the order in which the kernel looks at them. */
  rules: readonly SeenRule[];
}

/** The name of the program for a family. */
export function iptablesTool(family: Family): "iptables" | "ip6tables" {
  return family === 4 ? "iptables" : "ip6tables";
}

/** When iptables is asked: `always`, or only where nft does not work, or `never` (then there are no rules to be seen). */
export type Asking = "always" | "without nft" | "never";

/**
 * Asks for all rules of one family. Without `-t` nothing comes to be by looking: iptables-legacy makes a table that it is
 * asked for, and iptables-nft lists those that are there.
 */
export function iptablesFact(family: Family, netns?: string, asking: Asking = "always"): Fact<IptablesSeen> {
  const within = `limit ${inNetns(netns)}`;
  const save = `${within}${iptablesTool(family)}-save`;
  const texts = { always: save, "without nft": `${within}nft list tables >/dev/null 2>&1 || ${save}`, never: ":" };
  return { command: sh(texts[asking]), parse: (reply) => readSave(reply, family, netns) };
}

/** Reads the answer of `iptables-save`. A namespace that is not there holds no rules; any other failure is a problem. */
export function readSave({ code, stdout, stderr }: Reply, family: Family, netns?: string): IptablesSeen {
  const gone = code !== 0 && noNetns.test(stderr);
  const problem = code === 0 || gone ? undefined : stderr.trim() || `exit code ${code}`;
  const chains = new Map<string, Map<string, string>>();
  const rules: SeenRule[] = [];
  let table = "";
  for (const line of code === 0 ? stdout.split("\n") : []) {
    if (line.startsWith("*")) {
      table = line.slice(1);
      chains.set(table, chains.get(table) ?? new Map());
    } else if (line.startsWith(":")) {
      const [chain = "", policy = ""] = line.slice(1).split(" ");
      chains.get(table)?.set(chain, policy);
    } else if (line.startsWith("-A ")) rules.push(readRule(table as Table, line));
  }
  return { family, netns, problem, chains, rules };
}

function readRule(table: Table, line: string): SeenRule {
  const [, chain = "", ...words] = splitWords(line);
  const at = words.indexOf("--comment");
  const comment = at < 0 ? undefined : words[at + 1];
  return { table, chain, words, comment, mark: readMark(comment) };
}

/** Cuts a line as iptables quotes it (libxtables, xtables_save_string): blanks divide, `"` holds together, `\` escapes. */
export function splitWords(line: string): string[] {
  const words = line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g);
  return [...words].map(([, quoted, plain]) => plain ?? (quoted ?? "").replaceAll(/\\(.)/g, "$1"));
}

/** The comment of a rule: owner, fingerprint and order, at most 255 bytes in all (xt_comment). */
export function markText({ owner, fingerprint, order }: RuleMark): string {
  return `${owner} #${fingerprint} ${order}`;
}

function readMark(comment: string | undefined): RuleMark | undefined {
  const [, owner, fingerprint = "", order = ""] = /^(\S+) #([0-9a-f]+) (\S+)$/.exec(comment ?? "") ?? [];
  return isOwner(owner) && owner !== undefined ? { owner, fingerprint, order } : undefined;
}

const protocols: Record<string, string> = {
  icmpv6: "ipv6-icmp",
  1: "icmp",
  6: "tcp",
  17: "udp",
  58: "ipv6-icmp",
  132: "sctp",
};

const defaultRejects = ["icmp-port-unreachable", "icmp6-port-unreachable"];

/**
 * What a rule says, the same text for the same meaning: whatever order its options have, whether defaults and implied
 * matches are written out, and without its comment.
 */
export function meaning(words: readonly string[]): string {
  const options: string[][] = [];
  let denied = false;
  for (const word of words) {
    if (word === "!") denied = true;
    else if (word.startsWith("-")) {
      options.push(denied ? ["!", word] : [word]);
      denied = false;
    } else options.at(-1)?.push(word);
  }
  const kept = options.map(canonicalOption).filter((option) => option !== undefined);
  return kept.toSorted().join(" ");
}

function canonicalOption(option: readonly string[]): string | undefined {
  const [name = "", value = ""] = option.slice(option[0] === "!" ? 1 : 0);
  if (["-m", "--comment"].includes(name)) return undefined;
  if (name === "--reject-with" && defaultRejects.includes(value)) return undefined;
  return [...option.slice(0, -1), canonicalValue(name, value || name)].join(" ");
}

function canonicalValue(name: string, value: string): string {
  if (name === "-p") return protocols[value] ?? value;
  if (name === "--ctstate") return value.split(",").toSorted().join(",");
  return name === "-s" || name === "-d" ? value.replace(/(?<=\..*)\/32$|(?<=:.*)\/128$/, "") : value;
}
