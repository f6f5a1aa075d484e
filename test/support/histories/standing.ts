import { subnetOf } from "../../../provider/kernel/addresses.ts";
import type { Snapshot } from "../snapshot.ts";

/** What may change while something of ours stands, and is put back with its last owner. */
const shared = /^(sysctls|processes)/;

/** The lines of a machine as it was that are there no more: what is not ours has to stay as it is. */
export function missingOf(before: Snapshot, now: Snapshot): string[] {
  return Object.entries(before)
    .filter(([name]) => !shared.test(name))
    .flatMap(([name, lines]) => {
      const there = new Set(now[name] ?? []);
      return lines.filter((line) => !there.has(line)).map((line) => `- ${name}: ${line}`);
    });
}

/**
 * What has come to a machine since, in lines that two runs have in common: without numbers that the kernel gives. Kernel settings are
 * left out: one that is declared no more keeps its value as long as its link stands. So is what a `lo` that is down has kept of the
 * time when it was up.
 */
export function addedTo(before: Snapshot, now: Snapshot): string[] {
  const sections = Object.entries(now).filter(([name]) => name !== "sysctls");
  const added = sections.flatMap(([name, lines]) => {
    const there = new Set(before[name] ?? []);
    const silent = isSilent(now, name.split(" ")[1] ?? "");
    return lines
      .filter((line) => !there.has(line))
      .flatMap((line) => (silent ? withoutKept(line) : [line]))
      .flatMap((line) => settled(name, line))
      .map((line) => `${name}: ${line}`);
  });
  return added.toSorted();
}

/** Whether the `lo` of a namespace is down. */
function isSilent(now: Snapshot, netns: string): boolean {
  return now[`links ${netns}`]?.some((line) => /"ifname":"lo".*"flags":\["LOOPBACK"\]/.test(line)) ?? false;
}

/** The kernel takes neither the qdisc nor 127.0.0.1 from a `lo` that goes down; it sends nothing by them. */
function withoutKept(line: string): string[] {
  if (/^qdisc noqueue 0: dev lo |^local 127\.0\.0\.[01]\S* dev lo /.test(line)) return [];
  if (!line.includes('"ifname":"lo"')) return [line];
  return [line.replace('"qdisc":"noqueue"', '"qdisc":"noop"').replace('"127.0.0.1/8 host lo"', "")];
}

function settled(section: string, line: string): string[] {
  // What a program has said, and how it ended before, is its past.
  if (/^(\S+ \S+ )?\/run\/linuxnet\/process\/[^/]+\/(last$|last:|log:)/.test(line)) return [];
  // What was cut off before its folder was tidied leaves it empty: the next operation takes it away.
  if (/^\S+ \S+ \/run\/linuxnet\/claims$/.test(line)) return [];
  if (/^(routes|netns)/.test(section) && /fe80::|ff00::|^\S+ \d+$/.test(line)) return [];
  const plain = line
    .replace(/"ifindex":\d+,/, "")
    .replace(/,?"[^"]* link [^"]*"/g, "")
    .replace("[,", "[")
    .replace(/"addresses":(\[[^\]]+\])/, (_, list: string) => `"addresses":${bySubnet(JSON.parse(list) as string[])}`)
    .replace(/ ?# handle \d+/, "")
    .replace(/^[RSD] /, "")
    .replace(/\(pid \d+ of \d+\)/, "")
    .replace(/net:\[\d+\]/, "net:[N]")
    .replace(/\b8[0-9a-f]{3}:/, "8000:");
  if (/^(files|processes)/.test(section)) return [plain.replace(/\d+/g, "N")];
  if (!/^nftables/.test(section)) return [plain];
  return plain
    .replace(/elements = \{|\}/g, "")
    .split(/, (?=\S)|,$/)
    .map((part) => part.trim())
    .filter(Boolean);
}

/** Which subnet comes first is not asked for (docs/trust.md, What is not shown), but which address comes first in it. */
function bySubnet(addresses: string[]): string {
  const subnet = (address: string) => subnetOf(address.split(" ")[0] ?? "");
  return JSON.stringify(addresses.toSorted((one, other) => subnet(one).localeCompare(subnet(other))));
}

/** Whether a chain of ours of iptables stands without a rule in it: made by an `up` that was cut off, and needed by nobody since. */
export function hasIdleChain(now: Snapshot): boolean {
  const lines = Object.entries(now).flatMap(([name, of]) => (name.startsWith("iptables") ? of : []));
  return lines.some((line) => {
    const [, chain] = /^:(LINUXNET-(?:RAW|FWD|PRE|OUT|POST)) /.exec(line) ?? [];
    return chain !== undefined && !lines.some((one) => one.startsWith(`-A ${chain} `));
  });
}

/** Lines that one list has more often than another, with a sign. */
export function differing(one: readonly string[], other: readonly string[]): string[] {
  const left = [...other];
  const gone = one.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [...gone.map((line) => `- ${line}`), ...left.map((line) => `+ ${line}`)];
}
