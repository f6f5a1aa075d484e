import type { Command } from "commander";
import { LinuxnetError } from "../kernel/failure.ts";
import type { Terminal } from "./terminal.ts";

/** What a verb is called with. */
export interface Call {
  /** The arguments behind the verb; one that takes several words is a list. */
  args: readonly (string | readonly string[] | undefined)[];
  /** The verb's own options, by their long names in camel case. */
  options: Readonly<Record<string, unknown>>;
  /** The folder in which a Pulumi.yaml is looked for: an absolute path. */
  folder: string;
  /** The stacks that were named with `--stack`; none: the project's current one. */
  stacks: readonly string[];
  /** Whether the answer is to be JSON. */
  json: boolean;
  terminal: Terminal;
}

/** How the command ends: healthy, with a finding, or because it could not be done. */
export const exitCodes = { healthy: 0, finding: 1, failed: 2 } as const;

/**
 * Refuses what the command was told: nothing was done.
 * @throws LinuxnetError always
 */
export function mistake(problem: string, remedy: string): never {
  throw new LinuxnetError({ problem, remedy });
}

/** Names of a stack that can stand behind a verb. */
export type Names = "containers" | "programs" | "all";

/** One verb of the command: a file of its own in `verbs/`. */
export interface Verb {
  /** What its arguments are names of, for completion. */
  names?: Names;
  /** Adds its arguments and options. */
  declare?(command: Command): void;
  /** Command lines that help shows, without the leading `linuxnet`. */
  examples: readonly string[];
  /**
   * Does it.
   * @returns the exit code
   * @throws LinuxnetError what the user is told, with exit code 2
   */
  run(call: Call): Promise<number>;
}

/** A verb in the table of all: what help and completion know of it before its file is loaded. */
export interface VerbEntry {
  name: string;
  /** What it does, in one line. */
  summary: string;
  load(): Promise<{ verb: Verb }>;
}
