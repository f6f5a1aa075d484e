// The one function behind create, update, repair and resume, with a real shell in a machine of the test's own.
import { execFileSync } from "node:child_process";
import { describe, expect } from "vitest";
import { type Change, sh } from "../../../provider/kernel/command.ts";
import { refuse } from "../../../provider/kernel/failure.ts";
import { converge } from "../../../provider/lifecycle/converge.ts";
import type { Definition } from "../../../provider/lifecycle/definition.ts";
import { flag } from "../../support/flag.ts";
import { test } from "../../support/test.ts";
import { endSession, error, noteShell, subject } from "./converge-lab.ts";

describe("converge", () => {
  test("makes what is missing, changes what differs, and does nothing when nothing does", async ({ machine }) => {
    expect(await converge(subject(machine))).toEqual({ path: "/run/flag", content: "v" });
    const trips = machine.host.session.roundTrips;
    expect(await converge(subject(machine, { before: "echo never >/run/never" }))).toMatchObject({ content: "v" });
    expect(machine.host.session.roundTrips - trips).toBe(1);
    expect(await machine.exec("ls /run/never")).toMatchObject({ code: 2 });
    expect(await converge(subject(machine, { value: "w" }))).toMatchObject({ content: "w" });
  });

  test("takes two round trips: look, then apply and verify", async ({ machine }) => {
    await machine.host.session.send([{ script: ":", deadline: 10 }]);
    const trips = machine.host.session.roundTrips;
    await converge(subject(machine));
    expect(machine.host.session.roundTrips - trips).toBe(2);
  });

  test("says what failed, why and how the host was left", async ({ machine }) => {
    const failing = subject(machine, { after: "echo 'no space' >&2; echo more >&2; exit 1" });
    const { message, stack } = await error(converge(failing));
    expect(message).toBe("on the machine: cannot finish: no space. The host is as it was.");
    expect(stack).toBe("");
    expect(await machine.sh("ls /run; cat /run/log")).not.toContain("flag");
    expect(await machine.sh("cat /run/log")).toBe("unprepared");
  });

  test("restores the former value when a change fails", async ({ machine }) => {
    await converge(subject(machine));
    await error(converge(subject(machine, { value: "w", after: "false" })));
    expect(await machine.sh("cat /run/flag")).toBe("v");
  });

  test("does not try the same again when the same is still missing", async ({ machine }) => {
    await error(converge(subject(machine, { before: "echo x >>/run/tries; false" })));
    expect(await machine.sh("wc -l </run/tries")).toBe("1");
  });

  test("plans anew when another program was quicker", async ({ machine }) => {
    const other = "[ -e /run/flag ] || echo other >/run/flag";
    expect(await converge(subject(machine, { before: other }))).toMatchObject({ content: "v" });
    expect(await machine.sh("cat /run/log")).toBe("unprepared");
  });

  test("does not go on for ever against another program that never rests", async ({ machine }) => {
    const other = 'echo x >>/run/tries; echo "$(wc -l </run/tries)" >/run/flag; false';
    const { message } = await error(converge(subject(machine, { before: other })));
    expect(message).toContain("cannot prepare");
    expect(await machine.sh("wc -l </run/tries")).toBe("4");
    await machine.sh("rm /run/flag");
  });

  test("takes back what did not take effect, and says so", async ({ machine }) => {
    const { message } = await error(converge(subject(machine, { after: "echo other >/run/flag" })));
    expect(message).toBe(
      'on the machine: what was set did not take effect: value stayed "other". The host is as it was.',
    );
    expect(await machine.exec("ls /run/flag")).toMatchObject({ code: 2 });
  });
});

/** Two files, of which the second is planned only when the first one stands. */
const inTwoRounds = (then: () => Change[]): Definition => ({
  ...flag,
  plan: (_args, { content }) =>
    content === "v"
      ? then()
      : [{ steps: [{ what: "begin", do: sh("echo v >/run/flag"), undo: [sh("rm /run/flag; echo back >>/run/log")] }] }],
});

