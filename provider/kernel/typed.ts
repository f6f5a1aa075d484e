// What a person types at a shell, as `linuxnet explain` writes it.
import type { ShCommand, Typed } from "./command.ts";
import { quote } from "./quote.ts";

/** A word of a command line: quoted only where it has to be. */
export function typedWord(word: string): string {
  return /^[A-Za-z0-9_./:@%+,=-]+$/.test(word) ? word : quote(word);
}

/** A command line. */
export function typedLine(argv: readonly string[], netns?: string): string {
  return `${typedIn(netns)}${argv.map(typedWord).join(" ")}`;
}

/** The words before a program that make it run inside a named namespace (ip-netns(8)). */
export function typedIn(netns: string | undefined): string {
  return netns === undefined ? "" : `ip netns exec ${typedWord(netns)} `;
}

/** Writes a file: a here-document whose end does not stand in the text. */
export function typedFile(path: string, text: string): string {
  const lines = text.split("\n");
  let end = "EOF";
  while (lines.includes(end)) end = `${end}_`;
  return `cat >${typedWord(path)} <<'${end}'\n${text}${text.endsWith("\n") || text === "" ? "" : "\n"}${end}`;
}

/** Lines as they are. */
export function typed(lines: readonly string[], more: Omit<Typed, "lines"> = {}): { typed: Typed } {
  return { typed: { lines, ...more } };
}

/** What only we need: a note, or a wait. Nothing is typed for it. */
export const untyped: { typed: Typed } = typed([]);

/** A fragment that prints what is to be typed. */
export function asking(text: string): { ask: ShCommand } {
  return { ask: { kind: "sh", text } };
}
