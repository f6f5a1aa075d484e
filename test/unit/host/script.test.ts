// Compiled scripts, run for real in a machine of the test's own.
import fc from "fast-check";
import { describe, expect } from "vitest";
import { compile, ends, together } from "../../../provider/host/script.ts";
import { ip, nft, run, type Step, sh } from "../../../provider/kernel/command.ts";
import { runDir } from "../../../provider/kernel/run-dir.ts";
import { hostile } from "../../support/hostile.ts";
import { test } from "../../support/test.ts";
import { apply, applyShortly, failing, goOn, log, noted, undo } from "./script-lab.ts";

describe("a script that works", () => {
  test("does its steps in order and leaves nothing of its own", async ({ machine }) => {
    expect(await apply(machine, [noted("a"), noted("b"), noted("c")])).toEqual({ failures: [], left: [] });
    expect(await log(machine)).toBe("+a +b +c");
    expect(await machine.sh("ls -d /run/linuxnet 2>&1 || :")).toContain("No such file");
  });

  test("has an empty stdin, and no descriptor that a daemon would hold", async ({ machine }) => {
    const look = sh("cat >/run/stdin; ls /proc/self/fd | tr '\\n' ' ' >/run/fds");
    expect((await apply(machine, [{ what: "look", do: look }])).failures).toEqual([]);
    expect(await machine.sh("stat -c %s /run/stdin")).toBe("0");
    expect(await machine.sh("cat /run/fds")).not.toMatch(/\b4\b/);
  });

  test("hands hostile words to programs as they are", async ({ machine }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 50, maxLength: 50 }), async (words) => {
        const steps = [
          { what: "clear", do: sh(": >/run/words") },
          ...words.map((word) => ({
            what: word,
            do: run(["sh", "-c", 'printf "%s\\0" "$1" >>/run/words', "sh", word]),
          })),
        ];
        expect((await apply(machine, steps)).failures).toEqual([]);
        const { stdout } = await machine.exec("base64 -w 0 /run/words");
        const got = Buffer.from(stdout, "base64").toString("utf8").split("\0").slice(0, -1);
        expect(got.map((word) => word.codePointAt(0))).toEqual(words.map((word) => word.codePointAt(0)));
        expect(Buffer.from(stdout, "base64").equals(Buffer.from(words.map((word) => `${word}\0`).join("")))).toBe(true);
      }),
      { numRuns: 6, endOnFailure: true },
    );
  });
});

describe("a step that fails", () => {
  test("takes back what was done, newest first, and not what was not", async ({ machine }) => {
    const report = await apply(machine, [noted("a"), noted("b"), failing(), noted("c")]);
    expect(report).toEqual({ failures: [{ what: "do the impossible", cause: "first", code: 3 }], left: [] });
    expect(await log(machine)).toBe("+a +b -b -a");
  });

  test("takes several inverses of one step in their order", async ({ machine }) => {
    const twice = {
      what: "two",
      do: sh("echo +2 >>/run/log"),
      undo: [sh("echo -2a >>/run/log"), sh("echo -2b >>/run/log")],
    };
    await apply(machine, [noted("a"), twice, failing()]);
    expect(await log(machine)).toBe("+a +2 -2a -2b -a");
  });

  test("is one whose first command fails: the rest of its fragment does not run", async ({ machine }) => {
    const report = await apply(machine, [failing("false\necho on >>/run/log")]);
    expect(report.failures).toEqual([{ what: "do the impossible", cause: "exit code 1", code: 1 }]);
    expect(await log(machine)).toBe("");
  });

  test("is named within an ip batch, and only the lines before it are taken back", async ({ machine }) => {
    const link = (name: string): Step => ({
      what: `create ${name}`,
      do: ip(["link", "add", "name", name, "type", "bridge"]),
      undo: [sh(`echo -${name} >>/run/log`), ip(["link", "del", "dev", name])],
    });
    const report = await apply(machine, [noted("a"), link("b1"), link("b2"), link("up0"), link("b3")]);
    expect(report.left).toEqual([]);
    expect(report.failures).toEqual([
      { what: "create up0", cause: expect.stringContaining("File exists"), code: expect.any(Number) },
    ]);
    expect(await log(machine)).toBe("+a -b2 -b1 -a");
  });

  test("is named within an nft transaction, of which nothing is done", async ({ machine }) => {
    const steps = [
      { what: "make a table", do: nft("add table inet t1\nadd chain inet t1 c1"), undo: [nft("delete table inet t1")] },
      { what: "make a rule", do: nft("add rule inet t1 c1 accept\nadd rule inet t1 c2 accept") },
      { what: "make another", do: nft("add table inet t2") },
    ];
    const report = await apply(machine, [noted("a"), ...steps]);
    expect(report.failures).toEqual([{ what: "make a rule", cause: expect.stringContaining("No such file"), code: 1 }]);
    expect(report.left).toEqual([]);
    expect(await log(machine)).toBe("+a -a");
  });

  test("and cannot be taken back is told with what is left", async ({ machine }) => {
    const stuck = {
      what: "make a mess",
      do: sh(":"),
      undo: [sh("echo no way >&2; exit 1"), sh("echo -mess >>/run/log")],
    };
    const report = await apply(machine, [noted("a"), stuck, failing()]);
    expect(report.left).toEqual(["make a mess: no way"]);
    expect(await log(machine)).toBe("+a -mess -a");
  });

  test("by not ending is ended, and told so", async ({ machine }) => {
    const report = await applyShortly(machine, [noted("a"), failing("limit sleep 30")]);
    const cause = "it did not end within its deadline";
    expect(report).toEqual({ failures: [{ what: "do the impossible", cause, code: 124 }], left: [] });
    expect(await log(machine)).toBe("+a -a");
  });

  test("of nft, which was given more time for the kernel's modules, is not ended before that", async ({ machine }) => {
    await machine.sh("printf '#!/bin/sh\\nsleep 2\\nexec /run/nft \"$@\"\\n' >/run/slow; chmod 755 /run/slow");
    await machine.sh("cp $(command -v nft) /run/nft; mount --bind /run/slow $(command -v nft)");
    const table = { what: "make a table", do: nft("add table inet t1"), undo: [] };
    expect((await applyShortly(machine, [table])).failures).toMatchObject([{ code: 124 }]);
    expect(await applyShortly(machine, [{ ...table, within: 20 }])).toEqual({ failures: [], left: [] });
    await machine.sh("umount $(command -v nft); rm /run/slow /run/nft; nft delete table inet t1");
  });

  test("of which the program is missing is told in the shell's words", async ({ machine }) => {
    const { failures } = await apply(machine, [{ what: "call it", do: run(["no-such-program"]) }]);
    expect(failures).toEqual([
      { what: "call it", cause: expect.stringMatching(/no-such-program.*No such file/), code: 127 },
    ]);
  });

  test("that prints what looks like a report changes no other", async ({ machine }) => {
    const report = await apply(machine, [noted("a"), failing("echo '@undone' >&2; echo x >&2; exit 1")]);
    expect(report.failures).toHaveLength(1);
    expect(await log(machine)).toBe("+a -a");
  });
});

