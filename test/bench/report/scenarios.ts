import type { Results } from "../stats.ts";
import { digits, table } from "./markdown.ts";

/** A column: its head, and the metric of which it shows the median. */
export type Column = readonly [head: string, metric: string];

/** A row for each size at which one of the subjects was measured. */
export function columnsTable(results: Results, title: string, subjects: readonly string[], columns: readonly Column[]) {
  const [[, first] = ["", ""]] = columns;
  const rows = subjects.flatMap((name) =>
    results
      .sizes(name, first)
      .map((n) => [`${name}, N=${n}`, ...columns.map(([, metric]) => digits(results.median(name, n, metric)))]),
  );
  return table([[title, ...columns.map(([head]) => head)], ...rows]);
}

/** Connections a second through published ports, of ours and of iptables' rules, one for each port as Docker's. */
export const portsTable = (results: Results): string =>
  columnsTable(
    results,
    "connections a second",
    ["ports", "ports-iptables"],
    [
      ["last of N", "rate"],
      ["first of N", "rateFirst"],
      ["a machine with one", "rateOfOne"],
      ["up, s", "up"],
      ["no-op, s", "noop"],
      ["no-op, refresh, s", "refreshed"],
      ["down, s", "down"],
    ],
  );

/** The same lab over ssh, without delay and at a distance. */
export const distanceTable = (results: Results): string =>
  columnsTable(
    results,
    "seconds",
    ["components", "lab"].flatMap((way) => [`${way}-ssh-0ms`, `${way}-ssh-20ms`]),
    [
      ["up", "up"],
      ["own share", "upOwn"],
      ["no-op", "noop"],
      ["no-op, refresh", "refreshed"],
      ["change one", "change"],
      ["down", "down"],
      ["round trips, up", "upTrips"],
    ],
  );

/** Many machines in one `up`. */
export const machinesTable = (results: Results): string =>
  columnsTable(
    results,
    "seconds",
    ["components-machines", "lab-machines"],
    [
      ["up", "up"],
      ["engine", "engineUp"],
      ["own share", "upOwn"],
      ["no-op", "noop"],
      ["no-op, refresh", "refreshed"],
      ["engine", "engineRefreshed"],
      ["change one", "change"],
      ["down", "down"],
      ["engine", "engineDown"],
      ["resources", "resources"],
      ["peak, MB", "upPeakMB"],
    ],
  );

/** What an `up` with nothing to do takes, without and with a look at the kernel, and a change of one host. */
export const quietTable = (results: Results, ways: readonly string[]): string =>
  columnsTable(results, "seconds", ways, [
    ["no-op", "noop"],
    ["engine", "engineNoop"],
    ["change one", "change"],
    ["engine", "engineChange"],
    ["no-op, refresh", "refreshed"],
    ["engine", "engineRefreshed"],
    ["change one, refresh", "changeRefreshed"],
  ]);

/** How big the state is, and the provider process. */
export const sizeTable = (results: Results, ways: readonly string[]): string =>
  columnsTable(results, "sizes", ways, [
    ["resources", "resources"],
    ["state, bytes", "stateBytes"],
    ["peak of up, MB", "upPeakMB"],
    ["of the engine's empty provider", "enginePeakMB"],
    ["of refresh", "refreshedPeakMB"],
    ["of destroy", "downPeakMB"],
  ]);
