// What removing, and waiting until something is ready, make of answers that come in an order which a real host seldom gives.
import { describe, expect, test } from "vitest";
import { OutcomeUnknown } from "../../../provider/host/session.ts";
import { sh } from "../../../provider/kernel/command.ts";
import { LinuxnetError } from "../../../provider/kernel/failure.ts";
import { converge } from "../../../provider/lifecycle/converge.ts";
import type { Definition } from "../../../provider/lifecycle/definition.ts";
import { remove } from "../../../provider/lifecycle/remove.ts";
import { failed, ToldHost, type Turn, thingOn } from "../../support/told-host.ts";

const there: Turn = { seen: { value: "v" } };
const none: Turn = {};
const on = "m1 boot1";
const owner = "linuxnet:test/dev/Thing/t@00000000";
const message = (work: Promise<unknown>) =>
  work.then(
    () => "it went well",
    (error: Error) => error.message,
  );

describe("removing", () => {
  const run = async (turns: Turn[], definition: Partial<Definition> = {}) => {
    const host = new ToldHost(...turns);
    const said = await message(remove(thingOn(host, definition)));
    expect(host.left, "turns that were not taken").toBe(0);
    return { said, host, steps: host.sent.map(({ steps }) => steps) };
  };
  const step = (what: string) => ({ what, do: sh("x") });
  const two: Partial<Definition> = {
    teardown: (_args, { value }) => (value === "half" ? [step("two")] : value ? [step("one"), step("two")] : []),
  };
  const half = (report = {}): Turn => ({ seen: { value: "half" }, report });

  test("sends all steps to be done, whichever fails, and asks whether it is gone", async () => {
    const { said, host } = await run([there, none]);
    expect(said).toBe("it went well");
    expect(host.sent).toEqual([{ steps: ["remove it"], owner, onFailure: "go-on", on }]);
    expect(host.asked).toEqual([
      ["claims", "folder", "value"],
      ["claims", "value"],
    ]);
  });

  test("of what is not there is a success, and tidies what a script has left that was cut off", async () => {
    expect((await run([none])).steps).toEqual([]);
    expect((await run([{ seen: { folder: true } }, none])).steps).toEqual([[]]);
    expect((await run([{ seen: { folder: false } }])).steps).toEqual([]);
    expect((await run([{ seen: { claims: new Set(["link:x"]) } }, none])).steps).toEqual([[]]);
    expect((await run([{ seen: { value: "v", folder: true } }, none])).steps).toEqual([["remove it"]]);
  });

  test("tries once more when something is left, and tidies after a failure", async () => {
    const { said, steps } = await run([there, half(failed("two")), { report: failed("x") }, none], two);
    expect([said, steps]).toEqual(["it went well", [["one", "two"], ["two"], []]]);
    const quiet = await run([there, half(failed("two")), none], two);
    expect([quiet.said, quiet.steps]).toEqual(["it went well", [["one", "two"], ["two"]]]);
  });

  test("says what failed, and what of it is left", async () => {
    const failing = failed("two", "busy");
    expect((await run([there, half(failing), half(failing)], two)).said).toBe(
      "on the host: cannot two: busy. All else of it is removed.",
    );
    const both = { failures: [...(failed("one").failures ?? []), ...(failing.failures ?? [])] };
    const all: Turn = { seen: { value: "v" }, report: both };
    expect((await run([there, all, all], two)).said).toBe(
      "on the host: cannot one: no; cannot two: busy. Nothing of it was removed.",
    );
    expect((await run([there, there, there], two)).said).toBe(
      "on the host: what was to be removed is still there (one; two). Nothing of it was removed.",
    );
  });

  test("ends after four rounds against a program that makes it again", async () => {
    const teardown: Definition["teardown"] = (_args, { value }) => [step(`${value}`)];
    const turns = ["a", "b", "c", "d"].map((value): Turn => ({ seen: { value } }));
    const { said, steps } = await run([there, ...turns], { teardown });
    expect(said).toBe("on the host: what was to be removed is still there (d). Nothing of it was removed.");
    expect(steps).toHaveLength(4);
    const inTime = await run([there, ...turns.slice(0, 3), none], {
      teardown: (...all) => (all[1].value ? teardown(...all) : []),
    });
    expect([inTime.said, inTime.steps.length]).toEqual(["it went well", 4]);
  });

  test("leaves to others what they use too: steps that are left, of which nothing is its own, are not done", async () => {
    const teardown = () => [step("tidy")];
    const { said, steps } = await run([there, none], { teardown });
    expect([said, steps]).toEqual(["it went well", [["tidy"]]]);
    const failing = await run([there, { report: failed("tidy") }, none], { teardown });
    expect(failing.steps).toEqual([["tidy"], ["tidy"]]);
  });

  test("goes on after a lost session, and says so when it is lost again and again", async () => {
    const lost = (): Turn => ({ throws: new OutcomeUnknown({ host: "the host", problem: "the session ended" }) });
    expect((await run([there, lost(), none, none])).steps).toEqual([["remove it"], []]);
    expect((await run([there, lost(), there, lost(), there])).said).toBe(
      "on the host: the session ended. The session was lost in the middle of a change. How far that came is not known; the next operation looks.",
    );
  });

  test("of a namespace asks who runs in it, and tells of them", async () => {
    const teardown: Definition["teardown"] = (_args, { value }) =>
      value ? [{ ...step("delete"), vacates: { name: "blue", inode: 7 } }] : [];
    const host = new ToldHost(there, { seen: { holders: new Map([[7, ["sleep (pid 9)"]]]) } });
    expect(await remove(thingOn(host, { teardown }))).toEqual([
      "namespace blue has no name any more, but lives on until what runs in it ends: sleep (pid 9)",
    ]);
    expect(host.asked.at(-1)).toEqual(["claims", "holders", "value"]);
    const empty = new ToldHost(there, none);
    expect(await remove(thingOn(empty, { teardown }))).toEqual([]);
  });
});

