import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../host/host.ts";
import type { Report, StepFailure } from "../host/report.ts";
import { claimsFile } from "../host/script.ts";
import { OutcomeUnknown, Unreachable } from "../host/session.ts";
import { type Answers, type Fact, type Facts, type Step, sh } from "../kernel/command.ts";
import { LinuxnetError, Missing } from "../kernel/failure.ts";
import type { Change, Context, Definition } from "./definition.ts";

type Args = Record<string, unknown>;
type Seen = Answers<Facts>;

/** What an operation works on. */
export interface Subject {
  definition: Definition;
  host: Host;
  args: Args;
  context: Omit<Context, "claims">;
}

/** How often an operation looks again: the session was lost, or another program changed the host meanwhile. */
const attempts = 4;

/** Seconds to wait for an object that another resource may be making. */
const patience = 5;

/** What is asked besides a resource's own facts: which objects a script of ours was about to make. */
function claimsFact(owner: string): Fact<Set<string>> {
  const command = sh(`limit cat ${claimsFile(owner)} 2>/dev/null || :`);
  return { command, parse: ({ stdout }) => new Set(stdout.split("\n").filter(Boolean)) };
}

function factsOf({ definition, args, context }: Subject) {
  const bare = { ...context, claims: new Set<string>() };
  return { ...definition.facts(args, bare), claims: claimsFact(context.owner) };
}

function withClaims({ context }: Subject, seen: Seen): Context {
  return { ...context, claims: seen.claims as ReadonlySet<string> };
}

/** Looks at the host: the answers, and what planning needs to know. */
export async function look(subject: Subject): Promise<{ seen: Seen; context: Context }> {
  const seen = await retried(() => subject.host.observe(factsOf(subject)));
  refuseOtherMachine(subject);
  return { seen, context: withClaims(subject, seen) };
}

/** Another machine behind the same address is not asked about, and not changed by, what a state says of the first. */
function refuseOtherMachine({ host: { name, preflight }, context: { state }, args }: Subject): void {
  const [was, is] = [state?.machineId, preflight?.machineId];
  if (!was || !is || was === is) return;
  const host = (args.connection as { host?: string } | undefined)?.host ?? "localhost";
  throw new LinuxnetError({
    host: name,
    problem: `another machine answers than the one that this was made on (machine id ${is}, not ${was})`,
    state: "Nothing was changed.",
    remedy: `If the host was set up anew, LINUXNET_FORGET_HOST=${host} makes refresh and destroy forget what was there.`,
  });
}

/**
 * Makes the host as it is wanted: observe, plan, apply, verify. Creating, changing, repairing and going on after a crash are
 * this one function. What fails is taken back before the error is thrown.
 *
 * @returns the outputs
 * @throws LinuxnetError that says what failed, on what, why, and how the host was left
 */
export async function converge(subject: Subject): Promise<Record<string, unknown>> {
  const { definition, host, args } = subject;
  const done: Step[] = [];
  let { seen, context } = await prepared(subject);
  for (let attempt = 1; ; attempt += 1) {
    const changes = definition.plan(args, seen, context);
    const steps = stepsOf(changes);
    if (changes.length === 0) {
      await forgetClaims(subject, context);
      return definition.outputs(args, await settled(subject, seen), context);
    }
    const { report, lost, ...now } = await applyOrLook(subject, steps);
    ({ seen, context } = now);
    const left = definition.plan(args, seen, context);
    if (left.length === 0) continue;
    // Another program was quicker, or the session was lost on the way: what stands now is planned anew.
    const last = attempt >= attempts;
    const failed = report && report.failures.length > 0;
    const same = JSON.stringify(left) === JSON.stringify(changes);
    if (failed && (last || same)) throw explain(report, host.name);
    if (lost && last) throw lost;
    if (failed || lost) continue;
    done.push(...steps);
    if (last || same) throw await takeBack(subject, done, left);
  }
}

/**
 * Looks until what the resource needs is there. A program may name a bridge or a namespace as plain text, and the engine
 * then makes both at the same moment.
 */
async function prepared(subject: Subject): Promise<{ seen: Seen; context: Context }> {
  const began = Date.now();
  for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
    const found = await look(subject);
    try {
      subject.definition.plan(subject.args, found.seen, found.context);
      return found;
    } catch (error) {
      if (!(error instanceof Missing) || Date.now() - began > patience * 1000) throw error;
      await sleep(pause);
    }
  }
}

/** What was claimed by a script that was cut off stands as wanted, or not at all: its note goes. */
async function forgetClaims({ host }: Subject, { owner, claims }: Context): Promise<void> {
  if (claims.size > 0) await host.apply([], { owner, onFailure: "go-on" }, {});
}

