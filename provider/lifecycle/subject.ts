import { Elsewhere, type Host } from "../host/host.ts";
import type { Identity } from "../host/preflight.ts";
import type { Report } from "../host/report.ts";
import { claimsFile, type ScriptOptions } from "../host/script.ts";
import { OutcomeUnknown } from "../host/session.ts";
import { type Answers, type Fact, type Facts, type Step, shAt } from "../kernel/command.ts";
import { LinuxnetError } from "../kernel/failure.ts";
import type { Context, Definition } from "./definition.ts";

/** What an operation works on. */
export interface Subject {
  definition: Definition;
  host: Host;
  args: Record<string, unknown>;
  context: Omit<Context, "claims">;
}

/** The answers to a resource's facts. */
export type Seen = Answers<Facts>;

/** What a look at the host has found: the answers, what planning needs to know, and on which machine that was. */
export interface Look {
  seen: Seen;
  context: Context;
  on: Identity | undefined;
}

/** What has become of steps, and how the host stands now. */
export interface Outcome extends Look {
  /** How the script went; undefined when nobody knows. */
  report?: Report;
  /** Why nobody knows. */
  lost?: OutcomeUnknown;
}

/** How often an operation looks again: the session was lost, or another program changed the host meanwhile. */
export const attempts = 4;

/** What is asked besides a resource's own facts: which objects a script of ours was about to make. */
function claimsFact(owner: string): Fact<Set<string>> {
  const command = shAt(claimsFile(owner), `limit cat ${claimsFile(owner)} 2>/dev/null || :`);
  return { command, parse: ({ stdout }) => new Set(stdout.split("\n").filter(Boolean)) };
}

function factsOf({ definition, args, context }: Subject) {
  const bare = { ...context, claims: new Set<string>() };
  return { ...definition.facts(args, bare), claims: claimsFact(context.owner) };
}

function found({ host, context }: Subject, seen: Seen): Look {
  return { seen, context: { ...context, claims: seen.claims as ReadonlySet<string> }, on: host.preflight?.identity };
}

/**
 * Looks at the host.
 * @param before the machine that this operation has looked at before
 * @param more what is asked besides
 */
export async function look(subject: Subject, before?: Identity, more: Facts = {}): Promise<Look> {
  const seen = await retried(() => subject.host.observe({ ...factsOf(subject), ...more }));
  refuseOtherMachine(subject, before);
  return found(subject, seen);
}

/** Another machine behind the same address is not asked about, and not changed by, what a state says of the first. */
function refuseOtherMachine({ host: { name, preflight }, context: { state }, args }: Subject, before?: Identity): void {
  const [was, is] = [state?.machineId || before?.split(" ")[0], preflight?.machineId];
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
 * Runs steps on the machine that was looked at, and looks again; in the same round trip, unless the session is lost.
 * @param more what is asked besides; not answered when the session was lost
 */
export async function applyAndLook(
  subject: Subject,
  steps: readonly Step[],
  { on }: Look,
  onFailure: ScriptOptions["onFailure"],
  more: Facts = {},
): Promise<Outcome> {
  try {
    const options = { owner: subject.context.owner, onFailure, on };
    const { report, answers } = await subject.host.apply(steps, options, { ...factsOf(subject), ...more });
    return { report, ...found(subject, answers) };
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
    return { lost: error, ...(await lookAfter(subject, error, on)) };
  }
}

/** That nothing can be asked any more is no evidence that nothing was done. */
async function lookAfter(subject: Subject, lost: OutcomeUnknown, on: Identity | undefined): Promise<Look> {
  try {
    return await look(subject, on);
  } catch (error) {
    if (!(error instanceof LinuxnetError) || lost instanceof Elsewhere) throw error;
    throw error.with({ state: unknownState });
  }
}

/** The state of a host after a session was lost on the way. */
export const unknownState =
  "The session was lost in the middle of a change. How far that came is not known; the next operation looks.";

/** What was claimed by a script that was cut off stands as wanted, or not at all: its note goes. */
export async function forgetClaims(subject: Subject, now: Look): Promise<void> {
  if (now.context.claims.size > 0) await tidy(subject);
}

/** An empty script: it takes our own notes and folders away that are needed no more. */
export async function tidy({ host, context: { owner } }: Subject): Promise<void> {
  await host.apply([], { owner, onFailure: "go-on" }, {});
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
