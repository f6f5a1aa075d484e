// What converging makes of answers that come in an order which a real host gives once in a thousand times.
import { describe, expect, test, vi } from "vitest";
import { Elsewhere, Unread } from "../../../provider/host/host.ts";
import { OutcomeUnknown } from "../../../provider/host/session.ts";
import { sh } from "../../../provider/kernel/command.ts";
import { LinuxnetError, lacks } from "../../../provider/kernel/failure.ts";
import { converge } from "../../../provider/lifecycle/converge.ts";
import type { Definition } from "../../../provider/lifecycle/definition.ts";
import { failed, ToldHost, type Turn, thingOn } from "../../support/told-host.ts";

const there: Turn = { seen: { value: "v" } };
const none: Turn = {};
const other = (value: string): Turn => ({ seen: { value } });
const lost = (): Turn => ({ throws: new OutcomeUnknown({ host: "the host", problem: "the session ended" }) });
const message = (work: Promise<unknown>) =>
  work.then(
    () => "it went well",
    (error: Error) => error.message,
  );
const on = "m1 boot1";
const owner = "linuxnet:test/dev/Thing/t@00000000";
const unsure =
  "The session was lost in the middle of a change. How far that came is not known; the next operation looks.";

async function run(turns: Turn[], definition: Partial<Definition> = {}, context = {}) {
  const host = new ToldHost(...turns);
  const said = await message(converge(thingOn(host, definition, context)));
  expect(host.left, "turns that were not taken").toBe(0);
  return { said, host, steps: host.sent.map(({ steps }) => steps) };
}

describe("converging", () => {
  test("sends steps once, to be undone when one fails, for the machine that was looked at", async () => {
    const { said, host } = await run([none, there]);
    expect(said).toBe("it went well");
    expect(host.sent).toEqual([{ steps: ["set it"], owner, onFailure: "undo", on }]);
    expect(host.asked).toEqual([
      ["claims", "value"],
      ["claims", "value"],
    ]);
  });

  test("forgets what was claimed once it stands, and writes nothing where nothing was", async () => {
    const claims = new Set(["link:x"]);
    const { host } = await run([{ seen: { value: "v", claims } }, {}]);
    expect(host.sent).toEqual([{ steps: [], owner, onFailure: "go-on", on: undefined }]);
    expect(host.asked.at(-1)).toEqual([]);
    expect((await run([there])).steps).toEqual([]);
  });

  test("tries once more when what stands has changed meanwhile, four times at most", async () => {
    const changing = ["a", "b", "c", "d"].map((value): Turn => ({ ...other(value), report: failed("set it") }));
    const three = await run([none, ...changing.slice(0, 3), there]);
    expect([three.said, three.steps.length]).toEqual(["it went well", 4]);
    const four = await run([none, ...changing]);
    expect([four.said, four.steps.length]).toEqual(["on the host: cannot set it: no. The host is as it was.", 4]);
  });

  test("gives up at once when the same is missing still, by its property or in its words", async () => {
    const back = { report: {} };
    expect((await run([other("a"), other("a"), back])).said).toBe(
      'on the host: what was set did not take effect: value stayed "a". The host is as it was.',
    );
    const plan = (drift?: string) => () => [{ steps: [{ what: "set it", do: sh("set") }], ...(drift && { drift }) }];
    const told = "on the host: what was set did not take effect: it is down. The host is as it was.";
    expect((await run([none, none], { plan: plan("it is down") })).said).toBe(told);
    expect((await run([none, none], { plan: plan() })).said).toContain("it is not there");
  });
});

/** What is made in two rounds: the second is planned when the first stands. */
const twoRounds: Partial<Definition> = {
  plan: (_args, { value }) => [
    value === "half"
      ? { drift: "second", steps: [{ what: "second", do: sh("two") }] }
      : {
          drift: "first",
          steps: [
            { what: "first", do: sh("one"), undo: [sh("a"), sh("b")] },
            { what: "also", do: sh("x") },
          ],
        },
  ],
};
const half = other("half");

describe("what converging has done", () => {
  const secondFails = (more = {}): Turn => ({ ...half, report: { ...failed("second"), ...more } });

  test("is taken back when a later round fails, each step by its inverse, in their order", async () => {
    const { said, host } = await run([none, half, secondFails(), {}], twoRounds);
    expect(said).toBe("on the host: cannot second: no. The host is as it was.");
    expect(host.sent.at(-1)).toEqual({ steps: ["first", "first"], owner, onFailure: "go-on", on });
  });

  test("and cannot be taken back is told of, with what the script itself left", async () => {
    const left = await run(
      [none, half, secondFails({ left: ["second: busy"] }), { report: failed("first", "no") }],
      twoRounds,
    );
    expect(left.said).toBe("on the host: cannot second: no. This could not be taken back: second: busy; first: no.");
    const gone = new LinuxnetError({ problem: "the host is gone" });
    const lostThen = await run([none, half, secondFails(), { throws: gone }], twoRounds);
    expect(lostThen.said).toBe(
      "on the host: cannot second: no. This could not be taken back: first, also: the host is gone.",
    );
    const bug = await run([none, half, secondFails(), { throws: new Error("a mistake of ours") }], twoRounds);
    expect(bug.said).toBe("a mistake of ours");
  });

  test.each([124, 137])("is not known where a deadline ended a step (%i)", async (code) => {
    const { said } = await run([none, { report: failed("set it", "too long", code) }]);
    expect(said).toBe(
      "on the host: cannot set it: too long. All before it is taken back. How far it came is not known: a note of it stays under /run/linuxnet until the next `up` has looked.",
    );
  });

  test("is not told of where nothing was done", async () => {
    const problem = "a mistake";
    const refusing = () => {
      throw new LinuxnetError({ problem });
    };
    expect((await run([none], { plan: refusing })).said).toBe("a mistake.");
    expect((await run([{ throws: new Error(problem) }])).said).toBe(problem);
  });

  test("and cannot be read is taken back all the same", async () => {
    const unread = (report?: object) =>
      Object.assign(new Unread({ host: "the host", problem: "cannot read it" }), report && { report });
    const done = await run([none, { throws: unread({ failures: [], left: [] }) }, {}]);
    expect([done.said, done.steps]).toEqual([
      "on the host: cannot read it. The host is as it was.",
      [["set it"], ["set it", "set it"]],
    ]);
    const failing = await run([none, { throws: unread(failed("set it")) }]);
    expect(failing.steps).toEqual([["set it"]]);
    const silent = await run([none, { throws: unread() }]);
    expect([silent.said, silent.steps.length]).toEqual(["on the host: cannot read it. The host is as it was.", 1]);
  });
});

