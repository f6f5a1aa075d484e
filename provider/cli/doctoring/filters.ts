/** A packet as far as it is known; what is undefined may be anything. */
export interface Packet {
  iif: string;
  /** Undefined: it is for the host itself. */
  oif: string | undefined;
  source?: string | undefined;
  destination?: string | undefined;
  protocol?: "tcp" | "udp" | undefined;
  port?: number | undefined;
  state: "new" | "established";
  /** The marks that our table has set. */
  mark: number;
  /** Whether its destination was translated. */
  translated: boolean;
}

/** Whether a rule is about a packet; undefined where that cannot be known. */
export type Verdict = boolean | undefined;

/** A rule of a packet filter, whichever wrote it. */
export interface FilterRule {
  /** As its tool prints it. */
  text: string;
  matches(packet: Packet): Verdict;
  does: "accept" | "drop" | "return" | "nothing" | "unknown" | { jump: string; goto: boolean };
}

/** A chain that the kernel calls, with the chains that it leads to. */
export interface BaseChain {
  hook: "forward" | "input";
  /** The tool or table, and the chain: `iptables-nft filter FORWARD`. */
  where: string;
  family: 4 | 6 | undefined;
  drops: boolean;
  name: string;
  chains: ReadonlyMap<string, readonly FilterRule[]>;
}

/** The rule, or the policy, that drops a packet for certain. */
export interface Stop {
  chain: BaseChain;
  /** The names of the chains that lead to it, the base chain first. */
  path: string[];
  /** Undefined: the policy. */
  rule: FilterRule | undefined;
}

interface Walk {
  end: "accept" | "drop" | "return" | "through";
  path?: string[];
  rule?: FilterRule;
}

/**
 * What drops a packet in a chain. Only what is certain counts: a rule of which it is not known whether it is about the packet drops
 * nothing, and behind one that may let it through nothing is certain.
 */
export function stopIn(chain: BaseChain, packet: Packet): Stop | undefined {
  const doubt = { is: false };
  const found = walk(chain, chain.name, packet, doubt, 0);
  if (found.end === "accept" || doubt.is) return undefined;
  if (found.end === "drop") return { chain, path: found.path ?? [], rule: found.rule };
  return chain.drops ? { chain, path: [chain.name], rule: undefined } : undefined;
}

/** How deep chains lead into each other at the most. */
const deepest = 32;

function walk(base: BaseChain, name: string, packet: Packet, doubt: { is: boolean }, depth: number): Walk {
  for (const rule of base.chains.get(name) ?? []) {
    const about = rule.matches(packet);
    if (about === false || rule.does === "nothing") continue;
    const { does } = rule;
    if (typeof does !== "object") {
      if (about === undefined || does === "unknown") {
        // What may have been let through, or past what follows.
        if (does !== "drop") doubt.is = true;
        continue;
      }
      return { end: does, path: [name], rule };
    }
    const inner = { is: false };
    const found: Walk = depth < deepest ? walk(base, does.jump, packet, inner, depth + 1) : { end: "through" };
    const path = [name, ...(found.path ?? [])];
    if (inner.is || (about === undefined && (found.end === "accept" || does.goto))) doubt.is = true;
    if (about === undefined) continue;
    if (found.end === "accept" || found.end === "drop") return { ...found, path };
    if (does.goto) return { end: "return" };
  }
  return { end: "through" };
}

/** All conditions together. */
export function every(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes(false)) return false;
  return verdicts.includes(undefined) ? undefined : true;
}

/** The opposite of a verdict. */
export function not(verdict: Verdict): Verdict {
  return verdict === undefined ? undefined : !verdict;
}

/** Who wrote a rule, by the names of the chains that lead to it. */
export function whoseRule({ chain, path }: Stop): string {
  const known: readonly (readonly [RegExp, string])[] = [
    [/^DOCKER/, "Docker"],
    [/^ufw6?-/, "ufw"],
    [/firewalld|^FWD(I|O|X)_|^filter_FWD/, "firewalld"],
    [/^LIBVIRT/, "libvirt"],
    [/^(KUBE|CNI|cali|FLANNEL)/i, "Kubernetes"],
    [/^LINUXNET-/, "linuxnet"],
  ];
  const whose = (names: readonly string[]) => known.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];
  // A policy is of whoever has filled the chain.
  const beside = [...chain.chains.values()].flat().flatMap(({ does }) => (typeof does === "object" ? does.jump : []));
  return whose([chain.where, ...path.slice(1)]) ?? (path.length <= 1 ? whose(beside) : undefined) ?? "an admin";
}
