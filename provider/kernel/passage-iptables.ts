import { splitWords } from "./iptables-save.ts";
import { both, either, not, type Packet, type Passage, type PassageRule, type Truth, type Verdict } from "./passage.ts";
import { hasState, is, isMarked, isNamed, isPort, liesIn } from "./passage-match.ts";

/** What of iptables' own targets decides; all others (LOG, MARK, NFLOG...) let a packet go on. */
const targets: Record<string, Verdict> = {
  ACCEPT: { do: "accept" },
  DROP: { do: "drop" },
  REJECT: { do: "drop" },
  RETURN: { do: "return" },
  QUEUE: { do: "unknown" },
  NFQUEUE: { do: "unknown" },
  SYNPROXY: { do: "unknown" },
  TPROXY: { do: "unknown" },
};

/**
 * Reads what `iptables-save` prints of a base chain and of the chains that lead on from it.
 *
 * @param lines lines `:CHAIN POLICY` and `-A CHAIN ...`, the base chain's first
 */
export function iptablesPassage(lines: readonly string[]): Passage {
  const base = lines.find((line) => line.startsWith(":")) ?? "";
  return passageOf(lines, base.slice(1).split(" ")[0] ?? "");
}

/** A base chain in one of the tables of iptables. */
export interface TablePassage extends Passage {
  /** `filter`, `mangle`. */
  table: string;
  /** When it is asked: lower first (enum nf_ip_hook_priorities). */
  priority: number;
}

/** The tables that filter what is forwarded or comes in; `nat` sees the first packets alone, and drops none. */
const priorities: Record<string, number> = { raw: -300, mangle: -150, filter: 0, security: 50 };

/** Reads the base chains of one name, of all tables that filter, from all that `iptables-save` prints. */
export function iptablesPassages(lines: readonly string[], base: "FORWARD" | "INPUT"): TablePassage[] {
  const starts = lines.flatMap((line, index) => (line.startsWith("*") ? [index] : []));
  return starts.flatMap((start, number): TablePassage[] => {
    const table = (lines[start] ?? "").slice(1);
    const own = lines.slice(start + 1, starts[number + 1]);
    const priority = priorities[table];
    if (priority === undefined || !own.some((line) => line.startsWith(`:${base} `))) return [];
    return [{ ...passageOf(own, base), table, priority }];
  });
}

function passageOf(lines: readonly string[], base: string): Passage {
  const heads = lines.filter((line) => line.startsWith(":")).map((line) => line.slice(1).split(" "));
  const policy = heads.find(([name]) => name === base)?.[1];
  const names = new Set(heads.map(([name = ""]) => name));
  const chains = new Map<string, PassageRule[]>([...names].map((name) => [name, []]));
  for (const line of lines.filter((one) => one.startsWith("-A "))) {
    const [, chain = "", ...words] = splitWords(line);
    chains.get(chain)?.push(ruleOf(line, words, names));
  }
  return { base, policy: policy === "DROP" ? "drop" : "accept", chains };
}

function ruleOf(text: string, words: readonly string[], names: ReadonlySet<string>): PassageRule {
  const at = words.findIndex((word) => word === "-j" || word === "-g");
  const target = at < 0 ? "" : (words[at + 1] ?? "");
  const leads: Verdict = { do: words[at] === "-g" ? "goto" : "jump", chain: target };
  const options = optionsOf(at < 0 ? words : words.slice(0, at));
  return {
    text,
    matches: (packet) => options.reduce<Truth>((truth, option) => both(truth, holds(option, packet)), true),
    verdict: names.has(target) ? leads : (targets[target] ?? { do: "continue" }),
  };
}

interface Option {
  denied: boolean;
  name: string;
  value: string;
}

function optionsOf(words: readonly string[]): Option[] {
  const options: Option[] = [];
  let denied = false;
  for (const word of words) {
    if (word === "!") denied = true;
    else if (/^--?[a-z]/.test(word)) {
      options.push({ denied, name: word, value: "" });
      denied = false;
    } else options.splice(-1, 1, { ...(options.at(-1) as Option), value: word });
  }
  return options;
}

function holds({ denied, name, value }: Option, packet: Packet): Truth {
  const truth = tests[name]?.(value, packet);
  return denied ? not(truth) : truth;
}

/** The matches that can be told; every other one may hold or not (iptables-extensions(8)). */
const tests: Record<string, (value: string, packet: Packet) => Truth> = {
  "-m": (value) => (matching.includes(value) ? undefined : true),
  "--comment": () => true,
  "-i": (value, { inDevice }) => isNamed(inDevice, value, "+"),
  "-o": (value, { outDevice }) => isNamed(outDevice, value, "+"),
  "-s": (value, { source }) => liesIn(source, value),
  "-d": (value, { destination }) => liesIn(destination, value),
  "-p": (value, { protocol }) => value === "all" || is(protocol, value),
  "--dport": (value, { destinationPort }) => inRange(destinationPort, value),
  "--dports": (value, { destinationPort }) => either(value.split(",").map((one) => inRange(destinationPort, one))),
  "--ctstate": (value, packet) => hasState(value.split(","), packet),
  "--state": (value, packet) => hasState(value.split(","), packet),
  "--dst-type": (value, packet) => either(value.split(",").map((one) => isTo(one, packet))),
  "--src-type": (value, packet) => either(value.split(",").map((one) => isFrom(one, packet))),
  "--mark": (value, { passed }) => {
    const [wanted = 0, mask = 0xffffffff] = value.split("/").map(Number);
    return isMarked(passed, wanted, mask);
  },
};

/** Modules that say something without any option (iptables-extensions(8)). */
const matching = ["socket", "rpfilter", "eui64", "dst", "hbh", "frag", "rt", "ipv6header"];

function inRange(actual: number | undefined, range: string): Truth {
  const [first = 0, last = first] = range.split(":").map(Number);
  return isPort(actual, first, last);
}

/** What is for the host itself has an address of its own; what is forwarded has not, and TCP goes to one alone. */
function isTo(type: string, { outDevice, destination, protocol }: Packet): Truth {
  if (type === "LOCAL") return outDevice === undefined ? undefined : outDevice === "";
  const single = protocol === "tcp" || (destination !== undefined && !destination.includes("/"));
  return ["BROADCAST", "MULTICAST", "ANYCAST"].includes(type) && single ? false : undefined;
}

/** What comes in by a link has no address of this host (fib_validate_source). */
function isFrom(type: string, { inDevice, outDevice }: Packet): Truth {
  return type === "LOCAL" && (outDevice || (inDevice ?? "lo") !== "lo") ? false : undefined;
}
