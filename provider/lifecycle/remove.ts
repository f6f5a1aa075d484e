import type { Facts, Step } from "../kernel/command.ts";
import { LinuxnetError } from "../kernel/failure.ts";
import { type Holders, heldOn, holdersFact } from "../kernel/netns-holders.ts";
import { runDirFact } from "../kernel/run-dir.ts";
import {
  applyAndLook,
  attempts,
  forgetClaims,
  type Look,
  look,
  type Outcome,
  type Subject,
  tidy,
  unknownState,
} from "./subject.ts";

/**
 * Removes what is a resource's, and looks whether it is gone. What is not there is a success; what cannot be removed does not
 * keep the rest from going.
 * @returns what is to be told of it: who holds what was removed
 * @throws LinuxnetError with all that failed, and what is still there
 */
export async function remove(subject: Subject): Promise<string[]> {
  let now: Look = await look(subject, undefined, { folder: runDirFact });
  const all = teardown(subject, now);
  const more: Facts = all.some(({ vacates }) => vacates) ? { holders: holdersFact } : {};
  let holders: Holders = new Map();
  // A script that was cut off, now or before, may have taken all away but the folders in which it was noted.
  let cutOff = now.seen.folder === true;
  let steps = all;
  for (let attempt = 1; steps.length > 0; attempt += 1) {
    const outcome = await applyAndLook(subject, steps, now, "go-on", more);
    cutOff = outcome.report?.failures.length !== 0;
    holders = (outcome.seen.holders as Holders | undefined) ?? holders;
    const left = isGone(subject, outcome) ? [] : teardown(subject, outcome);
    // Another program's script may have been half-way through when it was looked at.
    const same = attempt > 1 && JSON.stringify(left) === JSON.stringify(steps);
    if (left.length > 0 && (same || attempt >= attempts)) throw remains(subject.host.name, outcome, all, left);
    [now, steps] = [outcome, left];
  }
  await (cutOff ? tidy(subject) : forgetClaims(subject, now));
  return heldOn(all, holders);
}

/** What is left then is for others to tidy, who use it too. */
function isGone({ definition, args }: Subject, { report, seen, context }: Outcome): boolean {
  return report?.failures.length === 0 && !definition.present(args, seen, context);
}

function teardown({ definition, args }: Subject, { seen, context }: Look): Step[] {
  return definition.teardown(args, seen, context);
}

function remains(host: string, { report, lost }: Outcome, all: readonly Step[], left: readonly Step[]): LinuxnetError {
  if (lost) return lost.with({ state: unknownState });
  const failed = (report?.failures ?? []).map(({ what, cause }) => `cannot ${what}: ${cause}`);
  const still = `what was to be removed is still there (${left.map(({ what }) => what).join("; ")})`;
  const state = left.length < all.length ? "All else of it is removed." : "Nothing of it was removed.";
  return new LinuxnetError({ host, problem: failed.join("; ") || still, state });
}
