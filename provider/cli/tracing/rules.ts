import { contains } from "../../kernel/addresses.ts";
import type { SeenElement } from "../../kernel/nft.ts";
import type { TracedPacket } from "../../kernel/nft-trace.ts";
import { table as ourTable } from "../../kernel/ruleset.ts";
import type { MetRule, Ruled, Traced } from "./model.ts";

/** Chains and tables by whose program makes them. */
const makers: readonly (readonly [RegExp, string])[] = [
  [/^ufw6?-/, "ufw"],
  [/^DOCKER/, "Docker"],
  [/^firewalld$/, "firewalld"],
  [/^(KUBE|CNI|cali|FLANNEL)-/, "Kubernetes"],
  [/^LIBVIRT_|^libvirt/, "libvirt"],
  [/^f2b-/, "fail2ban"],
];

/** A rule that a packet met, with the packet as it was when its chain began, and the rules that led there. */
export interface Meeting {
  event: Traced;
  packet: TracedPacket | undefined;
  /** Those that jumped into its chain, the innermost first. */
  callers: readonly Traced[];
}

/** Whose a rule is, and what it says in the words of the tool that it was made with. */
export function metRule({ event, packet, callers }: Meeting, ruled: Ruled | undefined): MetRule {
  const { family, table, chain, rule, verdict = "", policy } = event;
  const listed = ruled?.listed.find((one) => one.family === family && one.table === table && one.chain === chain);
  const base = { family, table, chain, handle: rule?.handle, verdict, maker: makerOf(table, chain) };
  const saved = savedRule(event, ruled);
  if (policy || !rule)
    return { ...base, by: saved.managed ? "iptables" : "nftables", text: `policy ${verdict}`, owners: [] };
  if (saved.words) {
    const mark = saved.words.mark ? [saved.words.mark.owner] : [];
    return { ...base, by: "iptables", text: shown(saved.words.words), owners: mark };
  }
  // What nft's monitor prints of a rule lacks nothing; the listing is as good where it has forgotten it.
  const text = listed?.rules.find(({ handle }) => handle === rule.handle)?.text ?? rule.text;
  const said = text.replace(/ ?comment "linuxnet:[^"]*"$/, "");
  return { ...base, by: "nftables", text: said, owners: owners([text, ...callers.map(textOf)], table, packet, ruled) };
}

const textOf = ({ rule }: Traced) => rule?.text ?? "";

function makerOf(table: string, chain: string): string | undefined {
  if (table === ourTable) return "pulumi-linuxnet";
  return makers.find(([pattern]) => pattern.test(chain) || pattern.test(table))?.[1];
}

/** A rule of iptables-nft as iptables writes it: nft's listing has its rules in the same order, without their comments. */
function savedRule({ family, table, chain, rule }: Traced, ruled: Ruled | undefined) {
  const saved = ruled?.iptables;
  const ours = saved && ((family === "ip" && saved.family === 4) || (family === "ip6" && saved.family === 6));
  const managed = ours === true && saved.chains.get(table)?.has(chain) === true;
  if (!managed || !rule) return { managed, words: undefined };
  const listed = ruled?.listed.find((one) => one.family === family && one.table === table && one.chain === chain);
  const own = saved.rules.filter((one) => one.table === table && one.chain === chain);
  const at = listed?.rules.findIndex(({ handle }) => handle === rule.handle) ?? -1;
  return { managed, words: own.length === listed?.rules.length ? own[at] : undefined };
}

/** The words of a rule, quoted where a shell needs it. */
function shown(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./!#~-]+$/.test(word) ? word : `"${word}"`)).join(" ");
}

/** The owners that a rule names in its comment, or else through the elements that the packet matched; of the first of the rules that names any. */
function owners(
  texts: readonly string[],
  table: string,
  packet: TracedPacket | undefined,
  ruled: Ruled | undefined,
): string[] {
  for (const text of texts) {
    const comment = /comment "(linuxnet:[^ "]+)/.exec(text)?.[1];
    if (comment) return [comment];
    const sets = table === ourTable ? [...text.matchAll(/@(\w+)/g)].map(([, name]) => name) : [];
    const elements = (ruled?.elements ?? []).filter(({ set }) => sets.includes(set));
    const found = elements
      .filter((one) => packet && matches(one, packet))
      .map(({ comment: own }) => own.split(" ")[0] ?? "");
    if (found.length > 0) return [...new Set(found)];
  }
  return [];
}

/** Whether each part of an element's key is something of the packet. */
function matches({ key }: SeenElement, packet: TracedPacket): boolean {
  const words = [packet.in, packet.out, packet.protocol, packet.sourcePort, packet.destinationPort].map(String);
  const addresses = [packet.source, packet.destination].filter(Boolean);
  return key
    .split(" . ")
    .every((part) => words.includes(part) || addresses.some((one) => one === part || isIn(part, one)));
}

function isIn(subnet: string, address: string): boolean {
  return /^[\da-f.:]+\/\d+$/.test(subnet) && contains(subnet, address);
}
