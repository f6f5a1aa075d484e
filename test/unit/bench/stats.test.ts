import { expect, test } from "vitest";
import { median, Results, slope } from "../../bench/stats.ts";

const measurement = (n: number, up: number) => ({ subject: "batch", n, values: { up }, notes: ["leaves a table"] });
const results = new Results([measurement(10, 3), measurement(10, 1), measurement(10, 2), measurement(50, 6)]);

test("the median is the middle one, or the mean of the two in the middle", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test("the slope of points on a line is the line's", () => {
  expect(
    slope([
      [10, 21],
      [50, 101],
      [100, 201],
    ]),
  ).toBeCloseTo(2);
  expect(slope([[10, 21]])).toBeNaN();
});

test("results are asked by subject, size and metric", () => {
  expect(results.summary("batch", 10, "up")).toEqual({ median: 2, min: 1, count: 3 });
  expect(results.summary("batch", 100, "up")).toBeUndefined();
  expect(results.median("docker", 10, "up")).toBeNaN();
  expect(results.sizes("batch", "up")).toEqual([10, 50]);
  expect(results.slope("batch", "up", 10, 100)).toBeCloseTo(0.1);
});

test("a note that each measurement makes is told once", () => {
  expect(results.notes("batch")).toEqual(["leaves a table"]);
});
