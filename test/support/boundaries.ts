import { LinuxnetError } from "../../provider/kernel/failure.ts";
import { type Fault, type FaultKind, FaultyHost, Killed } from "./faulty-host.ts";
import { missingOf } from "./histories/standing.ts";
import type { Life } from "./lives.ts";
import type { Machine } from "./machine.ts";
import { Subject } from "./subject.ts";

/** What the engine asks of a resource. */
export const operations = ["create", "read", "update", "delete"] as const;
export type Operation = (typeof operations)[number];

/** All faults, each in the words of the table. */
export const faultNames: Record<FaultKind, string> = {
  script: "the script's shell killed",
  session: "the session cut",
  plugin: "the session and the plugin killed",
  fail: "a step or a question failed",
};

/** One boundary: an operation of a kind, and what goes wrong before which of its steps (of a read: of its questions). */
export interface Boundary extends Fault {
  kindOf: string;
  operation: Operation;
}

/** A resource in the hands of an engine, whose host may be struck by a fault. */
class Trial {
  readonly #machine: Machine;
  readonly #life: Life;
  readonly subject: Subject;
  host: FaultyHost;

  constructor(machine: Machine, kind: string, life: Life) {
    this.#machine = machine;
    this.#life = life;
    this.host = new FaultyHost(machine.launch());
    const host = () => this.host;
    const reached = {
      get host() {
        return host();
      },
    };
    this.subject = new Subject(reached, kind, "one");
  }

  /** The inputs before or after the change. */
  args(changed: boolean): Record<string, unknown> {
    return changed ? { ...this.#life.args, ...this.#life.change } : this.#life.args;
  }

  work(operation: Operation): Promise<unknown> {
    if (operation === "delete") return this.subject.destroy();
    if (operation === "read") return this.subject.refresh();
    return this.subject.up(this.args(operation === "update"));
  }

  restart(): void {
    this.host.session.close();
    this.host = new FaultyHost(this.#machine.launch());
  }
}

/**
 * Tries one boundary on a machine that stands at its baseline. What is not ours stays as it was; an `up` makes the resource whole, after
 * which nothing has drifted and nothing is planned; a destroy leaves nothing. What fails in a creation has been taken back.
 *
 * @returns whether the fault has struck: there are no more steps when it has not
 */
export async function tryBoundary(machine: Machine, life: Life, boundary: Boundary): Promise<boolean> {
  const { kindOf, operation, kind, at } = boundary;
  const trial = new Trial(machine, kindOf, life);
  const before = await machine.snapshot();
  try {
    if (operation !== "create") await trial.work("create");
    const failed = await struck(trial, operation, { kind, at });
    if (failed === undefined) return await ended(machine, trial, false);
    if (failed && kind === "fail" && operation === "create") await machine.expectClean();
    if (kind === "plugin") trial.restart();
    const missing = missingOf(before, await machine.snapshot());
    if (missing.length > 0) throw new Error(`what is not ours is not as it was:\n${missing.join("\n")}`);
    if (operation !== "delete" || kind !== "session") await converges(trial, operation === "update");
    return await ended(machine, trial, true);
  } catch (error) {
    throw new Error(`${JSON.stringify(boundary)}: ${error instanceof Error ? error.message : error}`, { cause: error });
  } finally {
    trial.host.session.close();
  }
}

/** One destroy leaves nothing. */
async function ended(machine: Machine, { subject }: Trial, told: boolean): Promise<boolean> {
  if (subject.exists) await subject.destroy();
  await machine.expectClean();
  return told;
}

/** Whether the operation failed; undefined when the fault has not struck. A read tells the truth, or that it cannot. */
async function struck(trial: Trial, operation: Operation, fault: Fault): Promise<boolean | undefined> {
  const { host } = trial;
  if (operation === "read") host.armedLook = fault;
  else host.armed = fault;
  try {
    const told = await trial.work(operation);
    if (operation === "read" && host.struck > 0 && Array.isArray(told) && told.length > 0)
      throw new Error(`it told of drift: ${told}: ${JSON.stringify(trial.subject.outputs.drift)}`);
    if (operation === "read" && told === "gone") throw new Error("it told that the resource is gone");
    return host.struck > 0 ? false : undefined;
  } catch (error) {
    if (!(error instanceof LinuxnetError || error instanceof Killed)) throw error;
    return true;
  } finally {
    host.armed = undefined;
    host.armedLook = undefined;
  }
}

async function converges(trial: Trial, changed: boolean): Promise<void> {
  const { subject } = trial;
  if (subject.exists) await subject.refresh();
  await subject.up(trial.args(changed));
  const drift = await subject.refresh();
  if (drift.length > 0) throw new Error(`up left drift: ${drift} ${JSON.stringify(subject.outputs.drift)}`);
  if (subject.preview(trial.args(changed)).changes) throw new Error("up left something to plan");
}

/**
 * Tries an operation of a kind with a fault before its first step, after its last, and between any two.
 * @returns how many places there were
 */
export async function tryEverywhere(machine: Machine, life: Life, boundary: Omit<Boundary, "at">): Promise<number> {
  for (let at = 0; ; at += 1) if (!(await tryBoundary(machine, life, { ...boundary, at }))) return at;
}
