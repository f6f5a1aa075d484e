import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Measurement, Recording, Subject } from "../record.ts";
import { median, Results } from "../stats.ts";
import { digits } from "./markdown.ts";
import { plot } from "./plot.ts";
import { distanceTable, machinesTable, portsTable, quietTable, sizeTable } from "./scenarios.ts";
import { lifeTable, ratioTable, shareTable, waysOfOurs } from "./tables.ts";
import { targetTable } from "./targets.ts";

type Named = Pick<Subject, "name" | "title" | "scenario">;

const [beginning, end] = ["<!-- results -->", "<!-- end of results -->"];

/** The results as Markdown. */
export function markdown(recording: Recording, subjects: readonly Named[]): string {
  const results = new Results(recording.measurements);
  const lives = subjects.filter(({ scenario }) => !scenario);
  const missing = Object.entries(recording.missing).map(
    ([name, why]) => `- **${name}** is missing: ${why.replace(/\s+/g, " ")}`,
  );
  return [
    ...circumstances(recording),
    ...section("Targets", targetTable(results)),
    ...section("Not measured", missing.join("\n")),
    ...section("Up and down", lifeTable(results, lives), "![seconds up by number of hosts](up.svg)"),
    ...section("Ratios", ratioTable(results, lives)),
    ...section("What the engine takes, and what we take", shareTable(results, upShare), shareTable(results, downShare)),
    ...section("Nothing to do, and one change", quietTable(results, [...waysOfOurs, "components-unsaved"])),
    ...section("How big it is", sizeTable(results, waysOfOurs)),
    ...section("At a distance", distanceTable(results)),
    ...section("Many machines, 10 hosts on each, in one up", machinesTable(results)),
    ...section("Published ports", portsTable(results)),
    ...section("What peers leave behind", left(results, lives)),
  ].join("\n\n");
}

const upShare = { metric: "up", engine: "engineUp", floor: "up" };
const downShare = { metric: "down", engine: "engineDown", floor: "gone" };

function circumstances({ date, commit, machine, versions, measurements }: Recording): string[] {
  const facts = (of: Record<string, string>) =>
    Object.entries(of)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ");
  const commits = [...new Set(measurements.map((one) => `commit ${one.commit ?? commit}`))].join(", ");
  return [
    `Measured until ${date.slice(0, 16)}Z at ${commits}, ${measurements.length} measurements.`,
    load(measurements),
    `Machine: ${facts(machine)}. Versions: ${facts(versions)}.`,
  ];
}

/** How busy the machine was with other things: its load average when each measurement began. */
function load(measurements: readonly Measurement[]): string {
  const loads = measurements.flatMap(({ values }) => values.load ?? []);
  if (loads.length === 0) return "How busy the machine was is not known.";
  return `Its load average when a measurement began: median ${digits(median(loads))}, most ${digits(Math.max(...loads))}.`;
}

function left(results: Results, subjects: readonly Named[]): string {
  const tidy = (note: string) => note.replace(/\s+/g, " ").slice(0, 100);
  return subjects.flatMap(({ name }) => results.notes(name).map((note) => `- ${name}: \`${tidy(note)}\``)).join("\n");
}

/** Leaves out tables without rows, and titles without anything below them. */
function section(title: string, ...parts: string[]): string[] {
  const body = parts.filter((part) => part !== "" && !(part.startsWith("|") && part.split("\n").length < 3));
  return body.some((part) => !part.startsWith("!")) ? [`### ${title}`, ...body] : [];
}

/** The plot of the seconds that `up` takes, of all subjects. */
export function upPlot(recording: Recording, subjects: readonly Named[]): string {
  const results = new Results(recording.measurements);
  const lives = subjects.filter(({ scenario }) => !scenario);
  const series = lives.map(({ name, title }) => ({
    title: title.slice(0, 44),
    points: results.sizes(name, "up").map((n) => [n, results.median(name, n, "up")] as const),
  }));
  return plot("Seconds until N hosts on one NATed bridge are up (median)", "hosts", "seconds", series);
}

/** Writes `results.json`, `up.svg` and the text: into the README of the folder between its marks, else as `results.md`. */
export function writeReport(folder: string, recording: Recording, subjects: readonly Named[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "results.json"), `${JSON.stringify(recording, undefined, 1)}\n`);
  writeFileSync(join(folder, "up.svg"), upPlot(recording, subjects));
  const readme = join(folder, "README.md");
  const text = existsSync(readme) ? readFileSync(readme, "utf8") : "";
  const [before, after] = [text.indexOf(beginning), text.indexOf(end)];
  const results = markdown(recording, subjects);
  if (before < 0 || after < before) writeFileSync(join(folder, "results.md"), `${results}\n`);
  else writeFileSync(readme, `${text.slice(0, before)}${beginning}\n\n${results}\n\n${text.slice(after)}`);
}

/** What an earlier run left in a folder; undefined when there is none. */
export function readRecording(folder: string): Recording | undefined {
  const file = join(folder, "results.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}
