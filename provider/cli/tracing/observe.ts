import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { hostOf } from "../../host/host.ts";
import { Watch } from "../../host/watch.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { readTraceLine } from "../../kernel/nft-trace.ts";
import { readCooked } from "../../kernel/packet.ts";
import { PcapReader } from "../../kernel/pcap.ts";
import { quote } from "../../kernel/quote.ts";
import { sendFact, type Tracer, tracerFilter, tracingTable } from "../../kernel/tracer.ts";
import { countSockets, type Held, type Watcher, waitFor, watchScript } from "../../kernel/watching.ts";
import { afterwards, tracerOn } from "./aftermath.ts";
import type { Capture, Journey, Observation, Traced } from "./model.ts";
import { type Surveyed, survey } from "./survey.ts";

/** How long what was seen may take to be told, in milliseconds. */
const settling = 300;

/**
 * Sends the packet of a journey, and gathers all that is seen of it. Nothing stays on any host.
 * @throws LinuxnetError when the packet cannot be sent, or a host cannot be reached
 */
export async function observe(journey: Journey): Promise<Observation> {
  const { sender, spots } = journey;
  const known = await survey(journey);
  const tracer = { ...journey.tracer, ...(known.source !== undefined && { source: known.source }) };
  const seen: Pick<Observation, "captures" | "traced"> = { captures: [], traced: [] };
  const hosts = Map.groupBy(spots.keys(), (index) => JSON.stringify(spots[index]?.connection ?? {}));
  const watches = await openAll([...hosts.values()].map((own) => () => watchHost(own, journey, tracer, known, seen)));
  try {
    const { sent } = await hostOf(sender.connection).observe({ sent: sendFact(tracer, sender.enter) });
    await sleep(settling);
    refuseBlind(watches);
    const rest = await afterwards(journey, tracer, known);
    await Promise.all(watches.map((one) => one.close()));
    return { sent, ...seen, ...rest, unseen: [...rest.unseen, ...watches.flatMap(complaints)] };
  } finally {
    await Promise.all(watches.map((one) => one.close()));
  }
}

/** What was seen is not all, where what watched has ended before its time. */
function refuseBlind(watches: readonly Watch[]): void {
  const over = watches.find((one) => one.over);
  if (!over) return;
  const problem = "what watches the packet has ended before its time";
  throw new LinuxnetError({ host: over.name, problem, state: "Nothing of it is left.", remedy: "Try again." });
}

/** What kept nft or tcpdump from watching. */
function complaints({ name, complaints: text }: Watch): string[] {
  const found = text.split("\n").filter((line) => /^Error: |^tcpdump: (?!listening|data link)/.test(line));
  return [...new Set(found)].map((line) => `On ${name} not all is seen: ${line.trim()}`);
}

/** Starts all; when one fails, those that were started are ended. */
async function openAll(openings: readonly (() => Promise<Watch>)[]): Promise<Watch[]> {
  const results = await Promise.allSettled(openings.map((open) => open()));
  const watches = results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = results.find((one) => one.status === "rejected");
  if (!failed) return watches;
  await Promise.all(watches.map((one) => one.close()));
  throw failed.reason;
}

function watchHost(
  own: readonly number[],
  { spots, sender }: Journey,
  tracer: Tracer,
  known: Surveyed,
  seen: Pick<Observation, "captures" | "traced">,
): Promise<Watch> {
  const connection = spots[own[0] ?? 0]?.connection;
  const readers = new Map(own.map((spot) => [spot, new PcapReader()]));
  const script = scriptOf(own, spots, tracerOn(connection, sender, tracer), known);
  return Watch.open(connection, script, (line) => {
    const [, tag, number = "", text = ""] = /^([TC])(\d+) (.*)$/.exec(line) ?? [];
    const spot = Number(number);
    if (tag === "T") seen.traced.push(...tracedIn(text, spot));
    if (tag === "C") seen.captures.push(...capturesIn(text, spot, readers.get(spot), known));
  });
}

function tracedIn(text: string, spot: number): Traced[] {
  const event = readTraceLine(text);
  return event ? [{ spot, ...event }] : [];
}

function capturesIn(text: string, spot: number, reader: PcapReader | undefined, known: Surveyed): Capture[] {
  const frames = reader?.push(Buffer.from(text, "base64")) ?? [];
  return frames.flatMap(({ at, bytes }) => {
    const sight = readCooked(bytes);
    if (!sight) return [];
    const link = known.links[spot]?.get(sight.link) ?? `link ${sight.link}`;
    return [{ spot, at, link, io: sight.way, packet: sight.packet }];
  });
}

function scriptOf(own: readonly number[], spots: Journey["spots"], tracer: Tracer, known: Surveyed): string {
  const [watchers, held, before, ready]: [Watcher[], Held[], string[], string[]] = [[], [], [], []];
  for (const index of own) {
    const spot = spots[index] as Journey["spots"][number];
    const { enter } = spot;
    const [packets, trace] = [countSockets("packets", enter), countSockets("trace", enter)];
    if (known.captured[index]) {
      const command = `${enter}tcpdump -i any -y LINUX_SLL2 -Z root -p -n -U --immediate-mode -s 160 -w - ${quote(tracerFilter(tracer))}`;
      watchers.push({ tag: `C${index}`, command, binary: true });
      before.push(`packets${index}=${packets}`);
      ready.push(`[ ${packets} -gt $packets${index} ]`);
    }
    if (!known.ruled[index]) continue;
    const name = `linuxnet-trace-${randomBytes(4).toString("hex")}`;
    held.push({ enter, text: tracingTable(name, tracer, spot.own) });
    watchers.push({ tag: `T${index}`, command: `${enter}nft -a monitor trace`, binary: false });
    before.push(`trace${index}=${trace}`);
    ready.push(`[ ${trace} -gt $trace${index} ]`, `${enter}nft list chain inet ${name} ready >/dev/null 2>&1`);
  }
  return watchScript(watchers, held, before.join("\n"), waitFor(ready));
}
