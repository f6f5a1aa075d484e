import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../../support/machine.ts";
import { type Environment, openStack, operate } from "./engine.ts";
import { replayProgram, type StoredResource, standIns, standInsFile } from "./replay.ts";

/**
 * What the engine alone takes for resources like those of a stack: as many, as big, in the same order, with a provider that
 * does nothing.
 */
export async function engineFloor(
  machine: Machine,
  resources: readonly StoredResource[],
  env?: Environment,
): Promise<Record<string, number>> {
  const stack = await openStack(machine, replayProgram());
  try {
    copyFileSync(new URL("empty.cjs", import.meta.url), join(stack.folder, "empty.cjs"));
    writeFileSync(join(stack.folder, standInsFile), JSON.stringify(standIns(resources)));
    const run = (...words: string[]) => operate(stack, words, env);
    const up = await run("up");
    const noop = await run("up");
    const refreshed = await run("up", "--refresh");
    stack.write(replayProgram(true));
    const change = await run("up");
    const bytes = { engineStateBytes: stack.size(), enginePeakMB: up.peak };
    const down = await run("destroy");
    const took = { Up: up, Noop: noop, Refreshed: refreshed, Change: change, Down: down };
    const seconds = Object.entries(took).map(([name, { seconds }]) => [`engine${name}`, seconds]);
    return { ...bytes, ...Object.fromEntries(seconds) };
  } finally {
    stack.close();
  }
}
