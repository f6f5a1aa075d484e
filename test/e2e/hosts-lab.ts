import { join } from "node:path";
import type { Hosts } from "../support/hosts.ts";
import { test as bare } from "../support/hosts-test.ts";
import { checkout, Stack, succeeded } from "../support/stack.ts";

/**
 * A test with hosts and the real engine on their client side: `start(3)` gives hosts, `open(lab, "overlay")` a stack of an
 * example. Its files go with the test.
 */
export const test = bare.extend("open", ({ start: _start }, { onCleanup }) => {
  const stacks: Stack[] = [];
  onCleanup(() => {
    for (const stack of stacks) stack.close();
  });
  return async (lab: Hosts, example: string): Promise<Stack> => {
    const stack = await Stack.open(lab.machine, undefined, { folder: join(checkout, "examples", example) });
    stacks.push(stack);
    return stack;
  };
});

/** Sets one value within the configuration; a secret comes on stdin. */
export async function setPath(stack: Stack, path: string, value: string, secret = false): Promise<void> {
  const file = join(stack.state, "Pulumi.dev.yaml");
  const words = ["config", "set", "--stack", "dev", "--config-file", file, "--path", path];
  if (!secret) await stack.must(...words, value);
  else succeeded(await stack.machine.exec(stack.command(...words, "--secret"), value));
}

/** Which hosts the errors of an operation are about, and the sentences without what stands before the host's name. */
export function faultsIn(text: string): { hosts: string[]; sentences: string[] } {
  const found = [...text.matchAll(/^ *error: \w+ "[^"]+" on (\S+): (.*)$/gm)];
  const distinct = (group: 1 | 2) => [...new Set(found.map((match) => match[group] ?? ""))];
  return { hosts: distinct(1), sentences: distinct(2) };
}
