import { type Step, sh } from "../../provider/kernel/command.ts";
import { look } from "../../provider/lifecycle/subject.ts";
import type { Machine } from "./machine.ts";
import { definitionOf, Subject } from "./subject.ts";

type Bag = Record<string, unknown>;

/** Ends the script's shell at once, without a word: what a power cut between two steps leaves, but for the kernel's state. */
const cut: Step = { what: "be cut off", do: sh("pkill -9 -P $$; kill -9 $$") };

/** Fails: what was done before is taken back. */
const failing: Step = { what: "fail as the test wants", do: sh("echo injected >&2; exit 1") };

/** The steps that a resource would do now. */
export async function stepsOf(machine: Machine, kind: string, subject: Subject, args: Bag): Promise<Step[]> {
  const definition = definitionOf(kind);
  const inputs = subject.inputsOf(args);
  const owner = `${inputs.owner}`;
  const { seen, context } = await look({
    definition,
    host: machine.host,
    args: inputs,
    context: { owner, adopt: false },
  });
  return definition.plan(inputs, seen, context).flatMap(({ steps }) => steps);
}

/**
 * Cuts the creation of a resource off after each of its steps in turn; each time the next `up` must make it whole, and its
 * destruction leave nothing.
 * @returns how many steps there were
 */
export async function cutEverywhere(machine: Machine, kind: string, name: string, args: Bag): Promise<number> {
  let done = 0;
  for (let count = 0; count <= done; count += 1) {
    const subject = new Subject(machine, kind, name);
    const steps = await stepsOf(machine, kind, subject, args);
    done = steps.length;
    const options = { owner: subject.sealed, onFailure: "undo" } as const;
    await machine.host.apply([...steps.slice(0, count), cut, ...steps.slice(count)], options, {});
    await subject.up(args);
    const drift = await subject.refresh();
    if (drift.length > 0) throw new Error(`after step ${count} of ${done}, up left: ${drift}`);
    await subject.destroy();
    await named(machine.expectClean(), `cut off after step ${count} of ${done}`);
  }
  return done;
}

/** Lets the creation of a resource fail after each of its steps in turn; each time the machine must be as it was. */
export async function failEverywhere(machine: Machine, kind: string, name: string, args: Bag): Promise<number> {
  const subject = new Subject(machine, kind, name);
  const steps = await stepsOf(machine, kind, subject, args);
  for (let count = 0; count <= steps.length; count += 1) {
    const options = { owner: subject.sealed, onFailure: "undo" } as const;
    const { report } = await machine.host.apply([...steps.slice(0, count), failing], options, {});
    if (report.left.length > 0) throw new Error(`failed after step ${count}: left ${report.left}`);
    await named(machine.expectClean(), `failed after step ${count} of ${steps.length}`);
  }
  return steps.length;
}

/**
 * Lets a change of a resource that stands fail at its very end: all of it is taken back.
 * @param owner its owner, where the program has renamed it
 * @returns how many steps there were
 */
export async function failChange(
  machine: Machine,
  kind: string,
  standing: Subject,
  args: Bag,
  owner = standing.sealed,
): Promise<number> {
  const definition = definitionOf(kind);
  const inputs: Bag = { ...standing.inputsOf(args), owner };
  const former = owner === standing.sealed ? undefined : standing.sealed;
  const context = { owner, former, adopt: false, previous: standing.outputs, state: standing.outputs };
  const found = await look({ definition, host: machine.host, args: inputs, context });
  const steps = definition.plan(inputs, found.seen, found.context).flatMap((change) => change.steps);
  const { report } = await machine.host.apply([...steps, failing], { owner, onFailure: "undo" }, {});
  if (report.left.length > 0) throw new Error(`left ${report.left}`);
  return steps.length;
}

async function named(work: Promise<void>, when: string): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new Error(`${when}: ${error instanceof Error ? error.message : error}`);
  }
}
