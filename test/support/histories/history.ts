import fc from "fast-check";
import type { FaultKind } from "../faulty-host.ts";
import type { Machine } from "../machine.ts";
import type { Snapshot } from "../snapshot.ts";
import { Program } from "./program.ts";
import { named, type Theme, withNeeds, withUsers } from "./theme.ts";

/**
 * A history, a line per event: `lab = wide` declares a variant of a slot, `lab - ` declares it no more, `lab ~ rename` is done to it by
 * hand; `up`, `refresh` and `destroy` are the engine's; `up, session at 3` is broken off by a fault after three steps.
 */
export type History = readonly string[];

const kinds: readonly FaultKind[] = ["script", "session", "fail", "plugin"];

/** Random histories of a theme, of so many lines at most. */
export function histories(theme: Theme, lines: number): fc.Arbitrary<string[]> {
  const all = (of: "variants" | "drifts", sign: string) =>
    Object.entries(theme.slots).flatMap(([slot, one]) =>
      Object.keys(one[of] ?? {}).map((name) => `${slot} ${sign} ${name}`),
    );
  const fault = fc
    .tuple(fc.constantFrom("up", "up", "destroy"), fc.constantFrom(...kinds), fc.nat(9))
    .map(([verb, kind, at]) => `${verb}, ${kind} at ${at}`);
  const line = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...all("variants", "=")) },
    { weight: 1, arbitrary: fc.constantFrom(...Object.keys(theme.slots).map((slot) => `${slot} -`)) },
    { weight: 5, arbitrary: fc.constantFrom(...all("drifts", "~")) },
    { weight: 3, arbitrary: fc.constant("up") },
    { weight: 4, arbitrary: fault },
    { weight: 1, arbitrary: fc.constantFrom("refresh", "destroy") },
  );
  const first = fc.array(fc.constantFrom(...all("variants", "=")), { minLength: 1, maxLength: 3 });
  const up = fc.oneof({ weight: 3, arbitrary: fc.constant("up") }, { weight: 1, arbitrary: fault });
  return fc
    .tuple(first, up, fc.array(line, { maxLength: lines }))
    .map(([begin, then, rest]) => [...begin, then, ...rest]);
}

/** What was done in histories: how often each kind of event took place. */
export type Tally = Record<string, number>;

/**
 * Plays a history on a machine, and ends it: what is broken off is brought to its end, all is destroyed, and nothing may be left.
 *
 * @param before how the machine stands with nothing of ours
 * @param twice make the last program once more on the bare machine: it has to stand as it did; and look at all after each `up`
 * @throws Error that says what did not hold, and after which line
 */
export async function play(
  theme: Theme,
  history: History,
  machine: Machine,
  before: Snapshot,
  twice = false,
): Promise<Tally> {
  const program = new Program(theme, machine, before, twice);
  const tally: Tally = {};
  let at = "";
  try {
    for (at of history) await event(program, at, tally);
    at = "its end";
    await end(program, machine, twice);
  } catch (error) {
    const text = error instanceof Error ? error.message : `${error}`;
    throw new Error(`${text}\n  at: ${at}\n  of: ${JSON.stringify(history)}`, { cause: error });
  } finally {
    program.host.session.close();
  }
  return tally;
}

async function end(program: Program, machine: Machine, twice: boolean): Promise<void> {
  if (program.unsure.size > 0 || twice) await settle(program);
  const { stood } = program;
  await program.destroy();
  await machine.expectClean();
  if (!twice) return;
  await settle(program, program.mixed ? undefined : stood);
  await program.destroy();
  await machine.expectClean();
}

async function settle(program: Program, stood?: readonly string[]): Promise<void> {
  await program.up();
  await program.expectSettled(stood);
}

async function event(program: Program, line: string, tally: Tally): Promise<void> {
  const [, slot = "", sign = "", name = ""] = /^(\w+) ([-=~]) ?(.*)$/.exec(line) ?? [];
  if (slot === "") return engine(program, line, tally);
  const { theme, declared } = program;
  if (sign === "=") for (const need of withNeeds(theme, slot)) if (!declared.has(need)) declare(program, need);
  if (sign === "=" && !program.isLost(slot, name)) declared.set(slot, name);
  if (sign === "~") await drift(program, slot, name, tally);
  // Of what was broken off while it was made the engine knows nothing: it is made whole first.
  const users = withUsers(theme, slot);
  if (sign === "-" && !users.some((one) => program.unsure.has(one))) for (const one of users) declared.delete(one);
}

function declare({ theme, declared }: Program, slot: string): void {
  declared.set(slot, Object.keys(theme.slots[slot]?.variants ?? {})[0] ?? "");
}

/** What is foreign beside what is declared stays, so the program may stand in another way than it did. */
async function drift(program: Program, slot: string, name: string, tally: Tally): Promise<void> {
  const { theme, declared, machine } = program;
  if (theme.slots[slot]?.unless?.[name]?.includes(declared.get(slot) ?? "")) return;
  await machine.exec(named(theme, declared, theme.slots[slot]?.drifts?.[name] ?? "false"));
  program.drifted = true;
  if (name.startsWith("foreign")) program.mixed = true;
  count(tally, "drift");
}

async function engine(program: Program, line: string, tally: Tally): Promise<void> {
  const [, verb, kind, at] = /^(\w+)(?:, (\w+) at (\d+))?$/.exec(line) ?? [];
  if (verb === "refresh") await program.refresh();
  if (verb === "destroy" && program.unsure.size > 0) return;
  count(tally, `${verb}`);
  const fault = kind === undefined ? undefined : { kind: kind as FaultKind, at: Number(at) };
  const host = program.host;
  const struck = host.struck;
  if (verb === "up") await program.broken(fault, () => program.up());
  if (verb === "destroy") await program.broken(fault, () => program.destroy());
  if (host.struck > struck) return count(tally, "fault");
  if (verb === "up") await program.expectSettled();
  if (verb === "destroy") await program.machine.expectClean();
}

function count(tally: Tally, what: string): void {
  tally[what] = (tally[what] ?? 0) + 1;
}
