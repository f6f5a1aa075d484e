import { hostOf } from "../../host/host.ts";
import { Watch } from "../../host/watch.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { type Frame, PcapReader } from "../../kernel/pcap.ts";
import { quote, quoteAll } from "../../kernel/quote.ts";
import { countSockets, waitFor, watchScript } from "../../kernel/watching.ts";
import type { Site } from "./places.ts";

/** A packet, as text or as bytes. */
export interface Caught {
  /** Number of its site. */
  site: number;
  /** Microseconds since 1970, by its host's clock. */
  at: number;
  text: string;
  /** Whether it begins a packet: its text may take several lines. */
  first: boolean;
  frame: Frame | undefined;
}

/** How packets are captured. */
export interface Capturing {
  /** As bytes, whole; else as tcpdump's text. */
  binary: boolean;
  /** pcap-filter(7); empty: everything. */
  filter: string;
}

/** Where captured packets go, as they come, in no order. */
export interface Sink {
  caught(one: Caught): void;
  /** Of bytes, what kind of packets a site has (pcap-linktype(7)): before the first of them. */
  described(site: number, linktype: number): void;
  /** A tcpdump has ended: it refuses what it was given, or its link is gone. */
  failed(error: LinuxnetError): void;
}

/**
 * Captures at several sites at once, until it is closed.
 *
 * @throws LinuxnetError when a host cannot be reached, or tcpdump refuses
 */
export async function capture(sites: readonly Site[], how: Capturing, sink: Sink): Promise<Watch[]> {
  const hosts = Map.groupBy(sites.keys(), (index) => JSON.stringify(sites[index]?.connection ?? {}));
  const opened = await Promise.allSettled([...hosts.values()].map((own) => onHost(own, sites, how, sink)));
  const watches = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  try {
    for (const one of opened) if (one.status === "rejected") throw one.reason;
    for (const one of watches) refuseComplaint(one);
    return watches;
  } catch (error) {
    await Promise.all(watches.map((one) => one.close()));
    throw error;
  }
}

function refuseComplaint({ name, complaints }: Watch): void {
  const line = complaints.split("\n").find(isEnd);
  if (line !== undefined) throw endedBy(line, name);
}

/** Whether tcpdump says a line only when it does not capture, or no more. */
const isEnd = (line: string) => /^tcpdump: (?!listening|data link|verbose|Warning)/i.test(line);

function endedBy(line: string, host: string): LinuxnetError {
  const isFilter = /filter expression|syntax error|unknown/.test(line);
  const remedy = isFilter ? "Write the filter as pcap-filter(7) says." : "";
  return new LinuxnetError({
    host,
    problem: "tcpdump does not capture",
    cause: line.replace("tcpdump: ", ""),
    remedy,
  });
}

function onHost(own: readonly number[], sites: readonly Site[], how: Capturing, sink: Sink) {
  const readers = new Map(own.map((index) => [index, how.binary ? new Bytes(index, sink) : new Lines(index, sink)]));
  const script = scriptOf(own, sites, how);
  const connection = sites[own[0] ?? 0]?.connection;
  const onLine = (line: string) => {
    const [, number = "", text = ""] = /^P(\d+) (.*)$/s.exec(line) ?? [];
    readers.get(Number(number))?.take(text);
  };
  // It opens its socket, by which it counts as ready, before it reads its filter.
  const onComplaint = (line: string) => isEnd(line) && sink.failed(endedBy(line, hostOf(connection).name));
  return Watch.open(connection, script, onLine, onComplaint);
}

class Bytes {
  readonly #reader = new PcapReader();
  readonly #site: number;
  readonly #sink: Sink;
  constructor(site: number, sink: Sink) {
    this.#site = site;
    this.#sink = sink;
  }
  take(text: string): void {
    const known = this.#reader.linktype !== undefined;
    const frames = this.#reader.push(Buffer.from(text, "base64"));
    if (!known && this.#reader.linktype !== undefined) this.#sink.described(this.#site, this.#reader.linktype);
    for (const frame of frames) this.#sink.caught({ site: this.#site, at: frame.at, text: "", first: true, frame });
  }
}

class Lines {
  #last = 0;
  readonly #site: number;
  readonly #sink: Sink;
  constructor(site: number, sink: Sink) {
    this.#site = site;
    this.#sink = sink;
  }
  take(line: string): void {
    // tcpdump ends what it was printing with one more line when it is ended.
    if (line === "") return;
    const [, seconds, micro = "", rest] = /^(\d+)\.(\d{6}) (.*)$/.exec(line) ?? [];
    // A packet may take several lines: the others belong to the first.
    if (seconds !== undefined) this.#last = Number(seconds) * 1_000_000 + Number(micro);
    this.#sink.caught({
      site: this.#site,
      at: this.#last,
      text: rest ?? line,
      first: rest !== undefined,
      frame: undefined,
    });
  }
}

function scriptOf(own: readonly number[], sites: readonly Site[], { binary, filter }: Capturing): string {
  const all = own.map((index) => ({ index, ...(sites[index] as Site) }));
  const options = binary ? ["-U", "-s", "0", "-w", "-"] : ["-l", "-nn", "-tt"];
  const watchers = all.map(({ index, enter, link }) => {
    const words = quoteAll(["tcpdump", "-i", link, "-Z", "root", "--immediate-mode", ...options]);
    return {
      tag: `P${index}`,
      command: `${enter}${words} "$own"${filter === "" ? "" : ` and '(' ${quote(filter)} ')'`}`,
      binary,
    };
  });
  const before = all.map(({ index, enter }) => `packets${index}=${countSockets("packets", enter)}`);
  // Sites of one namespace count each other's sockets.
  const tests = all.map(({ index, enter }) => {
    const before = all.filter((one) => one.enter === enter && one.index <= index).length;
    return `[ ${countSockets("packets", enter)} -ge $((packets${index} + ${before})) ]`;
  });
  return watchScript(watchers, [], [ownTraffic, ...before].join("\n"), waitFor(tests));
}

/** What a capture sends home would be captured again: the connection that it came by is left out. sudo may have taken the variable away. */
const ownTraffic = `own="greater 0"
p=$$
while [ "$p" -gt 1 ]; do
  ssh=$(tr '\\0' '\\n' <"/proc/$p/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=//p')
  [ -z "$ssh" ] || { set -- $ssh; own="not (host $1 and tcp port $2)"; break; }
  p=$(sed 's/.*) . \\([0-9]*\\) .*/\\1/' "/proc/$p/stat" 2>/dev/null || echo 0)
done`;
