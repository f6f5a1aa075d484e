import { test as base } from "vitest";
import { source } from "./machine.ts";
import { Stack, type StackOptions } from "./stack.ts";

const withMachine = base.extend("machine", async ({ task }, { onCleanup }) => {
  const { machine, stop } = await source.start();
  onCleanup(async () => {
    try {
      if (task.result?.state !== "fail" && !task.result?.errors?.length) await machine.expectClean();
    } finally {
      await stop();
    }
  });
  await machine.baseline();
  return machine;
});

/**
 * A test with a machine of its own: `test("...", async ({ machine }) => {...})`. After the test the machine has to be as it
 * was before it, or as it was at the last `machine.baseline()`: a leak fails the test. `open(program)` gives a stack in
 * the hands of the real engine in that machine; its files go with the test.
 */
export const test = withMachine.extend("open", ({ machine }, { onCleanup }) => {
  const stacks: Stack[] = [];
  onCleanup(() => {
    for (const stack of stacks) stack.close();
  });
  return async (program?: string, options?: StackOptions): Promise<Stack> => {
    const stack = await Stack.open(machine, program, options);
    stacks.push(stack);
    return stack;
  };
});
