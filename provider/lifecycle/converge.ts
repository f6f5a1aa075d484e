import { setTimeout as sleep } from "node:timers/promises";
import { Elsewhere, Unread } from "../host/host.ts";
import type { Report } from "../host/report.ts";
import type { Step } from "../kernel/command.ts";
import { LinuxnetError, Missing } from "../kernel/failure.ts";
import type { Change } from "./definition.ts";
import { settled } from "./settled.ts";
import { applyAndLook, attempts, forgetClaims, type Look, look, type Outcome, type Subject } from "./subject.ts";
import { endedWith, type Progress } from "./taken-back.ts";

/** Seconds to wait for an object that another resource may be making. */
const patience = 5;

/**
 * Makes the host as it is wanted: observe, plan, apply, verify. Creating, changing, repairing and going on after a crash are
 * this one function. What fails is taken back before the error is thrown, of all rounds that it took.
 *
 * @returns the outputs
 * @throws LinuxnetError that says what failed, on what, why, and how the host was left
 */
export async function converge(subject: Subject): Promise<Record<string, unknown>> {
  const progress: Progress = { rounds: 0, done: [], left: [], late: false, unsure: false };
  let reached: Look;
  try {
    reached = await approach(subject, progress);
  } catch (error) {
    throw await endedWith(subject, progress, error);
  }
  await forgetClaims(subject, reached);
  const { seen, context } = await settled(subject, reached);
  return subject.definition.outputs(subject.args, seen, context);
}

/** Plans and applies until nothing is missing. */
async function approach(subject: Subject, progress: Progress): Promise<Look> {
  let now: Look = await prepared(subject);
  let changes = planned(subject, now);
  for (let attempt = 1; changes.length > 0; attempt += 1) {
    const steps = changes.flatMap(({ steps }) => steps);
    const outcome = await applyAndLook(subject, steps, now, "undo").catch((error: unknown) => {
      if (error instanceof Unread) note(progress, steps, { ...now, ...(error.report && { report: error.report }) });
      throw error;
    });
    note(progress, steps, outcome);
    const left = planned(subject, outcome);
    // Another program was quicker, or the session was lost on the way: what stands now is planned anew.
    const same = JSON.stringify(left) === JSON.stringify(changes);
    if (left.length > 0 && (same || attempt >= attempts)) refuseToGoOn(subject.host.name, outcome, left, attempt);
    [now, changes] = [outcome, left];
  }
  return now;
}

function planned({ definition, args }: Subject, { seen, context }: Look): Change[] {
  return definition.plan(args, seen, context);
}

/**
 * Looks until what the resource needs is there. A program may name a bridge or a namespace as plain text, and the engine
 * then makes both at the same moment.
 */
async function prepared(subject: Subject): Promise<Look> {
  const began = performance.now();
  for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
    const found = await look(subject);
    try {
      planned(subject, found);
      return found;
    } catch (error) {
      if (!(error instanceof Missing) || performance.now() - began > patience * 1000) throw error;
      await sleep(pause);
    }
  }
}

function note(progress: Progress, steps: readonly Step[], { report, lost, on }: Outcome): void {
  progress.on = on;
  // Of a round that was refused on the host nothing was done; what was done before it, though, was done elsewhere.
  if (lost) progress.unsure ||= !(lost instanceof Elsewhere) || progress.done.length > 0;
  else progress.rounds += 1;
  if (!report) return;
  if (report.failures.length === 0) progress.done.push(...steps);
  progress.left.push(...report.left);
  progress.late ||= isLate(report);
}

/** Whether a deadline ended a step (timeout(1)): how far it came nobody knows. */
function isLate({ failures: [first] }: Report): boolean {
  return first?.code === 124 || first?.code === 137;
}

/** Says why it does not help to go on; a session that was lost is no reason, as long as it may be tried again. */
function refuseToGoOn(host: string, { report, lost }: Outcome, [first]: readonly Change[], attempt: number): void {
  if (lost && attempt < attempts) return;
  if (lost) throw lost;
  const [failure] = report?.failures ?? [];
  if (failure) throw new LinuxnetError({ host, problem: `cannot ${failure.what}`, cause: failure.cause });
  const what = first?.property
    ? `${first.property} stayed ${JSON.stringify(first.actual)}`
    : (first?.drift ?? "it is not there");
  throw new LinuxnetError({ host, problem: `what was set did not take effect: ${what}` });
}
