// The clock of the machine that waits is set, as a time server does: a wait takes as long as it was given all the same.
import { afterEach, describe, expect, vi } from "vitest";
import { type Reply, sh } from "../../../provider/kernel/command.ts";
import { converge } from "../../../provider/lifecycle/converge.ts";
import type { Definition } from "../../../provider/lifecycle/definition.ts";
import { flag } from "../../support/flag.ts";
import type { Machine } from "../../support/machine.ts";
import { test } from "../../support/test.ts";

const year = 365 * 86_400_000;

/** A flag that is ready when /run/ready is there. */
const slow = (within: number): Definition => ({
  ...flag,
  facts: (args, context) => ({
    ...flag.facts(args, context),
    ready: { command: sh("[ -e /run/ready ]"), parse: ({ code }: Reply) => code === 0 },
  }),
  pending: (_args, { ready }) => (ready ? undefined : { why: "it is not ready", within }),
});

/** Makes a flag, and sets the clock as soon as it is written. */
function makeWhile(machine: Machine, within: number, set: number): Promise<unknown> {
  const context = { owner: "linuxnet:test/dev/Flag/flag@00000000", adopt: false };
  const args = { path: "/run/flag", value: "v" };
  const made = converge({ definition: slow(within), host: machine.host, args, context });
  const clock = machine
    .sh("until [ -e /run/flag ]; do sleep 0.02; done")
    .then(() => vi.setSystemTime(Date.now() + set));
  return Promise.all([made, clock]);
}

afterEach(() => void vi.useRealTimers());

describe("a clock that is set while something is waited for", () => {
  test("a year ahead: it gets the time that it was given", async ({ machine }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const made = makeWhile(machine, 60, year);
    await machine.sh("until [ -e /run/flag ]; do sleep 0.02; done; sleep 1; touch /run/ready");
    await expect(made).resolves.toBeDefined();
  });

  test("a year back: it is given up in time", async ({ machine }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await expect(makeWhile(machine, 1, -year)).rejects.toThrow("it is not ready. It was removed again");
  });
});
