import { programNames } from "./programs.ts";
import { readStack, type Stack } from "./stack.ts";
import { fullName } from "./topology/model.ts";
import { topologyOf } from "./topology/read.ts";
import type { Names } from "./verb.ts";

/** The names that a shell offers behind a verb: what the state has, as of now. No host is asked. */
export async function namesIn(folder: string, stack: string | undefined, names: Names): Promise<string[]> {
  const found = await readStack(folder, stack);
  return [...new Set(await each[names](found))].toSorted();
}

const each: Record<Names, (stack: Stack) => Promise<string[]>> = {
  containers,
  programs: programNames,
  all: async (stack) => [
    ...(await containers(stack)),
    ...stack.resources.filter(({ component, kind }) => !component || kind === "Network").map(({ name }) => name),
  ],
};

async function containers(stack: Stack): Promise<string[]> {
  return (await topologyOf(stack)).places.map(fullName);
}