describe("what several resources do at once", () => {
  test("is one script under one lock, and what fails of one is taken back of it alone", async ({ machine }) => {
    const owner = (name: string) => ({ ...undo, owner: `linuxnet:test/dev/Any/${name}@00000000` });
    await machine.host.observe({});
    const before = machine.host.session.roundTrips;
    const [a, b, c, d] = await Promise.all([
      machine.host.apply([{ ...noted("a1"), claim: "link:a" }, noted("a2")], owner("a"), {}),
      machine.host.apply([noted("b1"), failing("echo '@part-0 0 0' >&2; exit 3")], owner("b"), {}),
      machine.host.apply([failing("kill -9 $(exec sh -c 'echo $PPID')")], owner("c"), {}),
      machine.host.apply([failing(), noted("d")], { ...owner("d"), onFailure: "go-on" }, {}),
    ]);
    expect(machine.host.session.roundTrips - before).toBe(1);
    expect([a, b, c, d].map(({ report }) => report.failures.length)).toEqual([0, 1, 1, 1]);
    expect(await log(machine)).toBe("+a1 +a2 +b1 -b1 +d");
  });
});

describe("with go-on", () => {
  test("all steps are tried and the failures gathered", async ({ machine }) => {
    const gone = (name: string): Step => ({ what: `delete ${name}`, do: ip(["link", "del", "dev", name]) });
    await machine.sh("ip link add b1 type bridge");
    const report = await apply(machine, [failing(), gone("b0"), gone("b1"), gone("b2"), noted("c")], goOn);
    expect(report.failures.map(({ what }) => what)).toEqual(["do the impossible", "delete b0", "delete b2"]);
    expect(report.failures.map(({ cause }) => cause)).toEqual([
      "first",
      expect.stringContaining("Cannot find device"),
      expect.stringContaining("Cannot find device"),
    ]);
    expect(await log(machine)).toBe("+c");
  });
});

test("a script's deadline covers the lock and every step twice", () => {
  const deadline = (steps: readonly Step[]) => together([compile(steps, undo)], "part").deadline;
  expect(deadline([])).toBeGreaterThanOrEqual(60);
  expect(deadline([noted("a"), noted("b")])).toBeGreaterThanOrEqual(60 + 2 * 2 * 10);
  expect(runDir).toBe("/run/linuxnet");
});

test("what a script says that was ended on its way is said of the parts that are left, and not of those before", () => {
  const ended = (number: number, code: number) => `\n@part ${number} ${code}\n`;
  const told = (stderr: string) => ends({ code: 137, stdout: "", stderr }, "part", 3);
  const all = told(`${ended(0, 0)}@failed 0 1 3\nwhy\n${ended(1, 1)}last words`);
  expect(all.map(({ code, stderr }) => [code, stderr])).toEqual([
    [0, ""],
    [1, "@failed 0 1 3\nwhy\n"],
    [137, "last words"],
  ]);
  expect(told("held").map(({ stderr }) => stderr)).toEqual(["held", "held", "held"]);
});
