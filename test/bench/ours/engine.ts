import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../../../provider/kernel/quote.ts";
import type { Machine } from "../../support/machine.ts";
import { Stack } from "../../support/stack.ts";
import { type Timed, timed } from "../timing.ts";
import { watchMemory } from "./memory.ts";
import { type OwnShare, takeTrace } from "./trace.ts";

/** What an operation of the engine took. */
export interface Operation extends Timed {
  own: OwnShare;
  /** Most memory of the provider process, in megabytes. */
  peak: number;
}

/** Variables of the engine's environment, beside those of every stack. */
export type Environment = Readonly<Record<string, string>>;

/** Without the `refresh: always` of the examples: what reading the kernel takes is measured by itself. */
const project = "name: lab\nmain: index.ts\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n";

/** Opens a stack of a program's text. */
export async function openStack(machine: Machine, program: string): Promise<Stack> {
  const stack = await Stack.open(machine, program);
  writeFileSync(join(stack.folder, "Pulumi.yaml"), project);
  return stack;
}

/**
 * Runs an operation of a stack and measures it.
 *
 * @param links as for {@link timed}
 */
export async function operate(
  stack: Stack,
  words: readonly string[],
  env: Environment = {},
  links?: number,
): Promise<Operation> {
  const file = join(stack.folder, "trace");
  const [verb = "", ...more] = words;
  const variables = Object.entries({ ...env, LINUXNET_TRACE: file }).map(([name, value]) => `${name}=${quote(value)}`);
  const line = `export ${variables.join(" ")}; ${stack.operation(verb, "--yes", "--skip-preview", ...more)}`;
  const endWatch = watchMemory(stack.machine);
  try {
    const took = await timed(stack.machine, line, links);
    return { ...took, own: takeTrace(file), peak: endWatch() };
  } finally {
    endWatch();
  }
}
