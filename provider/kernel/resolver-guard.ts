import { familyOf } from "./addresses.ts";
import type { Change } from "./command.ts";
import { firewallChanges, isBlind, type SeenRules } from "./firewall.ts";
import type { IptablesRule } from "./iptables.ts";
import type { Element, Rule } from "./nft.ts";
import type { Claimant } from "./owner.ts";
import type { Passages } from "./passage-fact.ts";
import { refuseDeaf } from "./stopped.ts";

/**
 * What is missing of the rules by which a resolver answers its own network and the host alone.
 * @throws LinuxnetError when a firewall of others lets nobody ask it
 */
export function resolverClosing(
  bridge: string,
  addresses: readonly string[],
  seen: SeenRules & { input: Passages },
  who: Claimant,
): Change[] {
  refuseDeaf(bridge, addresses, seen.input);
  const problems = { 4: seen.rules4.problem, 6: seen.rules6.problem };
  const asked = addresses.filter((address) => problems[familyOf(address)] === undefined);
  const iptables = () => resolverRules(bridge, asked);
  const wanted = { nft: resolverPieces(bridge, addresses), iptables, forwarding: undefined };
  if (isBlind(seen)) return [];
  return firewallChanges(seen.table.fault === undefined ? "nftables" : "iptables", wanted, seen, who);
}

/** What a resolver is in our nftables table: the one service of the host that an internal network reaches, and its own only. */
function resolverPieces(bridge: string, addresses: readonly string[]): { elements: Element[]; rules: Rule[] } {
  const only = (address: string) =>
    `${familyOf(address) === 6 ? "ip6" : "ip"} daddr ${address} meta l4proto { tcp, udp } th dport 53 drop`;
  return {
    elements: addresses.map((address) => ({ set: `dns${familyOf(address)}` as const, key: `${bridge} . ${address}` })),
    rules: addresses.map((address) => ({
      chain: "tunnels",
      text: `iifname != { "lo", "${bridge}" } ${only(address)}`,
    })),
  };
}

/**
 * The same where nft does not work: questions of others' are dropped before anything else sees them. What the host itself asks
 * bears an address of its own, and one that is forged does not get past the kernel (a martian source, ip-sysctl).
 */
function resolverRules(bridge: string, addresses: readonly string[]): IptablesRule[] {
  return addresses.flatMap((address) =>
    ["udp", "tcp"].map((protocol): IptablesRule => {
      const where = ["!", "-i", bridge, "-d", address, "-p", protocol, "--dport", "53"];
      const spec = [...where, "-m", "addrtype", "!", "--src-type", "LOCAL", "-j", "DROP"];
      return { family: familyOf(address), chain: "LINUXNET-RAW", spec };
    }),
  );
}
