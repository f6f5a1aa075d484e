import { describe, expect, test as plain } from "vitest";
import { Elsewhere, Host } from "../../../provider/host/host.ts";
import { OutcomeUnknown, Session } from "../../../provider/host/session.ts";
import { type Launch, localLaunch, plainLaunch } from "../../../provider/host/shell.ts";
import { ip, sh } from "../../../provider/kernel/command.ts";
import { test } from "../../support/test.ts";

const local = () => new Session(localLaunch());
const script = (text: string) => ({ script: text, deadline: 60 });
/** Kills the shell that the session talks to, from within a request: the parent of the script's own shell. */
const suicide = "read -r _ _ _ parent _ </proc/self/stat; kill -9 $PPID; sleep 0.2; echo too late";

describe("a session", () => {
  plain("answers requests that are sent together, each with its own code and streams", async () => {
    const session = local();
    const replies = await session.send([script("echo a; exit 3"), script("echo b >&2"), script("cat; exec false")]);
    expect(replies).toEqual([
      { code: 3, stdout: "a\n", stderr: "" },
      { code: 0, stdout: "", stderr: "b\n" },
      { code: 1, stdout: "", stderr: "" },
    ]);
    expect(session.roundTrips).toBe(1);
    session.close();
  });

  plain("keeps requests that overlap apart", async () => {
    const session = local();
    const all = await Promise.all(Array.from({ length: 40 }, (_, n) => session.send([script(`echo ${n}; exit ${n}`)])));
    expect(all.map(([reply]) => reply)).toEqual(all.map((_, n) => ({ code: n, stdout: `${n}\n`, stderr: "" })));
    session.close();
  });

  plain("is not hurt by a script that the shell cannot read, or that redirects everything", async () => {
    const session = local();
    const [unread, , after] = await session.send([
      script("if then ( '"),
      script("exec >/dev/null 2>&1 4>/dev/null; cd /; umask 0; set -e; false"),
      script("echo fine"),
    ]);
    expect(unread?.code).toBe(2);
    expect(unread?.stderr).toMatch(/[Ss]yntax error|[Uu]nterminated/);
    expect(after).toEqual({ code: 0, stdout: "fine\n", stderr: "" });
    session.close();
  });

  plain("carries megabytes in both directions", async () => {
    const session = local();
    const [reply] = await session.send([
      script(`: '${"x".repeat(3_000_000)}'\nhead -c 5000000 /dev/zero | tr '\\0' y`),
    ]);
    expect(reply?.stdout).toHaveLength(5_000_000);
    session.close();
  });

  plain("that cannot begin says why", async () => {
    const session = new Session(plainLaunch("this machine", ["/no/such/shell"]));
    await expect(session.send([script(":")])).rejects.toThrow(/this machine: .*\/no\/such\/shell/);
  });
});

