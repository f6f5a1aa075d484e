import type { Family } from "../../kernel/addresses.ts";
import { type Packet, type Passage, type PassageRule, stopOf } from "../../kernel/passage.ts";
import { iptablesPassages } from "../../kernel/passage-iptables.ts";
import { nftPassages } from "../../kernel/passage-nft.ts";
import { isMarkedAt } from "../../kernel/stopped.ts";

/** A chain that the kernel calls, of whichever firewall, with the chains that it leads to. */
export interface FilterChain extends Passage {
  hook: "forward" | "input";
  /** The tool and table: `iptables-nft filter`, `nft table inet t`. */
  where: string;
  /** The families whose packets it sees. */
  families: readonly Family[];
  /** When it is asked: lower first. */
  priority: number;
}

/** The rule, or the policy, that drops a packet for certain. */
export interface ChainStop {
  chain: FilterChain;
  /** The names of the chains that lead to it, the base chain first. */
  path: string[];
  /** Undefined: the policy. */
  rule: PassageRule | undefined;
}

const hooks = ["forward", "input"] as const;

/**
 * The chains that filter, of all tables of a rule set of iptables.
 *
 * @param tool `iptables-nft`, `ip6tables-legacy`
 * @param lines what its `iptables-save` printed
 */
export function iptablesChains(tool: string, lines: readonly string[]): FilterChain[] {
  const families: Family[] = [tool.startsWith("ip6") ? 6 : 4];
  const called = { forward: "FORWARD", input: "INPUT" } as const;
  return hooks.flatMap((hook) =>
    iptablesPassages(lines, called[hook]).map((one) => ({ ...one, hook, where: `${tool} ${one.table}`, families })),
  );
}

/** The chains that filter, out of what `nft -j list table` printed; none when it cannot be read. */
export function nftChains(text: string): FilterChain[] {
  return hooks.flatMap((hook) =>
    nftPassages(text, hook).map((one) => ({ ...one, hook, where: `nft table ${one.table}` })),
  );
}

/** What drops a packet in a chain for certain; undefined also for a packet that the chain does not see. */
export function stopIn(chain: FilterChain, packet: Packet): ChainStop | undefined {
  if (!chain.families.includes(packet.family)) return undefined;
  const stop = stopOf(chain, { ...packet, passed: packet.passed === true && isMarkedAt(chain) });
  return stop && { chain, path: stop.places.map((place) => place.chain).toReversed(), rule: stop.rule };
}

/** Who wrote a rule, by the names of the chains that lead to it. */
export function whoseRule({ chain, path }: ChainStop): string {
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
  const beside = [...chain.chains.values()].flat().flatMap(({ verdict }) => ("chain" in verdict ? verdict.chain : []));
  return whose([chain.where, ...path.slice(1)]) ?? (path.length <= 1 ? whose(beside) : undefined) ?? "an admin";
}
