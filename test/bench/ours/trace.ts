import { existsSync, readFileSync, rmSync } from "node:fs";
import type { TraceLine } from "../../../provider/host/trace.ts";

/** What the sessions of one operation did. */
export interface OwnShare {
  /** Seconds in which a request of any session was under way. */
  seconds: number;
  /** How many times something was sent and awaited. */
  trips: number;
  /** Characters sent and received. */
  characters: number;
}

/** Adds up the lines of a trace; what overlaps counts once. */
export function ownShare(lines: readonly TraceLine[]): OwnShare {
  let [busy, until] = [0, 0];
  for (const { start, end } of lines.toSorted((a, b) => a.start - b.start)) {
    busy += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  const characters = lines.reduce((sum, { sent, received }) => sum + sent + received, 0);
  return { seconds: busy / 1000, trips: lines.length, characters };
}

/** Reads a trace and removes the file. */
export function takeTrace(file: string): OwnShare {
  if (!existsSync(file)) return ownShare([]);
  const lines = readFileSync(file, "utf8").trim().split("\n");
  rmSync(file);
  return ownShare(lines.filter(Boolean).map((line): TraceLine => JSON.parse(line)));
}
