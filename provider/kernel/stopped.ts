import { familyOf, subnetOf } from "./addresses.ts";
import { refuse } from "./failure.ts";
import { withAccept } from "./forward-accept.ts";
import { type Packet, restStopOf, type Stop, stopOf } from "./passage.ts";
import type { Passages, ToolPassage } from "./passage-fact.ts";
import type { NftPassage } from "./passage-nft.ts";
import { passMark } from "./ruleset.ts";

/** Traffic that a resource is there to let through. */
export interface Traffic {
  /** In words: "what is published to 10.9.0.2". */
  what: string;
  packet: Packet;
  /** The bridge whose containers open the connections, or get them: what a firewall has to be told of. */
  bridge: string | undefined;
}

/** The priorities between which packets carry our mark: those of our chains `forward` and `forward_end`. */
const marked = { from: -5, to: 5 };

/**
 * Refuses where a firewall of others certainly stops traffic, since an accept of ours cannot override that.
 *
 * @param byNft whether our nftables table passes it, and marks it: else iptables lets it through by a rule of ours there
 * @throws LinuxnetError that names the rule that stands in the way, and what to do
 */
export function refuseStopped(traffic: readonly Traffic[], { tools, tables }: Passages, byNft: boolean): void {
  for (const one of traffic) {
    const { family } = one.packet;
    for (const tool of byNft ? tools.filter((candidate) => candidate.family === family) : []) {
      const stop = stopOf(withAccept(tool), { ...one.packet, passed: true });
      if (stop) refuseRule(one, tool.tool, stop.text);
    }
    for (const table of tables.filter(({ families }) => families.includes(family))) {
      const passed = byNft && isMarkedAt(table);
      const stop = stopOf(table, { ...one.packet, passed });
      if (stop && restStopOf(table, { family, passed, dnat: one.packet.dnat })) refuseTable(one, table, passed);
      if (stop) refuseTableRule(one, table, stop);
    }
  }
}

/** Whether what our table has passed carries our mark when a chain of this priority is asked. */
export function isMarkedAt({ priority }: Pick<NftPassage, "priority">): boolean {
  return priority > marked.from && priority < marked.to;
}

function refuseRule({ what }: Traffic, tool: string, text: string): never {
  const rule = text.startsWith("-A ") ? `the rule \`${text}\`` : text;
  const how = /^-A ufw/.test(text) ? "`ufw status numbered` and `ufw delete NUMBER` take it away." : "";
  refuse(
    `${what} is stopped by ${rule} of ${tool}, which stays in force`,
    `Remove that rule, or do without this. ${how}`.trim(),
  );
}

/** A rule that an admin wrote against just this. */
function refuseTableRule({ what }: Traffic, { table, base }: NftPassage, { places: [place] }: Stop): never {
  const chain = place?.chain ?? base;
  refuse(
    `${what} is stopped by a rule of the chain ${chain} of the nftables table ${table}, which stays in force`,
    `Remove that rule (\`nft -a list chain ${table} ${chain}\` shows it), or do without this.`,
  );
}

/** A table that stops all that it has no rule for. */
function refuseTable(traffic: Traffic, { table, base }: NftPassage, passed: boolean): never {
  const { what, bridge } = traffic;
  if (table === "inet firewalld") refuse(`${what} is stopped by firewalld`, firewalldRemedy(bridge));
  const match = passed ? `meta mark and ${passMark} != 0` : ownMatch(traffic);
  refuse(
    `${what} is stopped by the chain ${base} of the nftables table ${table}, which an accept elsewhere does not override`,
    `Let it through there, and in the file that this table is loaded from: \`nft insert rule ${table} ${base} ${match} accept\`.`,
  );
}

/** What an admin can tell our traffic by where it does not carry our mark. */
function ownMatch({ packet, bridge = "BRIDGE" }: Traffic): string {
  return packet.dnat ? `oifname "${bridge}" ct status dnat` : `iifname "${bridge}"`;
}

function firewalldRemedy(bridge = "BRIDGE"): string {
  const add = `firewall-cmd --permanent --zone=trusted --add-interface=${bridge}`;
  return `Put ${bridge} into a zone that forwards: \`${add} && firewall-cmd --reload\` (the zone trusted also lets its containers reach this host).`;
}

/** What the ports of a bridge say to each other, where that comes by FORWARD (br_netfilter). */
export function bridgedTraffic(bridge: string, addresses: readonly string[], { bridged }: Passages): Traffic[] {
  return addresses
    .filter((address) => bridged.includes(familyOf(address)))
    .map((address) => {
      const [family, subnet] = [familyOf(address), subnetOf(address)];
      const packet = { family, inDevice: bridge, outDevice: bridge, source: subnet, destination: subnet, dnat: false };
      return { what: `what containers on ${bridge} say to each other`, packet, bridge };
    });
}

/**
 * Refuses where a firewall of others certainly stops what containers ask of a resolver on the gateway: ours lets it in, and
 * cannot speak for theirs.
 *
 * @throws LinuxnetError that names what stands in the way, and what to do
 */
export function refuseDeaf(bridge: string, addresses: readonly string[], { tools, tables }: Passages): void {
  const what = `what containers on ${bridge} ask of its resolver`;
  for (const destination of addresses) {
    const family = familyOf(destination);
    const to = { destination, protocol: "udp", destinationPort: 53, dnat: false, passed: false };
    const packet: Packet = { family, inDevice: bridge, outDevice: "", ...to };
    for (const tool of tools.filter((candidate) => candidate.family === family)) {
      const stop = stopOf(tool, packet);
      if (stop) refuse(`${what} is stopped by ${stop.text} of ${tool.tool}`, letIn(bridge, tool));
    }
    for (const { table, base, ...more } of tables.filter(({ families }) => families.includes(family))) {
      if (!stopOf({ base, ...more }, packet)) continue;
      if (table === "inet firewalld") refuse(`${what} is stopped by firewalld`, firewalldRemedy(bridge));
      const rule = `nft insert rule ${table} ${base} iifname "${bridge}" meta l4proto { tcp, udp } th dport 53 accept`;
      refuse(`${what} is stopped by the chain ${base} of the nftables table ${table}`, `Let it in: \`${rule}\`.`);
    }
  }
}

function letIn(bridge: string, { tool, chains }: ToolPassage): string {
  const rule = `${tool} -I INPUT -i ${bridge} -p udp --dport 53 -j ACCEPT`;
  const ufw = [...chains.keys()].some((chain) => /^ufw6?-/.test(chain));
  return `Let it in: \`${ufw ? `ufw allow in on ${bridge} to any port 53` : rule}\`.`;
}
