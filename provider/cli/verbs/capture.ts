import { closeSync, openSync } from "node:fs";
import type { Command } from "commander";
import type { Watch } from "../../host/watch.ts";
import { parseDuration } from "../../kernel/duration.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { Ordered } from "../capturing/order.ts";
import { type Site, sitesOf } from "../capturing/places.ts";
import { type Capturing, type Caught, capture } from "../capturing/stream.ts";
import { type Writer, writerOf } from "../capturing/writer.ts";
import { readStack } from "../stack.ts";
import { topologyOf } from "../topology/read.ts";
import { type Call, exitCodes, mistake, type Verb } from "../verb.ts";

/** `linuxnet capture WHERE...`: tcpdump at several places at once, in one order. */
export const verb: Verb = {
  examples: [
    "capture web client -- icmp",
    "capture web:eth0 shop uplink -w way.pcapng -c 100",
    "capture host --duration 10s",
  ],
  declare: (command) =>
    void command
      .argument(
        "<where...>",
        "a container, a network, `host`, `uplink`; CONTAINER:LINK, host:LINK; then -- and a filter of tcpdump",
      )
      .option("-w, --write <file>", "write the packets to a pcapng, an interface for each place")
      .option("-c, --count <packets>", "end after so many packets")
      .option("--duration <time>", "end after this time: 10s, 2m")
      .hook("preAction", (_verb, own) => void own.setOptionValue("filter", behindDashes(own))),
  async run(call) {
    const given = call.options as { write?: string; count?: string; duration?: string; filter: string[] };
    const limits = limitsOf(given);
    const where = (call.args[0] as string[]).slice(0, -given.filter.length || undefined);
    if (where.length === 0) mistake("there is no place to capture at", "Name one: linuxnet capture web -- icmp.");
    const stack = await readStack(call.folder, call.stacks[0]);
    const sites = await sitesOf(where, await topologyOf(stack), `${stack.project}/${stack.name}`);
    const file = given.write === undefined ? undefined : opened(given.write);
    try {
      const writer = writerOf(call, sites, file);
      const how = { binary: file !== undefined, filter: given.filter.join(" ") };
      await until(call, sites, how, limits, writer);
    } finally {
      if (file !== undefined) closeSync(file);
    }
    return exitCodes.healthy;
  },
};

/** The words behind `--`: commander takes them for places too. */
function behindDashes(command: Command): string[] {
  let root = command;
  while (root.parent) root = root.parent;
  const { rawArgs } = root as unknown as { rawArgs: string[] };
  const at = rawArgs.indexOf("--");
  return at < 0 ? [] : rawArgs.slice(at + 1);
}

interface Limits {
  count: number;
  seconds: number | undefined;
}

function limitsOf({ count, duration }: { count?: string; duration?: string }): Limits {
  if (count !== undefined && !/^[1-9]\d{0,8}$/.test(count))
    mistake(`--count ${count} is no number of packets`, "Try -c 100.");
  const seconds = duration === undefined ? undefined : parseDuration(duration);
  if (duration !== undefined && !seconds) mistake(`--duration ${duration} is no time`, "Try 10s or 2m.");
  // Timers of Node end at 2^31 milliseconds.
  if (seconds !== undefined && seconds > 2_000_000) mistake(`--duration ${duration} is too long`, "Give at most 500h.");
  return { count: count === undefined ? Number.POSITIVE_INFINITY : Number(count), seconds };
}

function opened(path: string): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    throw new LinuxnetError({ problem: `cannot write ${path}`, cause: (error as Error).message });
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Captures until there are enough packets, or time is over, or somebody ends it. */
async function until(
  call: Call,
  sites: readonly Site[],
  how: Capturing,
  limits: Limits,
  writer: Writer,
): Promise<void> {
  const { promise: over, resolve: stop, reject: fail } = Promise.withResolvers<void>();
  // It may fail before anybody waits for it.
  over.catch(() => {});
  for (const signal of signals) process.once(signal, () => stop());
  const ordered = new Ordered(counted(writer, limits.count, stop));
  const caught = (one: Caught) => ordered.take(one);
  let watches: Watch[] = [];
  try {
    watches = await capture(sites, how, { caught, described: writer.describe, failed: fail });
    for (const one of watches) void one.ended.then(() => fail(early));
    call.terminal.warn(`linuxnet: capturing at ${sites.map(({ name }) => name).join(", ")}; Ctrl-C ends it`);
    if (limits.seconds !== undefined) setTimeout(stop, limits.seconds * 1000).unref();
    await over;
  } finally {
    await Promise.all(watches.map((one) => one.close()));
    ordered.end();
    writer.end();
  }
}

const early = new LinuxnetError({
  problem: "a capture has ended before its time",
  remedy: "Look whether its host is still reached.",
});

/** Gives so many packets to a writer, each with all lines of its text. */
function counted(writer: Writer, count: number, enough: () => void): (one: Caught) => void {
  let left = count;
  return (one) => {
    if (one.first) left -= 1;
    if (left >= 0) writer.take(one);
    if (left <= 0) enough();
  };
}
