import { createInterface } from "node:readline/promises";
import { stripVTControlCharacters, styleText } from "node:util";

/** How a text is shown on a terminal. */
export type Paint = Parameters<typeof styleText>[0];

/** Where the command writes to, and whom it can ask. */
export interface Terminal {
  /** Writes to stdout, as it is. */
  write(text: string): void;
  /** Writes a line to stderr. */
  warn(line: string): void;
  /** Whether stdout shows colours. */
  colours: boolean;
  /** Whether somebody is there who can answer. */
  interactive: boolean;
  /** How many columns stdout has. */
  columns: number;
  /** Asks a question that is answered by yes or no; no is the default. */
  confirm(question: string): Promise<boolean>;
}

/** Colours are for a terminal, and only where nobody has switched them off (NO_COLOR, no-color.org; TERM=dumb). */
export function wantsColours(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
}

/** The terminal of this process. */
export function ownTerminal(): Terminal {
  const { stdout, stderr, stdin } = process;
  // Whoever read it has seen enough: `linuxnet ls | head`.
  stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") process.exit(0);
  });
  return {
    write: (text) => void stdout.write(text),
    warn: (line) => void stderr.write(`${line}\n`),
    colours: wantsColours(process.env, stdout.isTTY === true),
    interactive: stdin.isTTY === true && stderr.isTTY === true,
    columns: stdout.columns ?? 100,
    confirm: async (question) => {
      const lines = createInterface({ input: stdin, output: stderr });
      const answer = await lines.question(`${question} [y/N] `).finally(() => lines.close());
      return /^y(es)?$/i.test(answer.trim());
    },
  };
}

/** A text in colour, where the terminal shows colours. */
export function paint({ colours }: Pick<Terminal, "colours">, how: Paint, text: string): string {
  return colours ? styleText(how, text, { validateStream: false }) : text;
}

/** A text that came from elsewhere, without what would move the cursor or change the terminal. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{Cc}\u2028\u2029]/gu, " ");
}

/**
 * Rows in columns that are as wide as what stands in them.
 *
 * @example table(["KIND", "NAME"], [["Bridge", "lab0"]]) // "KIND    NAME\nBridge  lab0\n"
 */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = (text: string) => [...stripVTControlCharacters(text)].length;
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ""))));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell) + 2))
      .join("")
      .trimEnd();
  return all.map((row) => `${line(row)}\n`).join("");
}
