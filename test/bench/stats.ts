import type { Measurement } from "./record.ts";

/** What several measurements of one metric say. */
export interface Summary {
  median: number;
  min: number;
  /** How many there were. */
  count: number;
}

/** The middle value, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[half - 1], sorted[half]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** The slope of the straight line with the least squares through points (x, y); NaN of fewer than two places. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x0, y0] = [mean(0), mean(1)];
  const across = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0);
  return across / points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
}

/** What was measured, to be asked by subject, size and metric. */
export class Results {
  readonly #measurements: readonly Measurement[];

  constructor(measurements: readonly Measurement[]) {
    this.#measurements = measurements;
  }

  /** All values of a metric. */
  values(subject: string, n: number, metric: string): number[] {
    return this.#measurements
      .filter((one) => one.subject === subject && one.n === n)
      .flatMap(({ values }) => values[metric] ?? []);
  }

  /** Median and minimum of a metric; undefined when it was not measured. */
  summary(subject: string, n: number, metric: string): Summary | undefined {
    const values = this.values(subject, n, metric);
    if (values.length === 0) return undefined;
    return { median: median(values), min: Math.min(...values), count: values.length };
  }

  /** The median of a metric; NaN when it was not measured. */
  median(subject: string, n: number, metric: string): number {
    return median(this.values(subject, n, metric));
  }

  /** The sizes at which a metric was measured, ascending. */
  sizes(subject: string, metric: string): number[] {
    const found = this.#measurements.filter((one) => one.subject === subject && metric in one.values);
    return [...new Set(found.map(({ n }) => n))].toSorted((a, b) => a - b);
  }

  /** Seconds per host of a metric, over the sizes between two bounds. */
  slope(subject: string, metric: string, from: number, to: number): number {
    const sizes = this.sizes(subject, metric).filter((n) => n >= from && n <= to);
    return slope(sizes.map((n) => [n, this.median(subject, n, metric)]));
  }

  /** What the measurements of a subject noted, each once. */
  notes(subject: string): string[] {
    const own = this.#measurements.filter((one) => one.subject === subject);
    return [...new Set(own.flatMap(({ notes }) => notes))];
  }
}
