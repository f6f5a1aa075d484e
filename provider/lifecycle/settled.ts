import { setTimeout as sleep } from "node:timers/promises";
import { LinuxnetError } from "../kernel/failure.ts";
import { type Look, look, type Subject } from "./subject.ts";

/**
 * Waits until what was made is ready.
 * @throws LinuxnetError when it is not in time; it is removed again then
 */
export async function settled(subject: Subject, first: Look): Promise<Look> {
  const { definition, args, host } = subject;
  if (!definition.pending || host.rehearses) return first;
  const began = performance.now();
  for (let now = first, pause = 30; ; pause = Math.min(pause * 2, 500)) {
    const waiting = definition.pending(args, now.seen);
    if (!waiting) return now;
    if (performance.now() - began > waiting.within * 1000) throw await notReady(subject, now, waiting.why);
    await sleep(pause);
    now = await lookOn(subject, now);
  }
}

async function lookOn(subject: Subject, { on }: Look): Promise<Look> {
  try {
    return await look(subject, on);
  } catch (error) {
    if (!(error instanceof LinuxnetError)) throw error;
    throw error.with({ state: "What was set stands; it is not known whether it became ready." });
  }
}

async function notReady(subject: Subject, { seen, context, on }: Look, why: string): Promise<LinuxnetError> {
  const { definition, host, args } = subject;
  if (definition.lasting && context.previous)
    return new LinuxnetError({ host: host.name, problem: why, state: "What was set stands." });
  const steps = definition.teardown(args, seen, context);
  const failing = { host: host.name, problem: why };
  if (steps.length === 0) return new LinuxnetError(failing);
  const { report } = await host.apply(steps, { owner: context.owner, onFailure: "go-on", on }, {});
  const left = report.failures.map(({ what, cause }) => `cannot ${what}: ${cause}`);
  const state = left.length === 0 ? "It was removed again." : `Of it this stays: ${left.join("; ")}.`;
  return new LinuxnetError({ ...failing, state });
}
