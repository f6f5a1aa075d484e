/** What `nft monitor trace` tells of a packet where a chain begins. */
export interface TracedPacket {
  in: string | undefined;
  out: string | undefined;
  source: string;
  destination: string;
  sourcePort: number | undefined;
  destinationPort: number | undefined;
  protocol: string;
  /** Of ICMP: the type by nft's name for it, and the identifier of an echo. */
  icmp: string | undefined;
  id: number | undefined;
}

/** One line of `nft -a monitor trace`. */
export interface TraceEvent {
  /** The same for one packet on its way through one host. */
  id: string;
  family: string;
  table: string;
  chain: string;
  /** Where a base chain begins: the packet as it stands there. */
  packet?: TracedPacket;
  /** The rule that matched, as nft writes it. */
  rule?: { text: string; handle: number };
  /** `accept`, `drop`, `continue`, `jump NAME`, `goto NAME`, `return`, `queue`. */
  verdict?: string;
  /** Whether the verdict is the chain's policy. */
  policy?: boolean;
}

const line = /^trace id (\S+) (\S+) (\S+) (\S+) (.*)$/;

/** Reads a line of `nft -a monitor trace` (nft(8), MONITOR); undefined for any other line. */
export function readTraceLine(text: string): TraceEvent | undefined {
  const [, id = "", family = "", table = "", chain = "", rest] = line.exec(text.trimEnd()) ?? [];
  if (rest === undefined) return undefined;
  const base = { id, family, table, chain };
  if (rest.startsWith("packet:")) return { ...base, packet: readPacket(rest) };
  const [, known, handle, ruled] = /^(?:rule (.*?) #|unknown rule) handle (\d+) \(verdict (.*)\)/.exec(rest) ?? [];
  // A rule that came after the monitor is unknown to it: its handle tells which it is.
  if (handle !== undefined)
    return { ...base, rule: { text: known?.trim() ?? "", handle: Number(handle) }, verdict: `${ruled}` };
  // The mark of the packet may follow.
  const [, kind, verdict] = /^(policy|verdict) (\w+)/.exec(rest) ?? [];
  return kind === undefined ? undefined : { ...base, verdict: `${verdict}`, policy: kind === "policy" };
}

function readPacket(text: string): TracedPacket {
  const word = (pattern: RegExp) => pattern.exec(text)?.[1];
  const number = (pattern: RegExp) => (pattern.test(text) ? Number(word(pattern)) : undefined);
  return {
    in: word(/ iif "([^"]*)"/),
    out: word(/ oif "([^"]*)"/),
    source: word(/ ip6? saddr (\S+)/) ?? "",
    destination: word(/ ip6? daddr (\S+)/) ?? "",
    sourcePort: number(/ (?:tcp|udp) sport (\d+)/),
    destinationPort: number(/ (?:tcp|udp) dport (\d+)/),
    protocol: word(/ (tcp|udp|icmpv6|icmp) (?:sport|type) /) ?? "",
    icmp: word(/ icmp(?:v6)? type (\S+)/),
    id: number(/ icmp(?:v6)? id (\d+)/) ?? upperHalf(number(/ icmpv6 parameter-problem (\d+)/)),
  };
}

/** Of ICMPv6 nft shows an echo's identifier and number as one, under another type's name for these four bytes (RFC 4443, 3.4 and 4.1). */
function upperHalf(word: number | undefined): number | undefined {
  return word === undefined ? undefined : word >>> 16;
}

/** A chain as `nft -a -t list ruleset` shows it. */
export interface ListedChain {
  family: string;
  table: string;
  chain: string;
  /** Whether iptables-nft manages its table. */
  iptables: boolean;
  /** Its rules in order, each with its handle. */
  rules: { text: string; handle: number }[];
}

/** Reads `nft -a -t list ruleset`. */
export function readRuleset(text: string): ListedChain[] {
  const chains: ListedChain[] = [];
  let [family, table, managed, iptables] = ["", "", false, false];
  for (const one of text.split("\n")) {
    if (one.startsWith("# Warning")) managed = true;
    const [, newFamily, newTable] = /^table (\S+) (\S+) \{/.exec(one) ?? [];
    if (newFamily !== undefined && newTable !== undefined) {
      [family, table, iptables, managed] = [newFamily, newTable, managed, false];
    }
    const chain = /^\tchain (\S+) \{/.exec(one)?.[1];
    if (chain !== undefined) chains.push({ family, table, chain, iptables, rules: [] });
    const [, rule, handle] = /^\t\t(.*) # handle (\d+)$/.exec(one) ?? [];
    if (rule !== undefined) chains.at(-1)?.rules.push({ text: rule.trim(), handle: Number(handle) });
  }
  return chains;
}
