// What the tests of operations share.
import { expect } from "vitest";
import { LinuxnetError } from "../../../provider/kernel/failure.ts";
import type { Subject } from "../../../provider/lifecycle/subject.ts";
import { flag } from "../../support/flag.ts";
import type { Machine } from "../../support/machine.ts";

/** The owner of the flag. */
export const owner = "linuxnet:test/dev/Flag/flag@00000000";

/** The flag as the subject of an operation in a machine. */
export function subject(machine: Machine, args: Record<string, unknown> = {}, definition = flag): Subject {
  return {
    definition,
    host: machine.host,
    args: { path: "/run/flag", value: "v", ...args },
    context: { owner, adopt: false },
  };
}

/** The error that work ends with. */
export async function error(work: Promise<unknown>): Promise<LinuxnetError> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(LinuxnetError);
  return failure as LinuxnetError;
}

/** Ends the session's shell, from within a step: the script goes on. */
export const endSession = `limit sh -c 'kill -9 "$(cat /run/shell)"'`;

/** Notes the pid of the session's shell, as the machine counts. */
export async function noteShell(machine: Machine): Promise<void> {
  await machine.host.session.send([{ script: "echo $PPID >/run/shell", deadline: 10 }]);
}
