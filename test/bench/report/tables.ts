import type { Subject } from "../record.ts";
import type { Results } from "../stats.ts";
import { digits, pair, table } from "./markdown.ts";

type Named = Pick<Subject, "name" | "title">;

/** The names of our ways to declare a lab. */
export const waysOfOurs = ["primitives", "components", "lab"];

const cell = (value: number): string => (Number.isFinite(value) ? `${value}` : "");

const isOurs = ({ name }: Named): boolean => waysOfOurs.includes(name);

const measured = (results: Results, { name }: Named): boolean => results.sizes(name, "up").length > 0;

/** Seconds up and down of all subjects, and milliseconds for each host more (10 to 100 hosts). */
export function lifeTable(results: Results, subjects: readonly Named[]): string {
  const rows = subjects.filter((one) => measured(results, one));
  const sizes = [...new Set(rows.flatMap(({ name }) => results.sizes(name, "up")))].toSorted((a, b) => a - b);
  const head = ["up / down, seconds", ...sizes.map((n) => `N=${n}`), "ms per host", "least, N=100"];
  return table([
    head,
    ...rows.map(({ name, title }) => [
      title,
      ...sizes.map((n) => pair(results.median(name, n, "up"), results.median(name, n, "down"))),
      pair(results.slope(name, "up", 10, 100) * 1000, results.slope(name, "down", 10, 100) * 1000),
      pair(results.summary(name, 100, "up")?.min ?? Number.NaN, results.summary(name, 100, "down")?.min ?? Number.NaN),
    ]),
  ]);
}

/** How many times as long as ours each peer takes, up alone and up and down together. */
export function ratioTable(results: Results, subjects: readonly Named[]): string {
  const mine = subjects.filter((one) => isOurs(one) && measured(results, one));
  const peers = subjects.filter((one) => !isOurs(one) && measured(results, one));
  const total = (name: string, n: number) => results.median(name, n, "up") + results.median(name, n, "down");
  const rows = mine.flatMap((own) =>
    results
      .sizes(own.name, "up")
      .filter((n) => n <= 100)
      .map((n) => [
        `${own.name}, N=${n}`,
        ...peers.map(({ name }) =>
          pair(results.median(name, n, "up") / results.median(own.name, n, "up"), total(name, n) / total(own.name, n)),
        ),
      ]),
  );
  if (peers.length === 0) return "";
  return table([["peer's time / ours: up, up + down", ...peers.map(({ name }) => name)], ...rows]);
}

/** Ours beside the engine alone: what the engine takes, and what we take. */
export function shareTable(results: Results, operation: { metric: string; engine: string; floor: string }): string {
  const { metric, engine, floor } = operation;
  const rows = [...waysOfOurs, "components-unsaved"].flatMap((name) =>
    results.sizes(name, metric).map((n) => {
      const of = (which: string) => results.median(name, n, which);
      const own = of(`${metric}Own`);
      const batch = results.median("batch", n, floor);
      return [
        `${name}, N=${n}`,
        ...[of(metric), of(engine), of(metric) - of(engine), own, batch, own / batch].map(digits),
        cell(of(`${metric}Trips`)),
        digits(of(`${metric}Characters`) / 1000),
      ];
    }),
  );
  return table([
    [metric, "whole", "engine alone", "difference", "own share", "batch floor", "own / floor", "round trips", "kB"],
    ...rows,
  ]);
}
