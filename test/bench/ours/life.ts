import type { Machine } from "../../support/machine.ts";
import type { Stack } from "../../support/stack.ts";
import { provePings, proveTeardown } from "../proof.ts";
import { linkCount } from "../timing.ts";
import { type Operation, openStack, operate } from "./engine.ts";
import { installPackage } from "./package.ts";
import { changedSetting, programOf, type Wanted } from "./programs.ts";
import type { StoredResource } from "./replay.ts";

/** Where a lab lives. */
export interface Site {
  /** The machine on which the engine runs. */
  client: Machine;
  /** The machines on which the lab is made, as many as the program has connections, or the client itself. */
  machines: readonly Machine[];
}

/**
 * A lab's life by the engine: up, nothing to do, nothing to do with a look at the kernel, one host changed without and with such
 * a look, destroyed. Up, the changes and the teardown are proven.
 */
export async function life(site: Site, wanted: Wanted) {
  const { env } = wanted;
  const stack = await openStack(site.client, programOf(wanted));
  installPackage(stack.folder);
  try {
    const before = await Promise.all(site.machines.map((machine) => machine.snapshot()));
    const links = await linkCount(site.client);
    const { up, places } = await comeUp(stack, site, wanted);
    const resources = (await stack.export()).deployment.resources as unknown as StoredResource[];
    const [count, stateBytes] = [resources.length, stack.size()];
    const noop = await operate(stack, ["up"], env);
    const refreshed = await operate(stack, ["up", "--refresh"], env);
    const change = await changeOne(stack, site, places, { ...wanted, setting: "65" });
    const changeRefreshed = await changeOne(stack, site, places, { ...wanted, setting: "66" }, "--refresh");
    const down = await operate(stack, ["destroy"], env, site.machines.includes(site.client) ? links : undefined);
    for (const [index, machine] of site.machines.entries())
      refuseLeft(await proveTeardown(machine, before[index] ?? {}));
    const values = valuesOf({ up, noop, refreshed, change, changeRefreshed, down });
    return { resources, values: { ...values, gone: down.seconds + down.gone, resources: count, stateBytes } };
  } finally {
    stack.close();
  }
}

/** For each machine, the words that enter its first and its last host. */
type Places = string[][];

async function comeUp(stack: Stack, { machines }: Site, { env }: Wanted): Promise<{ up: Operation; places: Places }> {
  const up = await operate(stack, ["up"], env);
  const { netns } = (await stack.outputs()) as { netns: string[][] };
  const places = netns.map((names) => names.map((name) => `ip netns exec ${name}`));
  await Promise.all(machines.map((machine, index) => provePings(machine, places[index] ?? [])));
  return { up, places };
}

async function changeOne(
  stack: Stack,
  { machines: [machine] }: Site,
  [first]: Places,
  wanted: Wanted,
  ...more: string[]
) {
  stack.write(programOf(wanted));
  const change = await operate(stack, ["up", ...more], wanted.env);
  const value = await machine?.sh(`${first?.at(-1)} sysctl -n ${changedSetting}`);
  if (value !== wanted.setting) throw new Error(`the change has not come: ${changedSetting} is ${value}`);
  return change;
}

function refuseLeft(left: readonly string[]): void {
  if (left.length > 0) throw new Error(`ours has left: ${left.join("; ")}`);
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
