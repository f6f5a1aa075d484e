import { parseArgs } from "node:util";

/** What a run of the bench is to do. */
export interface Options {
  /** Subjects by name; empty: all. */
  peers: string[];
  /** Numbers of hosts; empty: each subject's own. */
  sizes: number[];
  /** How often each is measured. */
  runs: number;
  /** The folder of the results. */
  out: string;
  /** What the folder holds already stays, but for what is measured anew. */
  keep: boolean;
  /** As `keep`, and what is measured anew comes beside what was measured before. */
  more: boolean;
}

/** How the bench is called. */
export const usage = `npm run bench -- [--peer NAME]... [--n N,N] [--runs N] [--out FOLDER] [--keep | --more]`;

/**
 * Reads the command line; lists may be repeated or separated by commas.
 *
 * @throws Error for a flag, a name or a number that there is not
 */
export function readOptions(argv: readonly string[], names: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      peer: { type: "string", multiple: true, default: [] },
      n: { type: "string", multiple: true, default: [] },
      runs: { type: "string", default: "3" },
      out: { type: "string", default: "docs/bench" },
      keep: { type: "boolean", default: false },
      more: { type: "boolean", default: false },
    },
  });
  const list = (texts: string[]) => texts.flatMap((text) => text.split(",")).filter(Boolean);
  const peers = list(values.peer);
  for (const unknown of peers.filter((name) => !names.includes(name)))
    throw new Error(`--peer ${unknown}: there is no such peer; there are ${names.join(", ")}`);
  const { runs, out, keep, more } = values;
  const sizes = list(values.n).map((text) => natural("--n", text, 10_000));
  return { peers, sizes, runs: natural("--runs", runs, 1000), out, keep: keep || more, more };
}

function natural(flag: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`${flag} ${text}: a whole number from 1 to ${most} is wanted`);
}
