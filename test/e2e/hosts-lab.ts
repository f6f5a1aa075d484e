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

/** The engine's lines that tell of errors, without repetitions. */
export function errorsIn(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trim().replace(/^error: /, ""));
  return [...new Set(lines.filter((line) => / on h\d[ :]/.test(line) || / on \S+: /.test(line)))];
}
