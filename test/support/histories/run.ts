import fc from "fast-check";
import { long } from "../long.ts";
import { Machine } from "../machine.ts";
import type { Snapshot } from "../snapshot.ts";
import { type History, histories, play, type Tally } from "./history.ts";
import type { Theme } from "./theme.ts";

/** The seed of this run: LINUXNET_TEST_SEED, or in the long run a random one. By default it is always the same one. */
export const seed = Number(process.env.LINUXNET_TEST_SEED ?? (long ? Math.floor(Math.random() * 2 ** 31) : 7));

/** Milliseconds in which a history that failed is made shorter. */
const shrinking = 120_000;

/** A machine on which a theme's ground stands. */
export async function groundOf(theme: Theme): Promise<{ machine: Machine; before: Snapshot }> {
  const machine = await Machine.start();
  await machine.sh(theme.ground);
  await machine.baseline();
  return { machine, before: await machine.snapshot() };
}

/** How histories are to be run. */
interface Options {
  /** How many, and of how many lines each at most. */
  runs: number;
  lines: number;
  /** Whether the last program of each is made once more on the bare machine. */
  twice?: boolean;
}

/**
 * Runs random histories, one after the other on one machine; one that fails is made shorter, each try on a fresh machine.
 *
 * @param total what was done is counted here, of histories that held until one fails
 * @throws Error with the shortest history that failed, and the seed
 */
export async function runHistories(theme: Theme, { runs, lines, twice = false }: Options, total: Tally): Promise<void> {
  let place = await groundOf(theme);
  let until = Number.POSITIVE_INFINITY;
  const property = fc.asyncProperty(histories(theme, lines), async (history) => {
    if (Date.now() > until) return;
    try {
      const tally = await play(theme, history, place.machine, place.before, twice);
      if (until < Number.POSITIVE_INFINITY) return;
      for (const [what, times] of Object.entries({ ...tally, histories: 1 })) total[what] = (total[what] ?? 0) + times;
    } catch (error) {
      // At once: a run that is ended early would not tell it.
      if (until === Number.POSITIVE_INFINITY) console.log(`failed: ${error instanceof Error ? error.message : error}`);
      until = Math.min(until, Date.now() + shrinking);
      await place.machine.stop();
      place = await groundOf(theme);
      throw error;
    }
  });
  try {
    await fc.assert(property, { numRuns: runs, seed, includeErrorInReport: true } as fc.Parameters<[string[]]>);
  } finally {
    await place.machine.stop();
  }
}

/** Plays one history on a machine of its own. */
export async function playOnce(theme: Theme, history: History): Promise<void> {
  const { machine, before } = await groundOf(theme);
  try {
    await play(theme, history, machine, before, true);
  } finally {
    await machine.stop();
  }
}