async function applyOrLook(
  subject: Subject,
  steps: readonly Step[],
): Promise<{ report?: Report; lost?: OutcomeUnknown; seen: Seen; context: Context }> {
  try {
    const options = { owner: subject.context.owner, onFailure: "undo" } as const;
    const { report, answers } = await subject.host.apply(steps, options, factsOf(subject));
    return { report, seen: answers, context: withClaims(subject, answers) };
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
    return { lost: error, ...(await lookAgain(subject)) };
  }
}

/** Looks when the session was lost in the middle of a script: a host that cannot be asked any more may have been changed. */
async function lookAgain(subject: Subject): ReturnType<typeof look> {
  const state =
    "The session was lost in the middle of a change. How far that came is not known; the next operation looks.";
  return await look(subject).catch((error: unknown) => {
    throw error instanceof Unreachable ? new Unreachable({ ...error.failing, state }) : error;
  });
}

/**
 * Removes what is a resource's. What is not there is a success; what cannot be removed does not keep the rest from going.
 * @throws LinuxnetError with all that failed
 */
export async function remove(subject: Subject): Promise<void> {
  const { definition, host, args } = subject;
  let lost = false;
  for (let attempt = 1; ; attempt += 1) {
    const { seen, context } = await (lost ? lookAgain(subject) : look(subject));
    const steps = definition.teardown(args, seen, context);
    if (steps.length === 0) return await forgetClaims(subject, context);
    let report: Report | undefined;
    try {
      ({ report } = await host.apply(steps, { owner: context.owner, onFailure: "go-on" }, {}));
    } catch (error) {
      if (!(error instanceof OutcomeUnknown) || attempt >= attempts) throw error;
      lost = true;
    }
    if (report && report.failures.length === 0) return;
    if (report && attempt > 1) throw gathered(report.failures, host.name);
  }
}

async function settled(subject: Subject, first: Seen): Promise<Seen> {
  const { definition, args } = subject;
  if (!definition.pending) return first;
  const began = Date.now();
  for (let seen = first, pause = 30; ; pause = Math.min(pause * 2, 500)) {
    const waiting = definition.pending(args, seen);
    if (!waiting) return seen;
    if (Date.now() - began > waiting.within * 1000) throw await notReady(subject, seen, waiting.why);
    await sleep(pause);
    ({ seen } = await look(subject));
  }
}

async function notReady(subject: Subject, seen: Seen, why: string): Promise<LinuxnetError> {
  const steps = subject.definition.teardown(subject.args, seen, withClaims(subject, seen));
  const failing = { host: subject.host.name, problem: why };
  if (steps.length === 0) return new LinuxnetError(failing);
  await subject.host.apply(steps, { owner: subject.context.owner, onFailure: "go-on" }, {});
  return new LinuxnetError({ ...failing, state: "It was removed again." });
}

async function takeBack(subject: Subject, steps: readonly Step[], left: readonly Change[]): Promise<LinuxnetError> {
  const back = steps.toReversed().flatMap(({ what, undo = [] }) => undo.map((command) => ({ what, do: command })));
  const { report } = await subject.host.apply(back, { owner: subject.context.owner, onFailure: "go-on" }, {});
  const [first] = left;
  const what = first?.property
    ? `${first.property} stayed ${JSON.stringify(first.actual)}`
    : (first?.drift ?? "it is not there");
  const state = stateAfter(report.failures.map(({ what, cause }) => `${what}: ${cause}`));
  return new LinuxnetError({ host: subject.host.name, problem: `what was set did not take effect: ${what}`, state });
}

function stateAfter(left: readonly string[]): string {
  return left.length === 0 ? "The host is as it was." : `This could not be taken back: ${left.join("; ")}.`;
}

function explain({ failures, left }: Report, host: string): LinuxnetError {
  const [first] = failures;
  const cause = first?.cause;
  // How far a command came that its deadline ended (timeout(1)) nobody knows.
  const late = left.length === 0 && (first?.code === 124 || first?.code === 137);
  const state = late ? "All before it is taken back; the next `up` looks how far it came." : stateAfter(left);
  return new LinuxnetError({ host, problem: `cannot ${first?.what}`, cause, state });
}

function gathered(failures: readonly StepFailure[], host: string): LinuxnetError {
  const problem = failures.map(({ what, cause }) => `cannot ${what}: ${cause}`).join("; ");
  return new LinuxnetError({ host, problem, state: "All else of it is removed." });
}

function stepsOf(changes: readonly Change[]): Step[] {
  return changes.flatMap(({ steps }) => steps);
}

async function retried<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof OutcomeUnknown) || attempt >= 2) throw error;
    }
  }
}
