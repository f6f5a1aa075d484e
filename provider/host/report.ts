import type { Reply, Step } from "../kernel/command.ts";
import { firstLine } from "../kernel/failure.ts";

/** One step that failed. */
export interface StepFailure {
  /** In the words of the step: "create bridge lab0". */
  what: string;
  /** Why, the first line of stderr; or that the step's deadline has passed. */
  cause: string;
  /** The exit code; 124 and 137 mean that the deadline ended it. */
  code: number;
}

/** How a script went. */
export interface Report {
  failures: StepFailure[];
  /** What could not be taken back, in the words of the steps; empty when the host is as it was. */
  left: string[];
  /** Nothing was run: it is another machine than the one that the steps were planned for, or was started anew since. */
  elsewhere?: boolean;
}

/** Reads what a compiled script told on stderr. */
export function readReport(reply: Reply, steps: readonly Step[]): Report {
  const report: Report = { failures: [], left: [] };
  if (reply.stderr.startsWith("@elsewhere\n")) return { ...report, elsewhere: true };
  let begun = { base: 0, count: 0, text: "" };
  for (const block of reply.stderr.split(/^(?=@)/m)) {
    const [head = "", ...rest] = block.split("\n");
    const [word, base, count, code] = head.split(" ");
    if (word === "@failed")
      report.failures.push(...failures(Number(base), Number(count), Number(code), rest.join("\n"), steps));
    if (word === "@at") begun = { base: Number(base), count: Number.parseInt(`${count}`, 10), text: rest.join("\n") };
    if (word === "@end") report.failures.push(...failures(begun.base, begun.count, Number(base), begun.text, steps));
    if (word === "@left") report.left.push(`${head.slice("@left ".length)}: ${firstLine(rest.join("\n"))}`);
  }
  if (reply.code !== 0 && report.failures.length === 0) {
    report.failures.push({
      what: "run the script",
      cause: firstLine(reply.stderr) || `exit code ${reply.code}`,
      code: reply.code,
    });
  }
  return report;
}

function failures(base: number, count: number, code: number, text: string, steps: readonly Step[]): StepFailure[] {
  const causes = [...text.matchAll(/((?:.*\n)*?)Command failed -:(\d+)/g)];
  if (causes.length === 0) return [failure(stepOfLine(text, steps.slice(base, base + Math.max(count, 1))), code, text)];
  return causes.map(([, cause, line]) => failure(steps[base + Number(line) - 1], code, cause ?? ""));
}

/** Which statement of a transaction nft complains of (`/dev/stdin:3:1-20: Error: ...`); the first when it does not say. */
function stepOfLine(text: string, group: readonly Step[]): Step | undefined {
  let line = Number(/\/dev\/stdin:(\d+):/.exec(text)?.[1] ?? 1);
  return group.find(({ do: command }) => {
    line -= command.kind === "nft" ? command.text.split("\n").length : Number.MAX_SAFE_INTEGER;
    return line <= 0;
  });
}

function failure(step: Step | undefined, code: number, stderr: string): StepFailure {
  const late = code === 124 || code === 137;
  const cause = late ? "it did not end within its deadline" : firstLine(stderr).replace(/^\/dev\/stdin:[\d:-]+ /, "");
  return { what: step?.what ?? "prepare the host", cause: cause || `exit code ${code}`, code };
}
