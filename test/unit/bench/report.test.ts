import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Recording } from "../../bench/record.ts";
import { digits, pair, table } from "../../bench/report/markdown.ts";
import { logScale, plot, ticks } from "../../bench/report/plot.ts";
import { markdown, readRecording, writeReport } from "../../bench/report/report.ts";
import { met, targetTable } from "../../bench/report/targets.ts";
import { Results } from "../../bench/stats.ts";

const subjects = [
  { name: "batch", title: "the floor" },
  { name: "lab", title: "ours: `Lab`" },
];

const recording: Recording = {
  date: "2026-11-21T18:00:00.000Z",
  commit: "abc1234",
  machine: { cores: "2" },
  versions: { node: "24" },
  missing: { docker: "no such package" },
  measurements: [
    { subject: "batch", n: 100, values: { up: 0.4, down: 0.1 }, notes: ["table ip lab"] },
    { subject: "lab", n: 100, values: { up: 2, down: 1, engineUp: 1.8, upOwn: 0.5, upTrips: 2 }, notes: [] },
  ],
};

test("a table is aligned as the formatter wants it", () => {
  expect(
    table([
      ["subject", "up"],
      ["batch", "0.40"],
    ]),
  ).toBe(["| subject |   up |", "| ------- | ---: |", "| batch   | 0.40 |"].join("\n"));
});

test("numbers have about three digits, and what is not known has none", () => {
  expect([0.4123, 12.34, 412.3, Number.NaN, undefined].map(digits)).toEqual(["0.41", "12.3", "412", "", ""]);
  expect(pair(1, Number.NaN)).toBe("1.00 / ");
  expect(pair(Number.NaN, Number.NaN)).toBe("");
});

test("the results tell medians, ratios, what is missing and what was left", () => {
  const text = markdown(recording, subjects);
  expect(text).toContain("**docker** is missing: no such package");
  expect(text).toMatch(/lab, N=100\s+\| 0.20 \/ 0.17/);
  expect(text).toMatch(/lab, N=100 \|\s+2.00 \|\s+1.80 \|\s+0.20 \|\s+0.50 \|\s+0.40 \|\s+1.25/);
  expect(text).toContain("- batch: `table ip lab`");
  expect(text).not.toContain("Published ports");
});

test("a target is met, missed or not measured", () => {
  const text = targetTable(new Results(recording.measurements));
  expect(text).toMatch(/lab, N=100: own share \/ batch floor\s+\|\s+1.25 \|\s+at most 1.5 \|\s+met \|/);
  expect(text).toMatch(/lab, N=100: Docker's up \/ up\s+\|\s+\|\s+at least 8 \|\s+not measured \|/);
  expect(met({ what: "", value: 3, bound: 2, most: true })).toBe(false);
  expect(met({ what: "", value: 3, bound: 2, most: false })).toBe(true);
});

test("the text stands between the marks of a README, and the recording is read again", () => {
  const folder = mkdtempSync(join(tmpdir(), "linuxnet-bench-"));
  try {
    writeFileSync(join(folder, "README.md"), "before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n");
    writeReport(folder, recording, subjects);
    const text = readFileSync(join(folder, "README.md"), "utf8");
    expect(text).toMatch(/^before\n.*abc1234.*\nafter\n$/s);
    expect(text).not.toContain("old");
    expect(readRecording(folder)).toEqual(recording);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a scale of logarithms gives each power of ten the same room", () => {
  const scale = logScale(1, 100, 0, 200);
  expect([1, 10, 100].map(scale)).toEqual([0, 100, 200]);
  expect(ticks(0.04, 2)).toEqual([0.05, 0.1, 0.2, 0.5, 1, 2]);
});

test("a plot draws each series that has points, and escapes its title", () => {
  const drawn = plot("title", "x", "y", [
    {
      title: "a < b",
      points: [
        [10, 1],
        [100, 10],
      ],
    },
    { title: "empty", points: [] },
  ]);
  expect(drawn.match(/<polyline/g)).toHaveLength(1);
  expect(drawn).toContain("a &lt; b");
  expect(drawn).not.toContain("empty");
  expect(drawn).not.toContain("NaN");
});
