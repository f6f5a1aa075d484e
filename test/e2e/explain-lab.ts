// What the tests of `linuxnet explain` share: it is asked of an example, what it says is typed, and what the example expects is tried.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Expected, HostScript } from "../../provider/cli/explaining/script.ts";
import { probeFact } from "../../provider/kernel/probe.ts";
import type { Answer, Machine } from "../support/machine.ts";
import { checkout, type Stack } from "../support/stack.ts";

/** A place where commands are run. */
export type Shell = Pick<Machine, "exec" | "sh">;

/** The folder of an example. */
export const example = (name: string): string => join(checkout, "examples", name);

/** What `linuxnet explain` says of a stack, by host. It must leave the stack and the project's folder as they were. */
export async function explain(stack: Stack, ...options: string[]): Promise<HostScript[]> {
  const before = [await exported(stack), readdirSync(stack.folder)];
  const configFile = join(stack.state, "Pulumi.dev.yaml");
  const config = existsSync(configFile) ? ["--config-file", configFile] : [];
  const answer = await stack.linuxnet("--stack", "dev", "--json", "explain", ...config, ...options);
  expect(answer).toMatchObject({ code: 0, stderr: "" });
  expect([await exported(stack), readdirSync(stack.folder)]).toEqual(before);
  return JSON.parse(answer.stdout).hosts;
}

const exported = (stack: Stack) => stack.must("stack", "export", "--stack", "dev");

/** Types a script. */
export async function type(shell: Shell, { script }: HostScript): Promise<void> {
  const answer: Answer = await shell.exec(
    `cat >/run/explained.sh <<'@END@'\n${script}@END@\nsh /run/explained.sh; code=$?; rm /run/explained.sh; exit $code`,
  );
  expect(answer, script).toMatchObject({ code: 0 });
}

/** Fails unless all holds that an example expects on a host: what is to be reached first, since programs begin to listen. */
export async function expectAll(shell: Shell, expected: readonly Expected[]): Promise<void> {
  expect(expected.length).toBeGreaterThan(0);
  for (const one of expected.filter(({ reachable }) => reachable))
    await expect.poll(() => reached(shell, one), { timeout: 20_000, message: JSON.stringify(one) }).toBe(true);
  const closed = expected.filter(({ reachable }) => !reachable);
  const open = await Promise.all(closed.map((one) => reached(shell, one)));
  expect(closed.filter((_, index) => open[index])).toEqual([]);
}

async function reached(shell: Shell, { from, ...probe }: Expected): Promise<boolean> {
  const { command, parse } = probeFact({ ...probe, netns: from === "host" ? undefined : from });
  const text = command.kind === "sh" ? command.text : "";
  const found = parse(await shell.exec(`limit() { timeout -k 1 10 "$@"; }\n${text}`));
  expect(found.fault).toBeUndefined();
  return found.reached;
}