describe("a session that is lost", () => {
  plain("means that the outcome is unknown, of everything that had no answer yet", async () => {
    const session = local();
    const done = session.send([script("echo done")]);
    const lost = session.send([script(suicide)]);
    const behind = session.send([script("echo never")]);
    await expect(done).resolves.toMatchObject([{ stdout: "done\n" }]);
    await expect(lost).rejects.toThrow(OutcomeUnknown);
    await expect(behind).rejects.toThrow("the session ended before the answer came");
    session.close();
  });

  plain("is opened anew for the next request", async () => {
    const session = local();
    await expect(session.send([script(suicide)])).rejects.toThrow(OutcomeUnknown);
    await expect(session.send([script("echo back")])).resolves.toMatchObject([{ code: 0, stdout: "back\n" }]);
    session.close();
  });

  plain("in the moment in which it was ready is noticed at once, and the next one is opened", async () => {
    const launch = localLaunch();
    let starts = 0;
    const dying: Launch = {
      ...launch,
      start: async (boot) => launch.start(starts++ === 0 ? boot.replace("exec /bin/sh", "exit 3") : boot),
    };
    const session = new Session(dying);
    await expect(session.send([script("echo never")])).rejects.toThrow(OutcomeUnknown);
    expect(session.open).toBe(false);
    await expect(session.send([script("echo back")])).resolves.toMatchObject([{ stdout: "back\n" }]);
    session.close();
  });

  plain("passes on the shell's last words", async () => {
    const argv = ["/bin/sh", "-c", "echo 'sudo: a password is required' >&2; exit 1"] as const;
    const session = new Session(plainLaunch("this machine", argv));
    await expect(session.send([script(":")])).rejects.toThrow(
      "this machine: the shell could not be started: sudo: a password is required. Nothing was changed. Allow sudo without a password",
    );
  });

  test("is given up at once; the script that had been delivered goes on to its end", async ({ machine }) => {
    const session = new Session(machine.launch());
    const undoing = "trap : PIPE; sleep 1; echo told >&2; echo told; echo told >&2; echo ended >/run/ended";
    const lost = session.send([script(`echo begun >/run/begun; ${undoing}`), script("echo never >/run/never")]);
    const rejected = expect(lost).rejects.toThrow(OutcomeUnknown);
    await machine.sh("until [ -e /run/begun ]; do sleep 0.05; done");
    session.close();
    await rejected;
    await expect(session.send([script("cat /run/begun; cat /run/ended")])).resolves.toMatchObject([{ code: 1 }]);
    await machine.sh("until [ -e /run/ended ]; do sleep 0.05; done; [ ! -e /run/never ]");
    session.close();
  });

  test("that answers nothing in time is given up", async ({ machine }) => {
    const session = new Session(machine.launch(), 0.2);
    const late = session.send([{ script: "sleep 2", deadline: 0.1 }]);
    await expect(late).rejects.toThrow("the session ended before the answer came: nothing came within");
    session.close();
  });

  test("fails every job of that round, and none of the next", async ({ machine }) => {
    const host = new Host(machine.launch());
    const ask = (text: string) => host.observe({ it: { command: sh(text), parse: ({ stdout }) => stdout } });
    const [one, other] = await Promise.allSettled([ask("kill -9 $PPID; sleep 0.2"), ask("echo other")]);
    expect([one.status, other.status]).toEqual(["rejected", "rejected"]);
    await expect(ask("echo next")).resolves.toEqual({ it: "next\n" });
  });
});

describe("a host", () => {
  const noted = (on?: string) => ({ owner: "linuxnet:test/dev/Any/any@00000000", onFailure: "undo", on }) as const;
  const noting = [{ what: "note", do: sh("echo done >>/run/log") }];

  test("runs nothing where another machine answers by now, or the same one was started anew", async ({ machine }) => {
    const host = new Host(machine.launch());
    await host.observe({ it: { command: sh(":"), parse: () => undefined } });
    const on = host.preflight?.identity;
    expect(on).toMatch(/^[0-9a-f]{32} [0-9a-f-]{36}$/);
    await host.apply(noting, noted(on), {});
    host.session.close();
    await machine.sh("tr 0-9a-f 1-9a-f0 </etc/machine-id >/run/id; cat /run/id >/etc/machine-id; rm /run/id");
    await expect(host.apply(noting, noted(on), {})).rejects.toThrow(Elsewhere);
    const [id] = `${host.preflight?.identity}`.split(" ");
    await expect(host.apply(noting, noted(`${id} ${"0".repeat(36)}`), {})).rejects.toThrow(Elsewhere);
    expect(await machine.sh("cat /run/log")).toBe("done");
    await host.apply(noting, noted(host.preflight?.identity), {});
    expect(await machine.sh("cat /run/log")).toBe("done\ndone");
    host.session.close();
  });

  test("refuses what cannot be written as a script, and does the rest of that round", async ({ machine }) => {
    const host = new Host(machine.launch());
    const odd = ip(["link", "show", "dev", "two words"]);
    const all = await Promise.allSettled([
      host.apply(noting, noted(), {}),
      host.apply([{ what: "be odd", do: odd }], noted(), {}),
      host.observe({ it: { command: odd, parse: () => 1 } }),
      host.observe({ it: { command: sh("echo fine"), parse: ({ stdout }) => stdout } }),
    ]);
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(all[1]).toMatchObject({ reason: expect.any(RangeError) });
    expect(all[3]).toMatchObject({ value: { it: "fine\n" } });
    expect(await machine.sh("cat /run/log")).toBe("done");
    host.session.close();
  });
});
