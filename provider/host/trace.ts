import { appendFileSync } from "node:fs";

/** One exchange with a host, as a line of JSON in the file that LINUXNET_TRACE names. Sizes only, never what was sent. */
export interface TraceLine {
  /** The host, in the words of an error. */
  host: string;
  /** Milliseconds since 1970 when it was asked for; the opening of the session counts. */
  start: number;
  /** Milliseconds since 1970 when the last answer was there, or when it was given up. */
  end: number;
  /** Scripts that travelled together. */
  requests: number;
  /** Characters of the scripts. */
  sent: number;
  /** Characters of the answers; 0 when none came. */
  received: number;
}

/** Milliseconds since 1970, of a clock that no one sets. */
export const traceClock = (): number => performance.timeOrigin + performance.now();

/**
 * Appends a line to the file that the environment variable LINUXNET_TRACE names; without it, nothing is done. A file that cannot
 * be written stays without: what was done on the host must not be told as failed for it.
 */
export function trace(line: TraceLine): void {
  const file = process.env.LINUXNET_TRACE;
  if (!file) return;
  try {
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  } catch {
    // See above.
  }
}