describe("an operation that takes several rounds", () => {
  test("takes back the earlier ones when a later one fails", async ({ machine }) => {
    const failing = [{ drift: "it is not finished", steps: [{ what: "finish", do: sh("echo no >&2; false") }] }];
    const { message } = await error(
      converge(
        subject(
          machine,
          {},
          inTwoRounds(() => failing),
        ),
      ),
    );
    expect(message).toBe("on the machine: cannot finish: no. The host is as it was.");
    expect(await machine.sh("cat /run/log; ls /run")).not.toContain("flag");
  });

  test("takes back the earlier ones when what stands then is refused", async ({ machine }) => {
    const { message } = await error(
      converge(
        subject(
          machine,
          {},
          inTwoRounds(() => refuse("it is another's")),
        ),
      ),
    );
    expect(message).toBe("it is another's. The host is as it was.");
    expect(await machine.sh("cat /run/log; ls /run")).not.toContain("flag");
  });

  test("says what of the earlier ones could not be taken back", async ({ machine }) => {
    const seal = () => {
      const step = { what: "finish", do: sh("mount --bind /run/flag /run/flag; echo no >&2; false") };
      return [{ drift: "it is not finished", steps: [step] }];
    };
    const { message } = await error(converge(subject(machine, {}, inTwoRounds(seal))));
    expect(message).toContain(
      "on the machine: cannot finish: no. This could not be taken back: begin: rm: cannot remove",
    );
    await machine.sh("umount /run/flag; rm /run/flag");
  });

  test("changes nothing on another machine that answers meanwhile", async ({ machine }) => {
    const swap = "sed 's/^./f/; t' /etc/machine-id >/run/id; cat /run/id >/etc/machine-id; rm /run/id";
    const plan: Definition["plan"] = (...all) => {
      if (machine.host.preflight?.machineId.startsWith("f") === false) {
        execFileSync(machine.enter(["true"])[0], machine.enter(["sh", "-c", swap]).slice(1));
        machine.host.session.close();
      }
      return flag.plan(...all);
    };
    await machine.sh("sed -i 's/^./0/' /etc/machine-id");
    const { message } = await error(converge(subject(machine, {}, { ...flag, plan })));
    expect(message).toContain("another machine answers than the one that this was made on (machine id f");
    expect(message).toContain("Nothing was changed.");
    expect(await machine.sh("ls /run")).not.toContain("flag");
  });
});

describe("a session that is lost in the middle of a script", () => {
  test("is opened anew, and what the script did is found", async ({ machine }) => {
    await noteShell(machine);
    expect(await converge(subject(machine, { after: endSession }))).toMatchObject({ content: "v" });
    expect(await machine.exec("ls /run/log")).toMatchObject({ code: 2 });
  });

  test("is opened anew while the script still runs, whose work is then found", async ({ machine }) => {
    await noteShell(machine);
    // The first time only: the second script finds no shell of that number, and waits for the lock before.
    const slow = `if [ -e /run/shell ]; then mv /run/shell /run/was; kill -9 "$(cat /run/was)"; sleep 1; fi`;
    expect(await converge(subject(machine, { before: slow }))).toMatchObject({ content: "v" });
  });

  test("before anything was done means that it is done again", async ({ machine }) => {
    await noteShell(machine);
    const first = `if [ -e /run/shell ]; then mv /run/shell /run/was; kill -9 "$(cat /run/was)" $PPID; false; fi`;
    expect(await converge(subject(machine, { before: first }))).toMatchObject({ content: "v" });
  });

  test("and leaves a half-made object is resumed by the claim", async ({ machine }) => {
    await noteShell(machine);
    // The script itself dies too, after the object came to be: neither undone nor finished.
    const { definition, ...rest } = subject(machine, {
      after: `if [ -e /run/shell ]; then kill -9 "$(cat /run/shell)" && mv /run/shell /run/was; pkill -9 -P $$; kill -9 $$; fi`,
    });
    let claims: string[] = [];
    const watching = {
      ...definition,
      plan: (...[args, seen, context]: Parameters<typeof definition.plan>) => {
        claims = [...context.claims];
        return definition.plan(args, seen, context);
      },
    };
    expect(await converge({ definition: watching, ...rest })).toMatchObject({ content: "v" });
    expect(claims).toEqual(["file:/run/flag"]);
    expect(await machine.exec("ls /run/linuxnet")).toMatchObject({ code: 2 });
  });

  test("again and again is an error in the end", async ({ machine }) => {
    const work = converge(subject(machine, { before: "kill -9 $PPID; sleep 0.2; false" }));
    expect((await error(work)).message).toMatch(
      /: the session ended before the answer came: .*\. The session was lost in the middle of a change\. How far that came is not known;/,
    );
  });
});
