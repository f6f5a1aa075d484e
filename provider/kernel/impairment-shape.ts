import { z } from "zod";
import { duration } from "./duration.ts";

/** What is done to the packets that leave through a link: sch_tbf for a rate alone, sch_netem for anything else. */
export interface Impairment {
  /** How long every packet is held: `50ms`. */
  delay?: string | undefined;
  /** By how much the delay varies, either way. */
  jitter?: string | undefined;
  /** Percent of packets that are dropped, 0 to 100. */
  loss?: number | undefined;
  /** Percent of packets that are sent twice. */
  duplicate?: number | undefined;
  /** Percent of packets in which one bit is turned. */
  corrupt?: number | undefined;
  /** Percent of packets that are sent at once, ahead of those that are held. */
  reorder?: number | undefined;
  /** Bits per second as tc writes them: `10mbit`. */
  rate?: string | undefined;
}

const units = ["gbit", "mbit", "kbit", "bit"] as const;
const factors = { gbit: 1e9, mbit: 1e6, kbit: 1e3, bit: 1 };

/** Reads a rate as tc does (tc(8), "RATES"), in bits per second; undefined when it is none. */
export function parseRate(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(bit|kbit|mbit|gbit)$/i.exec(text);
  if (!match) return undefined;
  const bits = Math.round(Number(match[1]) * factors[match[2]?.toLowerCase() as keyof typeof factors]);
  return Number.isSafeInteger(bits) ? bits : undefined;
}

/** Writes bits per second in the largest unit that leaves a whole number: `1500kbit`. */
export function formatRate(bits: number): string {
  const unit = units.find((name) => bits % factors[name] === 0) as (typeof units)[number];
  return `${bits / factors[unit]}${unit}`;
}

const percent = z
  .number("must be a percentage, a number from 0 to 100")
  .min(0, "must be from 0 to 100 percent")
  .max(100, "must be from 0 to 100 percent");

const rate = z.string('must be a rate such as "10mbit"').transform((text, context) => {
  const bits = parseRate(text);
  if (bits !== undefined && bits >= 1000) return formatRate(bits);
  const message =
    bits === undefined
      ? 'must be a rate in bit, kbit, mbit or gbit, such as "10mbit"'
      : "must be at least 1kbit, the least that the kernel's shaper keeps";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** The input `impairment` of a link's end; canonical: shortest durations, rates in the largest whole unit. */
export const impairment = z
  .strictObject(
    {
      delay: duration.optional(),
      jitter: duration.optional(),
      loss: percent.optional(),
      duplicate: percent.optional(),
      corrupt: percent.optional(),
      reorder: percent.optional(),
      rate: rate.optional(),
    },
    'must be an object such as { delay: "50ms", loss: 1 }',
  )
  .superRefine((value, context) => {
    const fault = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
    if (Object.values(value).every((field) => field === undefined))
      fault([], "must have at least one of delay, jitter, loss, duplicate, corrupt, reorder and rate");
    if (value.jitter !== undefined && value.delay === undefined) fault(["jitter"], "needs a delay to vary");
    if (value.reorder !== undefined && value.delay === undefined)
      fault(["reorder"], "needs a delay: packets are reordered by sending some of them at once");
  });

/** Whether what is wanted takes netem; a rate alone does not. */
export function needsNetem(wanted: Impairment | undefined): boolean {
  const { loss, duplicate, corrupt, reorder, delay } = wanted ?? {};
  return delay !== undefined || [loss, duplicate, corrupt, reorder].some((share) => (share ?? 0) > 0);
}

/** The least that a tbf must hold for a packet of this MTU to pass: its Ethernet header too (tc-tbf(8), "burst"). */
export function leastBurst(mtu: number): number {
  return mtu + 18;
}
