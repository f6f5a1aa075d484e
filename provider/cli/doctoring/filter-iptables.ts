import { contains, familyOf } from "../../kernel/addresses.ts";
import { readSave, type SeenRule } from "../../kernel/iptables-save.ts";
import { type BaseChain, every, type FilterRule, not, type Packet, type Verdict } from "./filters.ts";

type Test = (packet: Packet, value: string) => Verdict;

/** The matches of iptables-extensions(8) that can be decided; any other one leaves a rule undecided. */
const tests: Record<string, Test> = {
  "-i": ({ iif }, value) => linkIs(iif, value),
  "-o": ({ oif }, value) => linkIs(oif ?? "", value),
  "-s": ({ source }, value) => within(source, value),
  "-d": ({ destination }, value) => within(destination, value),
  "-p": ({ protocol }, value) => (protocol === undefined ? (value === "all" ? true : undefined) : protocol === value),
  "--dport": ({ port }, value) => portIs(port, value),
  "--dports": ({ port }, value) => anyOf(value.split(",").map((one) => portIs(port, one))),
  "--ctstate": stateIs,
  "--state": stateIs,
  "--mark": ({ mark }, value) => markIs(mark, value),
  // What is for the host itself has an address of its own; what is forwarded has not, and none of them goes to many at once.
  "--dst-type": ({ oif }, value) => (value === "LOCAL" ? oif === undefined : value === "UNICAST" ? undefined : false),
  "--src-type": (_packet, value) => (value === "LOCAL" ? false : undefined),
};

function stateIs({ state, translated }: Packet, value: string): Verdict {
  const states = value.split(",");
  if (states.includes(state.toUpperCase())) return true;
  return translated && states.includes("DNAT");
}

/** A name that ends with a plus stands for all that begin so. */
export function linkIs(link: string, pattern: string): boolean {
  return pattern.endsWith("+") ? link.startsWith(pattern.slice(0, -1)) : link === pattern;
}

/** Whether an address, or all of a subnet, is within another one; undefined when that is not known. */
export function within(address: string | undefined, subnet: string): Verdict {
  const wide = subnet.includes("/") ? subnet : `${subnet}/${subnet.includes(":") ? 128 : 32}`;
  if (/^(0\.0\.0\.0|::)\/0$/.test(wide)) return true;
  if (address === undefined) return undefined;
  return familyOf(address) === familyOf(wide) && contains(wide, address);
}

/** Whether a port is one, or in a range `A:B`. */
export function portIs(port: number | undefined, range: string): Verdict {
  if (port === undefined) return undefined;
  const [from = "", to = from] = range.split(/[:-]/);
  return port >= Number(from) && port <= Number(to);
}

/** Whether any of some verdicts holds. */
export function anyOf(verdicts: readonly Verdict[]): Verdict {
  return not(every(verdicts.map(not)));
}

function markIs(mark: number, text: string): boolean {
  const [value = "0", mask = "0xffffffff"] = text.split("/");
  return BigInt(mark & Number(mask)) === BigInt(Number(value) & Number(mask));
}

function ruleOf({ words, chain }: SeenRule): FilterRule {
  const at = words.findIndex((word) => word === "-j" || word === "-g");
  const target = at < 0 ? undefined : words[at + 1];
  const conditions = conditionsOf(at < 0 ? words : words.slice(0, at));
  return {
    text: `-A ${chain} ${words.map((word) => (/\s/.test(word) ? JSON.stringify(word) : word)).join(" ")}`,
    matches: (packet) =>
      every(
        conditions.map(({ name, value, denied }) => {
          const found = tests[name]?.(packet, value);
          return denied ? not(found) : found;
        }),
      ),
    does: doing(target, words[at] === "-g"),
  };
}

interface Condition {
  name: string;
  value: string;
  denied: boolean;
}

function conditionsOf(words: readonly string[]): Condition[] {
  const found: Condition[] = [];
  let denied = false;
  for (const [index, name] of words.entries()) {
    if (name === "!") denied = true;
    else if (name.startsWith("-")) {
      const value = words[index + 1] === "!" ? (words[index + 2] ?? "") : (words[index + 1] ?? "");
      if (name !== "-m" && name !== "--comment") found.push({ name, value, denied });
      denied = false;
    }
  }
  return found;
}

const standard: Record<string, FilterRule["does"]> = {
  ACCEPT: "accept",
  DROP: "drop",
  REJECT: "drop",
  RETURN: "return",
  LOG: "nothing",
  NFLOG: "nothing",
  MARK: "nothing",
  CONNMARK: "nothing",
  TCPMSS: "nothing",
  CT: "nothing",
};

function doing(target: string | undefined, goto: boolean): FilterRule["does"] {
  if (target === undefined) return "nothing";
  if (Object.hasOwn(standard, target)) return standard[target] ?? "unknown";
  return /^(NFQUEUE|QUEUE|TPROXY|SYNPROXY)$/.test(target) ? "unknown" : { jump: target, goto };
}

const hooks = { FORWARD: "forward", INPUT: "input" } as const;

/**
 * The chains that filter, out of the answer of one `iptables-save`.
 * @param tool `iptables-nft`, `ip6tables-legacy`
 */
export function iptablesChains(tool: string, stdout: string): BaseChain[] {
  const family = tool.startsWith("ip6") ? 6 : 4;
  const { chains, rules } = readSave({ code: 0, stdout, stderr: "" }, family);
  return [...chains].flatMap(([table, own]) => {
    const here = rules.filter((rule) => rule.table === table);
    const all = new Map([...Map.groupBy(here, ({ chain }) => chain)].map(([name, list]) => [name, list.map(ruleOf)]));
    return Object.entries(hooks).flatMap(([name, hook]): BaseChain[] => {
      if (table === "nat" || !own.has(name)) return [];
      return [{ hook, where: `${tool} ${table}`, family, drops: own.get(name) === "DROP", name, chains: all }];
    });
  });
}
