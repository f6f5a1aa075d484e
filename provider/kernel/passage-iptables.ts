import { splitWords } from "./iptables-save.ts";
import { both, not, type Packet, type Passage, type PassageRule, type Truth, type Verdict } from "./passage.ts";
import { hasState, is, isMarked, isNamed, liesIn } from "./passage-match.ts";

/** What of iptables' own targets decides; all others (LOG, MARK, NFLOG...) let a packet go on. */
const targets: Record<string, Verdict> = {
  ACCEPT: { do: "accept" },
  DROP: { do: "drop" },
  REJECT: { do: "drop" },
  RETURN: { do: "return" },
  QUEUE: { do: "unknown" },
  NFQUEUE: { do: "unknown" },
};

/**
 * Reads what `iptables-save` prints of a base chain and of the chains that lead on from it.
 *
 * @param lines lines `:CHAIN POLICY` and `-A CHAIN ...`, the base chain's first
 */
export function iptablesPassage(lines: readonly string[]): Passage {
  const heads = lines.filter((line) => line.startsWith(":")).map((line) => line.slice(1).split(" "));
  const [base = "", policy] = heads[0] ?? [];
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
  "-m": () => true,
  "--comment": () => true,
  "-i": (value, { inDevice }) => isNamed(inDevice, value, "+"),
  "-o": (value, { outDevice }) => isNamed(outDevice, value, "+"),
  "-s": (value, { source }) => liesIn(source, value),
  "-d": (value, { destination }) => liesIn(destination, value),
  "-p": (value, { protocol }) => is(protocol, value),
  "--dport": (value, { destinationPort }) => isPort(destinationPort, value),
  "--ctstate": (value, { dnat }) => hasState(value.split(","), dnat),
  "--state": (value, { dnat }) => hasState(value.split(","), dnat),
  "--mark": (value, { passed }) => {
    const [wanted = 0, mask = 0xffffffff] = value.split("/").map(Number);
    return isMarked(passed, wanted, mask);
  },
};

function isPort(actual: number | undefined, range: string): Truth {
  if (actual === undefined) return undefined;
  const [first = 0, last = first] = range.split(":").map(Number);
  return actual >= first && actual <= last;
}
