// The one function behind delete, with a real shell in a machine of the test's own.
import { describe, expect } from "vitest";
import { sh } from "../../../provider/kernel/command.ts";
import { remove } from "../../../provider/lifecycle/remove.ts";
import { flag } from "../../support/flag.ts";
import { test } from "../../support/test.ts";
import { error, noteShell, subject } from "./converge-lab.ts";

describe("remove", () => {
  test("of what is not there is a success, and asks once", async ({ machine }) => {
    const trips = machine.host.session.roundTrips;
    await remove(subject(machine));
    expect(machine.host.session.roundTrips - trips).toBe(1);
  });

  test("gathers what cannot be removed, and removes the rest", async ({ machine }) => {
    await machine.sh("echo v >/run/flag");
    const one = { what: "delete one", do: sh("echo stuck >&2; false") };
    const two = { what: "delete two", do: sh("rm /run/flag") };
    const three = { what: "delete three", do: sh("echo stuck too >&2; false") };
    const teardown = (_args: unknown, { content }: Record<string, unknown>) =>
      content === undefined ? [one, three] : [one, two, three];
    const { message } = await error(remove(subject(machine, {}, { ...flag, teardown })));
    expect(message).toBe(
      "on the machine: cannot delete one: stuck; cannot delete three: stuck too. All else of it is removed.",
    );
  });

  test("looks whether it is gone, in the same round trip", async ({ machine }) => {
    await machine.sh("echo v >/run/flag");
    const trips = machine.host.session.roundTrips;
    await remove(subject(machine));
    expect(machine.host.session.roundTrips - trips).toBe(2);
  });

  test("says what is still there though nothing has failed", async ({ machine }) => {
    await machine.sh("echo v >/run/flag");
    const idle = { ...flag, teardown: () => [{ what: "delete /run/flag", do: sh(":") }] };
    const { message } = await error(remove(subject(machine, {}, idle)));
    expect(message).toBe(
      "on the machine: what was to be removed is still there (delete /run/flag). Nothing of it was removed.",
    );
    await remove(subject(machine));
  });

  test("goes on after the session was lost", async ({ machine }) => {
    await machine.sh("echo v >/run/flag");
    await noteShell(machine);
    const text = 'if [ -e /run/shell ]; then mv /run/shell /run/was; kill -9 "$(cat /run/was)"; fi; rm -f /run/flag';
    await remove(
      subject(
        machine,
        {},
        {
          ...flag,
          teardown: (_args, seen) => (seen.content ? [{ what: "delete", do: { kind: "sh", text } }] : []),
        },
      ),
    );
    expect(await machine.exec("ls /run/flag")).toMatchObject({ code: 2 });
  });
});
