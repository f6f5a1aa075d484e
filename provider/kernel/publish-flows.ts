// The flows of published ports, which the kernel keeps as they began (conntrack(8)). Without that tool they end by themselves.
import { familyOf } from "./addresses.ts";
import { unlessUntracked } from "./cable-flows.ts";
import { type Step, sh } from "./command.ts";
import { loopback, onLoopback, type Publish } from "./publish.ts";
import { quoteAll } from "./quote.ts";
import { typed, typedLine } from "./typed.ts";

/** Drops the flows of a publish that is no more: exactly its own. */
export function dropFlows(publish: Publish): Step {
  const { targetAddress, targetPort } = publish;
  return flowsStep(publish, [...flowsOf(publish), "--reply-src", targetAddress, "--reply-port-src", `${targetPort}`]);
}

/**
 * Drops the flows of a publish as it was that it has no more: all of them when it leads elsewhere, else those to the addresses
 * of this host on which it answers no longer. What goes on as before is not touched.
 */
export function leftFlows(former: Publish, now: Publish): Step[] {
  const keys = ["protocol", "hostPort", "targetAddress", "targetPort"] as const;
  if (keys.some((key) => former[key] !== now[key])) return [dropFlows(former)];
  const { hostAddress, targetAddress, targetPort } = former;
  const own = loopback[familyOf(targetAddress)];
  const left =
    hostAddress === now.hostAddress || now.hostAddress === undefined ? undefined : (hostAddress ?? others(now));
  const addresses = [...(left ? [left] : []), ...(onLoopback(former) && !onLoopback(now) ? [own] : [])];
  const target = ["--reply-src", targetAddress, "--reply-port-src", `${targetPort}`];
  return addresses.length === 0 ? [] : [flowsTo(former, addresses.join(" "), target)];
}

/** A fragment that prints the addresses of this host, but for those of the loopback and the one that a publish is on. */
function others({ hostAddress = "", targetAddress }: Publish): string {
  return `$(limit ip -o -${familyOf(targetAddress)} addr show | awk '$2 != "lo" { split($4, a, "/"); if (a[1] != "${hostAddress}") print a[1] }')`;
}

/** Drops the flows to each of a list of addresses, in words of a shell. */
function flowsTo(publish: Publish, addresses: string, more: readonly string[]): Step {
  const each = `limit ${quoteAll([...flowsOf(publish), ...more])} --orig-dst "$address" >/dev/null 2>&1 || :`;
  const line = `${typedLine([...flowsOf(publish), ...more])} --orig-dst "$address" || true`;
  const list = addresses.replace("$(limit ", "$(");
  return {
    what: whatOf(publish),
    do: sh(`for address in ${addresses}; do ${each}; done`),
    ...typed([`for address in ${list}; do ${line}; done`]),
  };
}

/**
 * Drops the flows of clients that were sending to a port of this host before it was published: while they send, none of their
 * packets is the first of a flow. What passes through to that port of another host goes on.
 */
export function dropFormerFlows(publish: Publish): Step {
  const { hostAddress, targetAddress } = publish;
  if (hostAddress !== undefined) return flowsStep(publish, [...flowsOf(publish), "--orig-dst", hostAddress]);
  const own = `limit ip -o -${familyOf(targetAddress)} addr show | awk '{ split($4, a, "/"); print a[1] }'`;
  return flowsTo(publish, `$(${own})`, []);
}

function flowsOf({ protocol, hostPort, targetAddress }: Publish): string[] {
  const family = familyOf(targetAddress) === 6 ? "ipv6" : "ipv4";
  return ["conntrack", "-D", "-f", family, "-p", protocol, "--orig-port-dst", `${hostPort}`];
}

const dropping = "drop the flows of port";

const whatOf = ({ hostPort }: Publish) => `${dropping} ${hostPort}`;

function flowsStep(publish: Publish, argv: readonly string[]): Step {
  // It exits with 1 when there is none; without the tool, flows end by themselves.
  const text = unlessUntracked([`limit ${quoteAll(argv)} >/dev/null 2>&1 || :`]);
  return { what: whatOf(publish), do: sh(text), ...typed([`${typedLine(argv)} || true`]) };
}

/** Whether a step does nothing but drop flows of a publish, which {@link dropFlowsOfAll} does for many. */
export function dropsFlows({ what }: Step): boolean {
  return what.startsWith(dropping);
}

/** Prints of the flows, after the lines of `wanted` before them, what names those publishes that any of them is of, each once. */
const found = `FNR == NR { wanted[$0]; next }
{
  to = from = port = ""
  for (field = 1; field <= NF; field++) {
    if (to == "" && $field ~ /^dport=/) to = substr($field, 7)
    if ($field ~ /^src=/) from = substr($field, 5)
    if ($field ~ /^sport=/) port = substr($field, 7)
  }
  key = $1 " " to " " from " " port
  if (key in wanted && !seen[key]++) print key
}`;

/**
 * Drops the flows of many publishes that are no more: exactly theirs. Each deletion reads the whole table of connections, so the
 * table is read once for those that have any.
 */
export function dropFlowsOfAll(publishes: readonly Publish[]): Step[] {
  const [first] = publishes;
  if (!first) return [];
  if (publishes.length === 1) return [dropFlows(first)];
  const lines = ([4, 6] as const).flatMap((family) => {
    const own = publishes.filter(({ targetAddress }) => familyOf(targetAddress) === family);
    if (own.length === 0) return [];
    const keys = own.map((one) => `${one.protocol} ${one.hostPort} ${one.targetAddress} ${one.targetPort}`);
    const drop = `limit conntrack -D -f ipv${family} -p "$p" --orig-port-dst "$port" --reply-src "$to" --reply-port-src "$there"`;
    return [
      `limit conntrack -L -f ipv${family} 2>/dev/null | awk ${quoteAll([found])} /dev/fd/5 - 5<<'KEYS' | while read -r p port to there; do`,
      ...keys,
      "KEYS",
      `  ${drop} </dev/null >/dev/null 2>&1 || :`,
      "done",
    ];
  });
  return [{ what: `${dropping}s of ${publishes.length} published ports`, do: sh(unlessUntracked(lines)), within: 60 }];
}
