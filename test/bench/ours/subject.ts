import type { Machine } from "../../support/machine.ts";
import type { Stack } from "../../support/stack.ts";
import { provePings, proveTeardown } from "../proof.ts";
import { type Measurement, type Subject, usualSizes } from "../record.ts";
import { onMachine } from "../shell-peer.ts";
import { linkCount } from "../timing.ts";
import { type Operation, openStack, operate } from "./engine.ts";
import { engineFloor } from "./floor.ts";
import { changedSetting, programOf, type Wanted, type Way } from "./programs.ts";
import type { StoredResource } from "./replay.ts";

/** A way of ours as a subject: whole operations of the real engine, and beside them the engine alone. */
export function ours(
  way: Way,
  title: string,
  sizes: readonly number[] = usualSizes,
  missing = () => undefined as string | undefined,
): Subject {
  return { name: way, title, sizes, missing, measure: (n) => onMachine((machine) => measure(machine, { way, n })) };
}

async function measure(machine: Machine, wanted: Wanted): Promise<Pick<Measurement, "values" | "notes">> {
  const { values, resources } = await life(machine, machine, wanted);
  return { values: { ...values, ...(await engineFloor(machine, resources)) }, notes: [] };
}

/**
 * A lab's life by the engine: up, nothing to do, nothing to do with a look at the kernel, one host changed, destroyed.
 *
 * @param client where the engine runs
 * @param host where the lab is made
 */
export async function life(client: Machine, host: Machine, wanted: Wanted) {
  const stack = await openStack(client, programOf(wanted));
  try {
    const [links, before] = [await linkCount(host), await host.snapshot()];
    const up = await operate(stack, ["up"]);
    const places = await namespaces(stack);
    await provePings(host, places);
    const resources = (await stack.export()).deployment.resources as unknown as StoredResource[];
    const stateBytes = stack.size();
    const noop = await operate(stack, ["up"]);
    const refreshed = await operate(stack, ["up", "--refresh"]);
    stack.write(programOf({ ...wanted, changed: true }));
    const change = await operate(stack, ["up"]);
    await proveChange(host, places.at(-1) ?? "");
    const down = await operate(stack, ["destroy"], client === host ? links : undefined);
    const left = await proveTeardown(host, before);
    if (left.length > 0) throw new Error(`ours has left:\n${left.join("\n")}`);
    const values = valuesOf({ up, noop, refreshed, change, down });
    return {
      resources,
      values: { ...values, gone: down.seconds + down.gone, resources: resources.length, stateBytes },
    };
  } finally {
    stack.close();
  }
}

async function namespaces(stack: Stack): Promise<string[]> {
  const { netns } = (await stack.outputs()) as { netns: string[] };
  return netns.map((name) => `ip netns exec ${name}`);
}

async function proveChange(host: Machine, place: string): Promise<void> {
  const value = await host.sh(`${place} sysctl -n ${changedSetting.key}`);
  if (value !== changedSetting.value) throw new Error(`the change has not come: ${changedSetting.key} is ${value}`);
}

/** Whole wall clock, own share, round trips, characters and peak memory of each operation. */
function valuesOf(operations: Record<string, Operation>): Record<string, number> {
  const entries = Object.entries(operations).flatMap(([name, { seconds, own, peak }]): [string, number][] => [
    [name, seconds],
    [`${name}Own`, own.seconds],
    [`${name}Trips`, own.trips],
    [`${name}Characters`, own.characters],
    [`${name}PeakMB`, peak],
  ]);
  return Object.fromEntries(entries);
}
