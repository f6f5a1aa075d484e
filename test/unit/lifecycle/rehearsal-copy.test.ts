// What a rehearsal does to the copy of a host, and what it tells of that. Both are played turn by turn; how a copy is made by a kernel
// is shown by test/e2e/explain*.test.ts.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { Host } from "../../../provider/host/host.ts";
import { RehearsalHost } from "../../../provider/host/rehearsal.ts";
import { Session } from "../../../provider/host/session.ts";
import { type Step, sh } from "../../../provider/kernel/command.ts";
import type { Definition } from "../../../provider/lifecycle/definition.ts";
import { type Explaining, rehearsed } from "../../../provider/lifecycle/rehearsal.ts";
import { ToldHost, type Turn, thing } from "../../support/told-host.ts";

type Bag = Record<string, unknown>;

const folder = mkdtempSync(join(tmpdir(), "linuxnet-rehearsal-copy-"));
const file = join(folder, "told");
const owner = "linuxnet:test/dev/Thing/t@00000000";

/** A name that no run before has used: copies are kept as long as the process. */
const named = (name: string) => `${name}-${run}`;
const run = randomBytes(4).toString("hex");

/** The hosts and their copies, by name: `lab1`, `copy of lab1`. */
const played = new Map<string, ToldHost>();
/** The steps that were done, and the scripts by which copies were set up. */
let steps: Step[] = [];
let scripts: string[] = [];

function playedBy(host: Host): ToldHost {
  const name = `${host instanceof RehearsalHost ? "copy of " : ""}${host.name}`;
  const found = played.get(name);
  if (!found) throw new Error(`${name} was reached`);
  return found;
}

beforeAll(() => {
  // Here a host ends and its shell would begin.
  vi.spyOn(Host.prototype, "observe").mockImplementation(async function (this: Host, facts) {
    return (await playedBy(this).observe(facts)) as never;
  });
  vi.spyOn(Host.prototype, "apply").mockImplementation(async function (this: Host, given, options, facts) {
    steps.push(...given);
    return (await playedBy(this).apply(given, { ...options, on: options.on }, facts)) as never;
  });
  vi.spyOn(Session.prototype, "send").mockImplementation(async (requests) => {
    scripts.push(...requests.map(({ script }) => script));
    return requests.map(() => ({ code: 0, stdout: "", stderr: "" }));
  });
});

beforeEach(() => {
  [steps, scripts] = [[], []];
  played.clear();
  rmSync(file, { force: true });
});

afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const none: Turn = {};
const there: Turn = { seen: { value: "v" } };
/** A host with nothing but what is ours, and rules of a stranger. */
const picture: Turn = {
  seen: { links: [], routes4: [], routes6: [], switches: "", nft: "table ip hers {\n}\n", iptables: "", names: "" },
};
const looksAtAll = ["iptables", "links", "names", "nft", "routes4", "routes6", "switches"];

const here = "this machine";

/** The turns of a host and of its copy, which is set up in its first turn. */
function play(name: string, real: Turn[], copy: Turn[]): { real: ToldHost; copy: ToldHost } {
  const hosts = { real: new ToldHost(...real), copy: new ToldHost(...copy) };
  const whole = name === here ? name : named(name);
  played.set(whole, hosts.real).set(`copy of ${whole}`, hosts.copy);
  return hosts;
}

const operations = (definition: Partial<Definition> = {}, more: Partial<Explaining> = {}) =>
  rehearsed({ ...thing, fields: { value: z.string(), pid: z.number().optional() }, ...definition }, { file, ...more });
const argsOn = (host: string, more: Bag = {}) => ({
  ...{ owner, value: "v", connection: { host: named(host) } },
  ...more,
});

/** What was told, a line for each thing that was done. */
function told(): unknown[] {
  try {
    return readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Bag);
  } catch {
    return [];
  }
}

const setIt = { what: "set it", command: sh("set"), asked: "" };
const line = (host: string, operation: string, all: Bag[] = [setIt]) => ({
  ...{ kind: "Thing", operation, host: host === here ? host : named(host), owner },
  steps: all,
});

describe("in a rehearsal", () => {
  test("what would be made is made on a copy, and told; the host itself is only looked at", async () => {
    const { real, copy } = play("create", [picture], [none, none, there]);
    const { id } = await operations().create(argsOn("create"));
    expect(id).toBe("thing");
    expect([real.asked, real.sent]).toEqual([[looksAtAll], []]);
    expect(copy.sent).toEqual([{ steps: ["set it"], owner, onFailure: "undo", on: undefined }]);
    expect(told()).toEqual([line("create", "create")]);
  });

  test("what would be changed and removed is told as that", async () => {
    const other: Turn = { seen: { value: "w" } };
    play("later", [picture], [none, other, there, there, none]);
    const args = argsOn("later");
    expect(await operations().update({ ...args, value: "w" }, args)).toMatchObject({ outs: { value: "v" } });
    await operations().delete(args);
    expect(told()).toEqual([
      line("later", "update"),
      line("later", "delete", [{ what: "remove it", command: sh("remove"), asked: "" }]),
    ]);
  });

  test("what would change nothing is not told", async () => {
    play("same", [picture], [none, there]);
    await operations().create(argsOn("same"));
    expect(told()).toEqual([]);
  });

  test("what stands is looked at on the host, and made on the copy without a word", async () => {
    const { real, copy } = play("read", [there, picture], [none, none, there, there]);
    const args = argsOn("read");
    expect(await operations().read("thing", args)).toEqual({ id: "thing", props: args, inputs: args });
    expect([real.asked, real.left]).toEqual([[["claims", "value"], looksAtAll], 0]);
    expect(copy.sent.map((sent) => sent.steps)).toEqual([["set it"]]);
    expect(told()).toEqual([]);
  });

  test("what is not there any more is not made on the copy", async () => {
    const { copy } = play("gone", [none], []);
    expect(await operations().read("thing", argsOn("gone"))).toEqual({ id: "", props: {} });
    expect(copy.asked).toEqual([]);
  });
});

