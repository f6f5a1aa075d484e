import { type Change, type Fact, type Reply, type ShCommand, type Step, sh, unasked } from "./command.ts";
import { parseDuration } from "./duration.ts";
import { refuse } from "./failure.ts";
import { parseQdiscs, type Qdisc, sameImpairment } from "./impairment-read.ts";
import { type Impairment, leastBurst, needsNetem, parseRate } from "./impairment-shape.ts";
import { quote, quoteAll } from "./quote.ts";
import { typed, typedLine } from "./typed.ts";

export { type Impairment, impairment } from "./impairment-shape.ts";

/** A link's end as far as it is impaired. */
export interface ImpairedEnd {
  name: string;
  netns?: string | undefined;
  /** Bytes; default 1500. */
  mtu?: number | undefined;
  impairment?: Impairment | undefined;
}

function tc(netns: string | undefined, words: readonly string[]): ShCommand {
  const where = netns === undefined ? "" : `-n ${quote(netns)} `;
  return sh(`limit tc ${where}${quoteAll(words)}`);
}

/**
 * Asks for the queueing discipline at the root of a link; undefined when link or namespace is not there. All links of a
 * namespace share one question.
 */
export function impairmentFact(dev: string, netns?: string): Fact<Qdisc | undefined> {
  const command = sh(`limit tc ${netns === undefined ? "" : `-n ${quote(netns)} `}-j qdisc show`);
  return { command, parse: (reply) => parseQdiscs(reply).find((qdisc) => qdisc.dev === dev) };
}

/** Asks whether the kernel has netem, in a namespace that is thrown away; asks nothing where none of the ends needs it. */
export function netemFact(...wanted: readonly (Impairment | undefined)[]): Fact<boolean> {
  if (!wanted.some(needsNetem)) return { command: unasked, parse: () => true };
  return {
    command: sh("limit unshare -n tc qdisc add dev lo root netem delay 1ms"),
    // Any other failure (no right to unshare) says nothing about netem.
    parse: ({ stderr }: Reply) => !/qdisc kind is unknown|No such file or directory/.test(stderr),
  };
}

/**
 * What is missing for a link to be impaired as wanted, and to be free of tbf and netem where nothing is wanted.
 *
 * @param property the input's path: `impairment`, `peer.impairment`
 * @param seen what {@link impairmentFact} answered; undefined for a link that is yet to be made
 * @param netem what {@link netemFact} answered
 * @throws LinuxnetError when the kernel has no netem, or when another kind of queueing discipline stands there
 */
export function impairmentChanges(
  property: string,
  { name, netns, mtu = 1500, impairment: wanted }: ImpairedEnd,
  seen: Qdisc | undefined,
  netem: boolean,
): Change[] {
  if (sameImpairment(wanted, seen, mtu)) return [];
  if (!netem && needsNetem(wanted))
    refuse(
      "this kernel has no netem (sch_netem)",
      "Leave all but `rate` out of the impairment, or load the module sch_netem.",
    );
  if (seen?.foreign)
    refuse(
      `${name} has a queueing discipline ${seen.kind} that is not linuxnet's`,
      `Delete it: tc ${netns === undefined ? "" : `-n ${netns} `}qdisc del dev ${name} root`,
    );
  const wordsOf = (what: Impairment | undefined) => rootWords(name, what && qdiscWords(what, mtu));
  const put = (what: Impairment | undefined) => tc(netns, wordsOf(what));
  const line = typedLine(["tc", ...(netns === undefined ? [] : ["-n", netns]), ...wordsOf(wanted)]);
  const what = wanted ? `impair ${name}` : `end the impairment of ${name}`;
  const step: Step = { what, do: put(wanted), undo: [put(seen?.impairment)], ...typed([line]) };
  return [{ property, actual: seen?.impairment, steps: [step] }];
}

function rootWords(name: string, words: readonly string[] | undefined): string[] {
  return ["qdisc", words ? "replace" : "del", "dev", name, "root", ...(words ?? [])];
}

/** The words of `tc qdisc` (tc-tbf(8), tc-netem(8)); undefined when nothing is to be done to packets. */
export function qdiscWords(wanted: Impairment, mtu: number): string[] | undefined {
  if (needsNetem(wanted)) return netemWords(wanted);
  return wanted.rate === undefined ? undefined : tbfWords(wanted.rate, mtu);
}

/** A hundredth of a second at full rate, but one packet at least; what waits longer than 50 ms, or ten packets, is dropped. */
function tbfWords(text: string, mtu: number): string[] {
  const bytes = (parseRate(text) ?? 0) / 8;
  const burst = Math.ceil(Math.max(bytes / 100, leastBurst(mtu)));
  const latency = Math.ceil(Math.max(0.05, (10 * mtu) / bytes) * 1000);
  return ["tbf", "rate", text, "burst", `${burst}`, "latency", `${latency}ms`];
}

function netemWords({ delay, jitter, rate, ...shares }: Impairment): string[] {
  const microseconds = (text: string) => `${Math.round((parseDuration(text) ?? 0) * 1e9) / 1e3}us`;
  const { loss, duplicate, corrupt, reorder } = shares;
  const share = ([name, value]: [string, number | undefined]) => (value ? [name, `${decimal(value)}%`] : []);
  return [
    "netem",
    // The kernel's 1000 packets are less than what a fast link sends within a delay: the rest would be lost.
    ...["limit", delay === undefined ? "1000" : "10000"],
    ...(delay === undefined ? [] : ["delay", microseconds(delay), ...(jitter ? [microseconds(jitter)] : [])]),
    ...Object.entries({ loss, duplicate, corrupt, reorder }).flatMap(share),
    ...(rate === undefined ? [] : ["rate", rate]),
  ];
}

/** A number without an exponent: 1e-7 is no percentage to a reader. */
function decimal(value: number): string {
  return value.toFixed(10).replace(/\.?0+$/, "");
}