describe("waiting until something is ready", () => {
  const pending: Definition["pending"] = (_args, { ready, within = 5 }) =>
    ready ? undefined : { why: "it is not ready", within: within as number };
  const late: Turn = { seen: { value: "v", within: -1 } };
  const ready: Turn = { seen: { value: "v", ready: true } };
  const run = async (turns: Turn[], definition: Partial<Definition> = {}, context = {}, rehearses = false) => {
    const host = new ToldHost(...turns);
    host.rehearses = rehearses;
    const said = await message(converge(thingOn(host, { pending, ...definition }, context)));
    expect(host.left, "turns that were not taken").toBe(0);
    return { said, host, steps: host.sent.map(({ steps }) => steps) };
  };

  test("looks again until it is, on the same machine", async () => {
    expect((await run([ready])).said).toBe("it went well");
    expect((await run([there, there, ready])).said).toBe("it went well");
    const host = new ToldHost(there, {
      first: () => {
        host.preflight = { machineId: "m2", identity: "m2 boot1" };
      },
    });
    expect(await message(converge(thingOn(host, { pending })))).toContain("another machine answers");
  });

  test("is not done in a rehearsal", async () => {
    expect((await run([late], {}, {}, true)).said).toBe("it went well");
  });

  test("ends in time: what was made is removed again, and what stays is told", async () => {
    const { said, host } = await run([late, none]);
    expect(said).toBe("on the host: it is not ready. It was removed again.");
    expect(host.sent).toEqual([{ steps: ["remove it"], owner, onFailure: "go-on", on }]);
    expect((await run([late, { report: failed("remove it", "busy") }])).said).toBe(
      "on the host: it is not ready. Of it this stays: cannot remove it: busy.",
    );
    expect((await run([late], { teardown: () => [] })).said).toBe("on the host: it is not ready.");
  });

  test("leaves what stood before, where that is to last", async () => {
    const lasting = await run([late], { lasting: true }, { previous: { value: "v" } });
    expect([lasting.said, lasting.steps]).toEqual(["on the host: it is not ready. What was set stands.", []]);
    expect((await run([late, none], { lasting: true })).said).toContain("It was removed again");
    expect((await run([late, none], {}, { previous: { value: "v" } })).said).toContain("It was removed again");
  });

  test("cannot say whether it became ready when the host is lost", async () => {
    const away = new LinuxnetError({ host: "the host", problem: "cannot be reached" });
    expect((await run([there, { throws: away }])).said).toBe(
      "on the host: cannot be reached. What was set stands; it is not known whether it became ready.",
    );
    expect((await run([there, { throws: new Error("a mistake") }])).said).toBe("a mistake");
  });
});
