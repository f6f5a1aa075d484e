import type { Results } from "../stats.ts";
import { digits, table } from "./markdown.ts";

/** A number that a target is about, and the bound that it is to keep. */
export interface Target {
  /** What is to hold, in words. */
  what: string;
  /** What was measured; NaN when it was not. */
  value: number;
  /** Unit of value and bound; default: a ratio. */
  unit?: string;
  /** Whether the value is to be at most or at least the bound. */
  most: boolean;
  bound: number;
}

const most = (what: string, value: number, bound: number, unit = ""): Target => ({
  what,
  value,
  bound,
  unit,
  most: true,
});
const least = (what: string, value: number, bound: number): Target => ({ what, value, bound, most: false });

/** Whether a target is met; undefined when it was not measured. */
export function met({ value, bound, most }: Target): boolean | undefined {
  if (!Number.isFinite(value)) return undefined;
  return most ? value <= bound : value >= bound;
}

/** All targets, with what the results say. */
export function targets(results: Results): Target[] {
  return [...shares(results), ...peers(results), ...thousand(results), ...wire(results)];
}

function shares(results: Results): Target[] {
  const batch = results.median("batch", 100, "up");
  return ["components", "lab"].flatMap((way) => {
    const of = (metric: string) => results.median(way, 100, metric);
    return [
      most(`${way}, N=100: own share / batch floor`, of("upOwn") / batch, 1.5),
      most(`${way}, N=100: (up - engine alone) / batch floor`, (of("up") - of("engineUp")) / batch, 1.5),
    ];
  });
}

function peers(results: Results): Target[] {
  const of = (subject: string, metric: string) => results.median(subject, 100, metric);
  const both = (subject: string) => of(subject, "up") + of(subject, "down");
  const [components, lab, mininet, docker] = [
    of("components", "up"),
    of("lab", "up"),
    of("mininet", "whole"),
    of("docker", "up"),
  ];
  return [
    most("components, N=100: up / Mininet's whole process", components / mininet, 1),
    least("components, N=100: Docker's up / up", docker / components, 4),
    most("lab, N=100: up / Mininet's whole process", lab / mininet, 0.5),
    least("lab, N=100: Docker's up / up", docker / lab, 8),
    least("components, N=100: CNI's up and down / ours", both("cni") / both("components"), 2),
    least("components, N=100: Docker's up and down / ours", both("docker") / both("components"), 4),
  ];
}

function thousand(results: Results): Target[] {
  const of = (metric: string, n = 1000) => results.median("lab", n, metric);
  const above = (of("up") - of("engineUp")) / 1000;
  const steps = [(of("up", 1000) - of("up", 500)) / 500, (of("up", 100) - of("up", 50)) / 50] as const;
  const memory = ["up", "noop", "refreshed", "change", "changeRefreshed", "down"].map((one) => of(`${one}PeakMB`));
  return [
    most("lab, N=1,000: up above the engine alone, for each container", above * 1000, 6, " ms"),
    most(
      "lab: by how much the slope from 500 to 1,000 differs from that from 50 to 100",
      Math.abs(steps[0] / steps[1] - 1),
      0.2,
    ),
    most("lab, N=1,000: change of one / no-op", of("change") / of("noop"), 1.1),
    most("lab, N=1,000: change of one / no-op, both with --refresh", of("changeRefreshed") / of("refreshed"), 1.1),
    most("lab, N=1,000: no-op / engine alone", of("noop") / of("engineNoop"), 2),
    most("lab, N=1,000: no-op with --refresh / engine alone", of("refreshed") / of("engineRefreshed"), 2),
    most("lab, N=1,000: destroy / the floor script's", of("gone") / results.median("batch", 1000, "gone"), 3),
    most("lab, N=1,000: peak memory of the provider process", Math.max(...memory), 200, " MB"),
  ];
}

function wire(results: Results): Target[] {
  const rates = (metric: string) => results.median("ports", 10_000, metric);
  const far = (way: string, from: string) =>
    results.median(`${way}-ssh-20ms`, 100, "up") / results.median(from, 100, "up");
  return [
    least("connections a second, 10,000 published ports / 1", rates("rate") / rates("rateOfOne"), 0.95),
    ...["components", "lab"].flatMap((way) => [
      most(`${way}, N=100: up 20 ms away / local`, far(way, way), 1.3),
      most(`${way}, N=100: up 20 ms away / by ssh without delay`, far(way, `${way}-ssh-0ms`), 1.3),
    ]),
  ];
}

/** The targets as a table; what was not measured is said. */
export function targetTable(results: Results): string {
  const words = (holds: boolean | undefined) => (holds === undefined ? "not measured" : holds ? "met" : "**missed**");
  return table([
    ["target", "measured", "bound", ""],
    ...targets(results).map((target) => [
      target.what,
      digits(target.value) && `${digits(target.value)}${target.unit ?? ""}`,
      `${target.most ? "at most" : "at least"} ${target.bound}${target.unit ?? ""}`,
      words(met(target)),
    ]),
  ]);
}
