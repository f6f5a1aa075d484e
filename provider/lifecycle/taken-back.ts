import type { Identity } from "../host/preflight.ts";
import type { Step } from "../kernel/command.ts";
import { LinuxnetError } from "../kernel/failure.ts";
import { type Subject, unknownState } from "./subject.ts";

/** How far an operation has come: what an error has to take back, or to tell of. */
export interface Progress {
  /** How many scripts have told how they went. */
  rounds: number;
  /** The steps of scripts that went through, oldest first. */
  done: Step[];
  /** What a script that failed could not take back by itself. */
  left: string[];
  /** Whether a deadline ended a step. */
  late: boolean;
  /** Whether a session was lost, so that it is not known what of a script was done. */
  unsure: boolean;
  /** The machine that it was done on. */
  on?: Identity | undefined;
}

/**
 * Takes back all that an operation has done before it failed.
 *
 * @param error why it failed; a script that failed has undone itself
 * @returns the error, with the state that the host is in now
 */
export async function endedWith(subject: Subject, progress: Progress, error: unknown): Promise<unknown> {
  const told = (state: string) => (error instanceof LinuxnetError ? error.with({ state }) : error);
  if (progress.unsure) return told(unknownState);
  if (progress.rounds === 0) return error;
  const left = [...progress.left, ...(await takeBack(subject, progress))];
  if (left.length > 0) return told(`This could not be taken back: ${left.join("; ")}.`);
  return told(progress.late ? lateState : "The host is as it was.");
}

/** The state of a host on which a deadline has ended a step. */
const lateState =
  "All before it is taken back. How far it came is not known: a note of it stays under /run/linuxnet until the next `up` has looked.";

async function takeBack({ host, context: { owner } }: Subject, { done, on }: Progress): Promise<string[]> {
  const back = done.toReversed().flatMap(({ what, undo = [] }) => undo.map((command) => ({ what, do: command })));
  if (back.length === 0) return [];
  try {
    const { report } = await host.apply(back, { owner, onFailure: "go-on", on }, {});
    return report.failures.map(({ what, cause }) => `${what}: ${cause}`);
  } catch (error) {
    if (!(error instanceof LinuxnetError)) throw error;
    return [`${done.map(({ what }) => what).join(", ")}: ${error.failing.problem}`];
  }
}
