import { Host } from "../../provider/host/host.ts";
import type { Report } from "../../provider/host/report.ts";
import type { ScriptOptions } from "../../provider/host/script.ts";
import { type Answers, type Fact, type Facts, type Step, sh } from "../../provider/kernel/command.ts";

/**
 * What goes wrong at a step. `script`: the shell that runs the script is killed. `session`: the session's shell too. `fail`: the
 * step fails. `plugin`: as `session`, and who asked for it does not live to see the end.
 */
export type FaultKind = "script" | "session" | "fail" | "plugin";

/** A fault, and how many steps are done before it. */
export interface Fault {
  kind: FaultKind;
  at: number;
}

/** The process that works on the host is gone, as far as a test plays that. */
export class Killed extends Error {}

const killScript = "pkill -9 -P $$; kill -9 $$";

/** `PPID` of a script is the session's shell. */
const killSession = `kill -9 $PPID; ${killScript}`;

/** The steps that are faults: what a power cut between two steps leaves, but for the kernel's state; or a step that fails. */
export const faultSteps: Record<FaultKind, Step> = {
  script: { what: "be cut off", do: sh(killScript) },
  session: { what: "lose the session", do: sh(killSession) },
  plugin: { what: "lose the session", do: sh(killSession) },
  fail: { what: "fail as the test wants", do: sh("echo injected >&2; exit 1") },
};

/** Questions of which one is disturbed: that of the fault's number fails, or whoever is asked is killed before it. */
function disturbed<F extends Facts>(facts: F, { kind, at }: Fault): F {
  const all = Object.entries(facts);
  const { do: command } = faultSteps[kind];
  const fault = (parse: Fact<unknown>["parse"]): Fact<unknown> => ({ command, parse });
  if (kind !== "fail") all.splice(at, 0, ["the fault", fault(({ stdout }) => stdout)]);
  else if (all[at]) all[at] = [all[at][0], fault(all[at][1].parse)];
  return Object.fromEntries(all) as F;
}

/** A host on which one fault can be armed: it strikes once, at a step, or at a look when that comes first. */
export class FaultyHost extends Host {
  /** Strikes at the step of this number, counted over all scripts. */
  armed: Fault | undefined;
  /** Strikes at the next look, at the question of this number. */
  armedLook: Fault | undefined;
  /** How many faults have struck. */
  struck = 0;
  /** How many steps were sent, and how many looks were asked for without steps. */
  sent = { steps: 0, looks: 0 };
  #dead = false;

  override async apply<F extends Facts>(
    steps: readonly Step[],
    options: ScriptOptions,
    facts: F,
  ): Promise<{ report: Report; answers: Answers<F> }> {
    if (this.#dead) throw new Killed();
    this.sent.steps += steps.length;
    const { armed } = this;
    if (armed && armed.at > steps.length) this.armed = { ...armed, at: armed.at - steps.length };
    if (!armed || armed.at > steps.length || steps.length === 0) return super.apply(steps, options, facts);
    this.#strike();
    const work = super.apply(
      [...steps.slice(0, armed.at), faultSteps[armed.kind], ...steps.slice(armed.at)],
      options,
      facts,
    );
    return armed.kind === "plugin" ? this.#die(work) : work;
  }

  override async observe<F extends Facts>(facts: F): Promise<Answers<F>> {
    if (this.#dead) throw new Killed();
    this.sent.looks += 1;
    const { armedLook } = this;
    if (!armedLook || armedLook.at > Object.keys(facts).length) return super.observe(facts);
    this.#strike();
    const work = super.observe(disturbed(facts, armedLook));
    return armedLook.kind === "plugin" ? this.#die(work) : work;
  }

  #strike(): void {
    this.armed = undefined;
    this.armedLook = undefined;
    this.struck += 1;
  }

  async #die(work: Promise<unknown>): Promise<never> {
    this.#dead = true;
    await work.catch(() => {});
    throw new Killed();
  }
}
