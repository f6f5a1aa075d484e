// What a Process would do to a host that stands as a test says: the plans stand in __snapshots__, to be read there.
import { describe, expect, test } from "vitest";
import { fingerprint, type Program } from "../../../provider/kernel/processes.ts";
import { Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const root = { uid: 0, gid: 0 };
const nothing = { process: undefined, former: undefined, netns: 77, user: root, systemd: false, formerUser: root };
const program = (more: Bag = {}) =>
  new Paper("Process", { netns: "ct1", command: ["/bin/sleep", "9"], ...more }, nothing);
const former = "linuxnet:test/dev/Process/was@00000000";

/** How a program of these inputs runs when nothing is wrong. */
function running({ args, owner }: Paper, more: Bag = {}): Bag {
  const seen = {
    owner,
    fingerprint: fingerprint(args as unknown as Program),
    pid: 812,
    netns: 77,
    alive: true,
    age: 60,
  };
  const rest = { supervised: true, unit: undefined, failures: 0, exit: undefined, lastLine: "", ready: new Set() };
  return { ...seen, ...rest, ...more };
}
const always = program({ restart: "always" });
const onFailure = program({ restart: "on-failure" });
/** What a plan tells of, without its steps. */
const told = (text: string) =>
  text
    .split("\n")
    .filter((line) => !line.startsWith(" "))
    .join("\n");
const ended = { alive: false, exit: 3, lastLine: "no such port" };

describe("a program", () => {
  test("that does not run is started, once its user and its namespace are there", () => {
    expect(program().plan()).toMatchSnapshot();
    expect(program({ user: "web" }).plan({ user: undefined })).toMatch(
      /^refused: there is no user web\. .*useradd web/,
    );
    expect(program().plan({ netns: undefined })).toMatch(/^refused: there is no namespace ct1/);
  });

  test("that runs as it is wanted is left alone", () => {
    const paper = program();
    expect(paper.plan({ process: running(paper) })).toBe("");
    expect(always.plan({ process: running(always, { failures: 3, age: 1 }) })).toBe("");
    expect([paper.present({ process: running(paper) }), paper.present({ former: {} }), paper.present()]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test.each<[string, Paper, Bag, string]>([
    ["ended", program(), ended, "it is not running: it exited with code 3: no such port"],
    ["runs with other settings", program(), { fingerprint: "0" }, "it runs with other settings"],
    ["runs in a namespace that was rebuilt", program(), { netns: 66 }, "its namespace ct1 was rebuilt, it runs in the"],
    ["is restarted again and again", always, { failures: 4, age: 9 }, "it keeps ending: it has ended"],
    ["was restarted often, long ago", always, { failures: 4, age: 10 }, ""],
    ["is between two runs", always, { ...ended, failures: 3 }, ""],
    [
      "ended for the fourth time in a row",
      always,
      { ...ended, failures: 4 },
      "it is not running: it exited with code 3",
    ],
    ["failed, and is restarted for that", onFailure, ended, ""],
    ["ended well, and is restarted on failure only", onFailure, { ...ended, exit: 0 }, "it is not running"],
    ["ended, and what restarts it is gone", always, { ...ended, supervised: false }, "it is not running"],
    ["runs, and what restarts it is gone", always, { supervised: false }, "what restarts it is gone"],
    ["runs, and nothing is to restart it", program(), { supervised: false }, ""],
  ])("that %s", (_what, paper, seen, drift) => {
    const text = told(paper.plan({ process: running(paper, seen) }));
    expect(drift === "" ? text === "" : text.startsWith(drift)).toBe(true);
  });

  test("that is ended for a new one runs again when that fails, if it ran as it was declared", () => {
    const [was, now] = [program({ user: "web" }), program({ command: ["/bin/cat"] })];
    const previous = was.args;
    const undone = (seen: Bag, context: Bag = { previous }) =>
      / \| /.test(now.plan(seen, context).split("\n")[1] ?? "");
    const process = running(was);
    expect(now.plan({ process }, { previous })).toMatchSnapshot();
    expect(undone({ process })).toBe(true);
    for (const other of [{ alive: false }, { fingerprint: "0" }, { netns: 66 }])
      expect(undone({ process: running(was, other) })).toBe(false);
    expect(undone({ process, formerUser: undefined })).toBe(false);
    expect(undone({ process }, {})).toBe(false);
  });

  test("that was renamed is ended under its former name", () => {
    const paper = program();
    const seen = { former: running(paper, { owner: former }) };
    expect(paper.plan(seen, { former, previous: paper.args })).toMatchSnapshot();
    expect(told(paper.plan({ ...seen, process: running(paper) }, { former }))).toBe("it runs under its former name");
    expect(paper.plan({ process: running(paper) }, { former })).toBe("");
    expect(paper.plan({ ...seen, process: running(paper) })).toBe("");
  });
});

describe("the end of a program", () => {
  test("ends what runs, under its former name too", () => {
    const paper = program();
    const process = running(paper);
    expect(paper.teardown()).toBe("");
    expect(paper.teardown({ process, former: process }).split("\n")).toHaveLength(1);
    expect(paper.teardown({ process, former: process }, { former }).split("\n")).toHaveLength(2);
    expect(paper.teardown({ process }, { former }).split("\n")).toHaveLength(1);
  });
});

describe("a program that was started", () => {
  const waits = (paper: Paper, more: Bag = {}) => paper.pending({ process: running(paper, more) });

  test("is ready at once where nothing is to be waited for", () => {
    expect(waits(program())).toBeUndefined();
    expect(waits(always)).toBeUndefined();
  });

  test("and ended is given time only where it is restarted", () => {
    expect(waits(program(), ended)).toEqual({
      why: "it ended before it was ready: it exited with code 3: no such port",
      within: -1,
    });
    expect(waits(always, ended)).toMatchObject({ within: 10 });
    expect(waits(program({ restart: "always", ready: { tcp: 80, timeout: "7s" } }), ended)).toMatchObject({
      within: 7,
    });
    expect(program().pending()).toEqual({ why: "it ended before it was ready: nothing is left of it", within: -1 });
  });

  test.each<[Bag, string[], string | undefined]>([
    [{ tcp: 80 }, [], "nothing listens on TCP port 80 in namespace ct1"],
    [{ udp: 53 }, [], "nothing has bound UDP port 53 in namespace ct1"],
    [{ log: 'says "hello"' }, [], 'its log has no line with "says \\"hello\\""'],
    [{ tcp: 80, udp: 53, log: "x" }, ["tcp"], "nothing has bound UDP port 53 in namespace ct1"],
    [{ tcp: 80, udp: 53, log: "x" }, ["tcp", "udp"], 'its log has no line with "x"'],
    [{ tcp: 80, udp: 53, log: "x" }, ["tcp", "udp", "log"], undefined],
  ])("waits for %j, of which %j hold", (ready, hold, why) => {
    const paper = program({ ready: { ...ready, timeout: "5s" } });
    const waiting = waits(paper, { ready: new Set(hold) });
    expect(waiting).toEqual(why && { why: `it was not ready within 5s: ${why}`, within: 5 });
    const last = waits(paper, { ready: new Set(hold), lastLine: "trying" });
    expect(last?.why).toBe(why && `it was not ready within 5s: ${why}; the last line of its log: trying`);
  });

  test("on the host itself is said to be there", () => {
    expect(waits(program({ netns: undefined, ready: { tcp: 80 } }))?.why).toContain("TCP port 80 on the host");
  });
});

test("its outputs and its name", () => {
  const paper = program();
  const process = running(paper, { unit: "linuxnet-1.service" });
  expect(paper.outputs({ process: running(paper) })).toEqual({
    pid: 812,
    logPath: expect.stringMatching(/^\/run\/.*log$/),
  });
  expect(paper.outputs({ process })).toMatchObject({ unit: "linuxnet-1.service" });
  expect(paper.outputs()).toMatchObject({ pid: undefined });
  expect(paper.id).toMatch(/^sleep-[0-9a-f]{6}$/);
  expect(program({ command: [`/opt/a b/c d:${"e".repeat(40)}`] }).id).toMatch(/^c_d_e{20}-[0-9a-f]{6}$/);
});
