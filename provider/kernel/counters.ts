import { z } from "zod";
import { type Fact, inNetns, noNetns, type Reply, sh } from "./command.ts";
import { splitWords } from "./iptables-save.ts";
import { isAbsence, readJson } from "./links.ts";
import { isOwner } from "./owner.ts";
import { quote } from "./quote.ts";

/** What went one way, since the link was made. */
export interface Amount {
  bytes: number;
  packets: number;
}

/** The counters of a link, as seen from its own side. */
export interface LinkCounters {
  received: Amount;
  sent: Amount;
  /** Packets that were dropped or faulty, both ways together. */
  lost: number;
}

const amount = z.looseObject({
  bytes: z.number(),
  packets: z.number(),
  errors: z.number().default(0),
  dropped: z.number().default(0),
});

const shape = z.array(z.looseObject({ ifname: z.string(), stats64: z.looseObject({ rx: amount, tx: amount }) }));

/** Asks for the counters of all links of a namespace by their names (`ip -s link`); none where the namespace is not there. */
export function linkCountersFact(netns?: string): Fact<ReadonlyMap<string, LinkCounters>> {
  return { command: sh(`limit ${inNetns(netns)}ip -s -j link show`), parse: readLinkCounters };
}

function readLinkCounters(reply: Reply): ReadonlyMap<string, LinkCounters> {
  if (reply.code !== 0 && (noNetns.test(reply.stderr) || isAbsence(reply))) return new Map();
  const found = readJson(reply, shape);
  return new Map(found.map(({ ifname, stats64: { rx, tx } }) => [ifname, countersOf(rx, tx)]));
}

function countersOf(rx: z.infer<typeof amount>, tx: z.infer<typeof amount>): LinkCounters {
  return {
    received: { bytes: rx.bytes, packets: rx.packets },
    sent: { bytes: tx.bytes, packets: tx.packets },
    lost: rx.errors + rx.dropped + tx.errors + tx.dropped,
  };
}

/** Connections of one kind that the kernel translates at the moment. */
export interface Flows {
  /** Which address is translated. */
  side: "source" | "destination";
  protocol: string;
  /** The address that is translated, as it was before. */
  address: string;
  /** Of a destination: the port before, and what both became. */
  port: number;
  target: string;
  targetPort: number;
  count: number;
}

/**
 * Counts the lines of conntrack(8) that are alike, so that ten thousand connections come as one line. A line names both directions:
 * `src=` and `dport=` come twice, the second time as the answer has them.
 */
const tally = `{
  split("", value); split("", seen)
  for (field = 4; field <= NF; field++)
    if (split($field, pair, "=") == 2) { nth = ++seen[pair[1]]; value[pair[1] nth] = pair[2] }
  if (side == "source") alike = value["src1"] " 0 - 0"
  else alike = value["dst1"] " " (value["dport1"] + 0) " " value["src2"] " " (value["sport2"] + 0)
  count[side " " $1 " " alike]++
}
END { for (alike in count) print alike, count[alike] }`;

/** Asks which connections are translated at the moment; undefined where conntrack(8) is missing. */
export function flowsFact(netns?: string): Fact<readonly Flows[] | undefined> {
  const each = [
    ["ipv4", "source", "-n"],
    ["ipv4", "destination", "-g"],
    ["ipv6", "source", "-n"],
    ["ipv6", "destination", "-g"],
  ].map(([family, side, which]) => {
    const list = `limit ${inNetns(netns)}conntrack -L -f ${family} ${which} 2>/dev/null`;
    return `${list} | limit awk -v side=${side} ${quote(tally)}`;
  });
  const text = ["command -v conntrack >/dev/null || exit 127", ...each].join("\n");
  return { command: sh(text), parse: ({ code, stdout }) => (code === 127 ? undefined : readFlows(stdout)) };
}

function readFlows(text: string): Flows[] {
  return text.split("\n").flatMap((line): Flows[] => {
    const [side, protocol = "", address = "", port, target = "", targetPort, count] = line.split(" ");
    if (side !== "source" && side !== "destination") return [];
    const numbers = { port: Number(port), targetPort: Number(targetPort), count: Number(count) };
    return [{ side, protocol, address, target, ...numbers }];
  });
}

/**
 * Asks iptables how often each owner's rules of the table `nat` were met, v4 and v6 together: there a connection is counted once,
 * by its first packet.
 */
export function natHitsFact(netns?: string): Fact<ReadonlyMap<string, number>> {
  // Without `-t`: iptables-legacy makes a table that it is asked for.
  const save = (tool: string) => `limit ${inNetns(netns)}${tool} -c 2>/dev/null`;
  const text = `${save("iptables-save")}; ${save("ip6tables-save")}; :`;
  return { command: sh(text), parse: ({ stdout }) => readHits(stdout) };
}

function readHits(text: string): ReadonlyMap<string, number> {
  const hits = new Map<string, number>();
  const tables = text.split(/^\*/m).filter((part) => part.startsWith("nat\n"));
  for (const line of tables.flatMap((part) => part.split("\n"))) {
    const [, packets, rest = ""] = /^\[(\d+):\d+\] (-A .*)$/.exec(line) ?? [];
    const words = splitWords(rest);
    const owner = words[words.indexOf("--comment") + 1]?.split(" ")[0];
    if (packets !== undefined && owner !== undefined && isOwner(owner))
      hits.set(owner, (hits.get(owner) ?? 0) + Number(packets));
  }
  return hits;
}
