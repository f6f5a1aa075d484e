import { readFileSync, writeFileSync } from "node:fs";
import type { Group } from "./rows.ts";

/** What both sides answered to one row. */
export interface Answers {
  docker: string;
  ours: string;
}

/** The table of a run, as Markdown. */
export function tableOf(groups: readonly Group[], answers: ReadonlyMap<object, Answers>): string {
  const parts = groups.map(({ title, scenarios }) => {
    const rows = scenarios.map((scenario) => {
      const { docker, ours } = answers.get(scenario) ?? { docker: "not asked", ours: "not asked" };
      return [scenario.what, docker, ours, docker === ours ? "" : (scenario.why ?? "**not on purpose**")];
    });
    return [`### ${title}`, "", ...columns([["", "Docker", "linuxnet", "Why"], ...rows])].join("\n");
  });
  return parts.join("\n\n");
}

function columns(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)];
}

/** Puts a run's heading and table into the README of this folder, below its last line of dashes. */
export function record(heading: string, table: string): void {
  const file = new URL("README.md", import.meta.url);
  const mark = "## The table of a run\n";
  const text = readFileSync(file, "utf8");
  writeFileSync(file, `${text.slice(0, text.indexOf(mark))}${mark}\n${heading}\n\n${table}\n`);
}