describe("the copy of a host", () => {
  test("is one, whoever reaches it; each port and jump host leads to another", async () => {
    const { real } = play(
      "one",
      [picture, picture, picture],
      [none, none, there, none, there, none, none, there, none, none, there],
    );
    const reached = async (connection: Bag) => {
      await operations().create({ ...argsOn("one"), connection: { host: named("one"), ...connection } });
      return real.left;
    };
    expect(await reached({ user: "lab" })).toBe(2);
    expect(await reached({ user: "root", proxy: {} })).toBe(2);
    expect(await reached({ port: 2222 })).toBe(1);
    expect(await reached({ proxy: { host: "jump" } })).toBe(0);
    play("two", [picture], [none, none, there]);
    await operations().create(argsOn("two"));
    expect(told()).toEqual([...Array.from({ length: 4 }, () => line("one", "create")), line("two", "create")]);
  });

  test("is of this machine where no connection is given", async () => {
    const args = { owner, value: "v" };
    // What is removed is not there: that sets the copy up, if nobody has.
    play(here, [picture], [none, none]);
    await operations().delete(args);
    play(here, [], [none, there]);
    await operations().create(args);
    expect(told()).toEqual([line(here, "create")]);
  });

  test("has the rules of others, unless its reader wants the words of a host without nft", async () => {
    const rules = async (name: string, more: Partial<Explaining>) => {
      scripts = [];
      play(name, [picture], [none, none, there]);
      await operations({}, more).create(argsOn(name));
      return scripts.map((script) => script.includes("table ip hers {"));
    };
    expect(await rules("any", {})).toEqual([true]);
    expect(await rules("with nft", { backend: "nftables" })).toEqual([true]);
    expect(await rules("without nft", { backend: "iptables" })).toEqual([false]);
  });
});

test("a step is told with what a person types, what the host has said of it, and not with what was done in its stead", async () => {
  const typed = { lines: ["run it"], ask: sh("ask"), standIn: sh("stand in") };
  const plan: Definition["plan"] = (_args, { value }) =>
    value === "v" ? [] : [{ drift: "it does not run", steps: [{ what: "run it", do: sh("run"), typed }] }];
  play("typed", [picture], [none, none, there, { seen: { 0: "said" } }]);
  await operations({ plan }).create(argsOn("typed"));
  expect(steps.map(({ do: command }) => command)).toEqual([sh("stand in")]);
  const { standIn: _program, ...shown } = typed;
  expect(told()).toEqual([
    line("typed", "create", [{ what: "run it", command: sh("run"), typed: shown, asked: "said" }]),
  ]);
});

describe("a process that is named by its number", () => {
  const standIn = {
    what: "have a process 77",
    do: sh(
      [
        "[ ! -e /proc/77 ] || exit 0",
        "echo 76 >/proc/sys/kernel/ns_last_pid",
        "unshare --net sleep infinity </dev/null >/dev/null 2>&1 9>&- &",
        "[ $! = 77 ]",
        'round=0; while [ "$(readlink /proc/77/ns/net)" = "$(readlink /proc/self/ns/net)" ] && [ $round -lt 100 ]; do round=$((round + 1)); sleep 0.02; done',
      ].join("\n"),
    ),
  };
  const first = { steps: ["have a process 77"], owner, onFailure: "go-on", on: undefined };

  test("has another of its number on the copy before anything is made there, which is not told", async () => {
    const { copy } = play("process", [picture], [none, none, none, there]);
    await operations().create(argsOn("process", { pid: 77 }));
    expect(steps[0]).toEqual(standIn);
    expect(copy.sent).toEqual([first, { ...first, steps: ["set it"], onFailure: "undo" }]);
    expect(told()).toEqual([line("process", "create")]);
  });

  test("has it too where what stands is made on the copy", async () => {
    const { copy } = play("process that was", [there, picture], [none, none, none, there]);
    await operations().read("thing", argsOn("process that was", { pid: 77 }));
    expect(copy.sent.map((sent) => sent.steps)).toEqual([["have a process 77"], ["set it"]]);
    expect(told()).toEqual([]);
  });
});
