import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../../support/machine.ts";
import { openStack, operate } from "./engine.ts";
import { replayProgram, type StoredResource, standIns, standInsFile } from "./replay.ts";

/**
 * What the engine alone takes for resources like those of a stack: as many, as big, in the same order, with a provider that
 * does nothing.
 */
export async function engineFloor(
  machine: Machine,
  resources: readonly StoredResource[],
): Promise<Record<string, number>> {
  const stack = await openStack(machine, replayProgram());
  try {
    copyFileSync(new URL("empty.cjs", import.meta.url), join(stack.folder, "empty.cjs"));
    writeFileSync(join(stack.folder, standInsFile), JSON.stringify(standIns(resources)));
    const up = await operate(stack, ["up"]);
    const stateBytes = stack.size();
    const noop = await operate(stack, ["up"]);
    const refreshed = await operate(stack, ["up", "--refresh"]);
    stack.write(replayProgram(true));
    const change = await operate(stack, ["up"]);
    const down = await operate(stack, ["destroy"]);
    return {
      engineUp: up.seconds,
      engineNoop: noop.seconds,
      engineRefreshed: refreshed.seconds,
      engineChange: change.seconds,
      engineDown: down.seconds,
      engineStateBytes: stateBytes,
      enginePeakMB: up.peak,
    };
  } finally {
    stack.close();
  }
}
