import { z } from "zod";
import type { Reply } from "./command.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { formatRate, type Impairment, leastBurst, needsNetem, parseRate } from "./impairment-shape.ts";
import { isAbsence, readJson } from "./links.ts";

/** The queueing discipline at the root of a link. */
export interface Qdisc {
  dev: string;
  kind: string;
  /** What a tbf or netem does to packets, in the shape of the input. */
  impairment?: Impairment | undefined;
  /** Set by hand, and neither tbf nor netem: not ours to replace. */
  foreign: boolean;
  /** Bytes that a tbf lets through at once. */
  burst?: number | undefined;
}

const share = (name: string) => z.looseObject({ [name]: z.number() }).optional();

/** What tc prints in JSON: seconds, fractions of one, bytes per second (iproute2 6.1, tc/q_netem.c and tc/q_tbf.c). */
const shape = z.looseObject({
  kind: z.string(),
  handle: z.string().default("0:"),
  dev: z.string().default(""),
  root: z.boolean().optional(),
  options: z
    .looseObject({
      delay: z.looseObject({ delay: z.number(), jitter: z.number().default(0) }).optional(),
      "loss-random": share("loss"),
      duplicate: share("duplicate"),
      corrupt: share("corrupt"),
      reorder: share("reorder"),
      rate: z.union([z.number(), z.looseObject({ rate: z.number() })]).optional(),
      burst: z.number().optional(),
    })
    .default({}),
});

type Printed = z.infer<typeof shape>;

const known = new WeakMap<Reply, Qdisc[]>();

/** Reads `tc -j qdisc show`: the roots. No namespace is no qdisc, and so is no tc: what is wanted fails when it is set. */
export function parseQdiscs(reply: Reply): Qdisc[] {
  const found = known.get(reply) ?? read(reply);
  known.set(reply, found);
  return found;
}

function read(reply: Reply): Qdisc[] {
  if (isAbsence(reply) || reply.code === 127) return [];
  return readJson(reply, z.array(shape)).flatMap((printed) => (printed.root ? [qdiscOf(printed)] : []));
}

function qdiscOf(printed: Printed): Qdisc {
  const { kind, handle, dev, options } = printed;
  if (kind !== "tbf" && kind !== "netem") return { dev, kind, foreign: handle !== "0:" };
  return { dev, kind, foreign: false, impairment: impairmentOf(options), burst: options.burst };
}

function impairmentOf(options: Printed["options"]): Impairment {
  const { delay, rate } = options;
  const percent = (name: string, key = name) => {
    const fraction = (options[key] as Record<string, number> | undefined)?.[name];
    return fraction ? { [name]: rounded(fraction * 100) } : {};
  };
  const bytes = typeof rate === "object" ? rate.rate : rate;
  return {
    ...(delay && { delay: formatDuration(delay.delay) }),
    ...(delay?.jitter ? { jitter: formatDuration(delay.jitter) } : {}),
    ...percent("loss", "loss-random"),
    ...percent("duplicate"),
    ...percent("corrupt"),
    ...percent("reorder"),
    ...(bytes ? { rate: formatRate(bytes * 8) } : {}),
  };
}

/** Six digits: as many as tc prints. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

/** Whether a link does to packets what is wanted: numbers that tc prints alike are alike. */
export function sameImpairment(wanted: Impairment | undefined, seen: Qdisc | undefined, mtu: number): boolean {
  const one = numbers(wanted);
  const other = numbers(seen?.impairment);
  if (one.some((value, index) => !near(value, other[index] ?? 0))) return false;
  const kind = needsNetem(wanted) ? "netem" : one.some((value) => value > 0) ? "tbf" : undefined;
  if (seen?.impairment && seen.kind !== kind) return false;
  // The kernel counts a burst in ticks of 64 ns, so it comes back a little smaller.
  return kind !== "tbf" || (seen?.burst ?? 0) >= leastBurst(mtu) * 0.9;
}

function numbers({ delay, jitter, loss, duplicate, corrupt, reorder, rate }: Impairment = {}): number[] {
  const seconds = [delay, jitter].map((text) => (text === undefined ? 0 : (parseDuration(text) ?? 0)));
  const bytes = rate === undefined ? 0 : Math.floor((parseRate(rate) ?? 0) / 8);
  return [...seconds, loss ?? 0, duplicate ?? 0, corrupt ?? 0, reorder ?? 0, bytes];
}

function near(one: number, other: number): boolean {
  return Math.abs(one - other) <= 1e-5 * Math.max(one, other) + 1e-7;
}
