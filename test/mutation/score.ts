// Prints the scores of a report of Stryker's, by folder and file, as the tables of docs/trust.md: `node test/mutation/score.ts REPORT`.
import { readFileSync } from "node:fs";

interface Report {
  files: Record<string, { mutants: { status: string }[] }>;
}

interface Row {
  name: string;
  /** The changes that were tried, and those of them that a test noticed. */
  tried: number;
  noticed: number;
  /** Those that were not tried. */
  ignored: number;
}

const noticed = ["Killed", "Timeout"];
const tried = [...noticed, "Survived", "NoCoverage"];

function rowOf(name: string, mutants: readonly { status: string }[]): Row {
  const count = (states: readonly string[]) => mutants.filter(({ status }) => states.includes(status)).length;
  return { name, tried: count(tried), noticed: count(noticed), ignored: count(["Ignored"]) };
}

function table(head: string, rows: readonly Row[]): string {
  const lines = rows.map(({ name, ...row }) => {
    const score = row.tried === 0 ? "-" : `${((100 * row.noticed) / row.tried).toFixed(1)} %`;
    return `| \`${name}\` | ${row.tried} | ${row.noticed} | ${score} | ${row.ignored} |`;
  });
  return [`| ${head} | Tried | Noticed | Score | Not tried |`, "| --- | --- | --- | --- | --- |", ...lines].join("\n");
}

const { files } = JSON.parse(readFileSync(process.argv[2] ?? ".tmp-e2e/mutation.json", "utf8")) as Report;
const folders = ["provider/lifecycle", "provider/resources"].map((folder) =>
  rowOf(
    folder,
    Object.entries(files).flatMap(([name, { mutants }]) => (name.startsWith(`${folder}/`) ? mutants : [])),
  ),
);
const single = Object.entries(files)
  .map(([name, { mutants }]) => rowOf(name.replace(/^provider\//, ""), mutants))
  .filter((row) => row.tried > 0)
  .toSorted((a, b) => a.noticed / a.tried - b.noticed / b.tried);
console.log([table("Folder", folders), "", table("File", single)].join("\n"));
