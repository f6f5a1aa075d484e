import { afterAll, expect, test } from "vitest";
import { long } from "../long.ts";
import { failures } from "../subject.ts";
import type { History, Tally } from "./history.ts";
import { playOnce, runHistories, seed } from "./run.ts";
import { argsOf, type Theme } from "./theme.ts";

/** One theme of a file of tests. */
export interface Told {
  theme: Theme;
  /** How many histories the default run plays. */
  runs: number;
  /** Histories that have failed once, by what was wrong. */
  found?: Record<string, History>;
}

/** How often the long run plays what the default run plays once: LINUXNET_HISTORIES, or 20. */
const times = Number(process.env.LINUXNET_HISTORIES ?? 20);

/**
 * The tests of themes: random histories, and each that has failed once. The seed is printed; LINUXNET_TEST_SEED gives another one.
 */
export function historyTests(themes: Record<string, Told>): void {
  const total: Tally = {};
  afterAll(() => {
    const { histories = 0, ...events } = total;
    console.log(
      `tried: ${histories} random histories of ${Object.keys(themes).join(", ")}: ${JSON.stringify(events)}, LINUXNET_TEST_SEED=${seed}`,
    );
  });
  const all = Object.entries(themes);
  for (const [name, { theme }] of all) {
    test(`${name}: check takes each variant`, () => {
      for (const [slot, { kind, variants }] of Object.entries(theme.slots))
        for (const variant of Object.keys(variants))
          expect(failures(kind, argsOf(theme, new Map([[slot, variant]]), slot)), `${slot} = ${variant}`).toEqual([]);
    });
  }
  for (const [name, { theme, found = {} }] of all)
    test.for(Object.entries(found))(`${name}: %s`, ([, history]) => playOnce(theme, history));
  // One behind the other: the long run plays the themes of a file side by side, which only neighbours are.
  for (const [name, { theme, runs }] of all) {
    const title = `${name}: whatever has happened, an up makes it whole and a destroy leaves nothing (LINUXNET_TEST_SEED=${seed})`;
    const options = long ? { runs: runs * times, lines: 8, twice: true } : { runs, lines: 3 };
    test(title, { timeout: long ? 7_200_000 : 300_000, concurrent: long }, () => runHistories(theme, options, total));
  }
}