describe("a session that is lost while converging", () => {
  test("is followed by a look, and by what is missing still", async () => {
    const { said, steps } = await run([none, lost(), none, there]);
    expect([said, steps]).toEqual(["it went well", [["set it"], ["set it"]]]);
    expect((await run([none, lost(), there])).said).toBe("it went well");
  });

  test("four times in a row is an error, and it is not known how far it came", async () => {
    const turns = [1, 2, 3, 4].flatMap(() => [lost(), none]);
    const { said, steps } = await run([none, ...turns]);
    expect(said).toBe(`on the host: the session ended. ${unsure}`);
    expect(steps).toHaveLength(4);
  });

  test("before a look is looked for once more, not twice", async () => {
    expect((await run([lost(), there])).said).toBe("it went well");
    expect((await run([lost(), lost()])).said).toBe("on the host: the session ended.");
  });

  test("and cannot be opened again leaves it unknown what stands", async () => {
    const away = new LinuxnetError({ host: "the host", problem: "cannot be reached" });
    expect((await run([none, lost(), { throws: away }])).said).toBe(`on the host: cannot be reached. ${unsure}`);
    expect((await run([none, lost(), { throws: new Error("a mistake") }])).said).toBe("a mistake");
  });

  test("since another machine answered has done nothing", async () => {
    const elsewhere = (): Turn => ({ throws: new Elsewhere({ host: "the host", problem: "another answers" }) });
    const away = new LinuxnetError({ host: "the host", problem: "cannot be reached" });
    expect((await run([none, elsewhere(), { throws: away }])).said).toBe("on the host: cannot be reached.");
    expect((await run([none, elsewhere(), none, there])).said).toBe("it went well");
    const failing: Turn = { ...half, report: failed("second") };
    expect((await run([half, elsewhere(), half, failing], twoRounds)).said).toBe(
      "on the host: cannot second: no. The host is as it was.",
    );
    // What was done before was done on the first machine: that one is not as it was.
    const { said, steps } = await run([none, half, elsewhere(), half, failing], twoRounds);
    expect([said, steps.length]).toEqual([`on the host: cannot second: no. ${unsure}`, 3]);
  });
});

describe("another machine behind the same address", () => {
  const seenOn = async (state: object, args = {}) => {
    const host = new ToldHost(none);
    const subject = thingOn(host, {}, { state });
    return message(converge({ ...subject, args: { ...subject.args, ...args } }));
  };

  test("is not changed by what a state says of the first", async () => {
    expect(await seenOn({ machineId: "m0" })).toBe(
      "on the host: another machine answers than the one that this was made on (machine id m1, not m0). Nothing was changed. If the host was set up anew, LINUXNET_FORGET_HOST=localhost makes refresh and destroy forget what was there.",
    );
    expect(await seenOn({ machineId: "m0" }, { connection: { host: "lab1" } })).toContain(
      "LINUXNET_FORGET_HOST=lab1 makes",
    );
  });

  test("is found out after a session was lost, too", async () => {
    const host = new ToldHost(none, lost(), {
      first: () => {
        host.preflight = { machineId: "m2", identity: "m2 boot1" };
      },
    });
    expect(await message(converge(thingOn(host)))).toContain("(machine id m2, not m1)");
  });

  test("cannot be told where one of them has no id", async () => {
    const host = new ToldHost(there);
    host.preflight = undefined;
    expect(await message(converge(thingOn(host, {}, { state: { machineId: "m0" } })))).toBe("it went well");
    const same = new ToldHost(there);
    expect(await message(converge(thingOn(same, {}, { state: { machineId: "m1" } })))).toBe("it went well");
  });
});

test("what is needed and not there yet is waited for, other refusals are not", async () => {
  let looks = 0;
  const plan: Definition["plan"] = () => {
    looks += 1;
    if (looks < 3) lacks("there is no bridge yet");
    return [];
  };
  expect((await run([none, none, there], { plan })).said).toBe("it went well");
});

test("what is needed is waited for five seconds, and no longer", async () => {
  const plan = () => lacks("there is no bridge yet");
  const real = performance.now.bind(performance);
  let passed = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => real() + passed);
  const wait = (seconds: number): Turn => ({
    first: () => {
      passed = seconds * 1000;
    },
  });
  const { said, host } = await run([wait(0), wait(3), wait(6)], { plan });
  clock.mockRestore();
  expect(said).toMatch(/^there is no bridge yet/);
  expect(host.asked).toHaveLength(3);
});
