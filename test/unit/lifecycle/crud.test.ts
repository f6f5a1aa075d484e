// What the engine is told of each operation, by answers that a test gives for the host.
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import type { Host } from "../../../provider/host/host.ts";
import { Unreachable } from "../../../provider/host/session.ts";
import { sh } from "../../../provider/kernel/command.ts";
import { LinuxnetError, lacks, Unseen } from "../../../provider/kernel/failure.ts";
import { crud } from "../../../provider/lifecycle/crud.ts";
import type { Context, Definition } from "../../../provider/lifecycle/definition.ts";
import { ToldHost, type Turn, thing } from "../../support/told-host.ts";

type Bag = Record<string, unknown>;

const owner = "linuxnet:test/dev/Thing/t@00000000";
const args = { owner, value: "v", adopt: false };
const there: Turn = { seen: { value: "v" } };
const none: Turn = {};
const told: string[] = [];
const valued: Definition = { ...thing, fields: { value: z.string(), peer: z.unknown() } };

function on(turns: Turn[], definition: Partial<Definition> = {}) {
  const host = new ToldHost(...turns);
  const whole = { ...valued, ...definition };
  told.length = 0;
  return crud(
    whole,
    () => host as unknown as Host,
    (sentence) => void told.push(sentence),
  );
}
const message = (work: Promise<unknown>) =>
  work.then(
    () => "it went well",
    (error: Error) => error.message,
  );
const unreachable = (remedy?: string): Turn => ({
  throws: new Unreachable({ host: "the host", problem: "cannot reach it", ...(remedy && { remedy }) }),
});

afterEach(() => vi.unstubAllEnvs());

describe("the engine is told", () => {
  test("what stands after it was made, and on which machine", async () => {
    expect(await on([none, there]).create({ ...args, __provider: "x" })).toEqual({
      id: "thing",
      outs: { ...args, machineId: "m1" },
    });
    for (const preflight of [{ machineId: "", identity: " " }, undefined]) {
      const host = new ToldHost(there);
      host.preflight = preflight;
      const { outs } = await crud(valued, () => host as unknown as Host).create(args);
      expect(outs).not.toHaveProperty("machineId");
    }
  });

  test("what differs, by property and in words, each once", async () => {
    const steps = [{ what: "set it", do: sh("set") }];
    const plan = () => [
      { property: "value", actual: "w", steps },
      { property: "peer.mtu", actual: 1400, steps },
      { drift: "it is down", steps },
      { drift: "it is down", steps: [] },
      { steps: [] },
    ];
    const state = { ...args, peer: { name: "p", mtu: 1500 }, drift: ["of the last time"], machineId: "m1" };
    const found = await on([there], { plan }).read("thing", state);
    const drift = ["it is down", "it differs"];
    expect(found.inputs).toEqual({ ...args, value: "w", peer: { name: "p", mtu: 1400 }, drift });
    expect(found.id).toBe("thing");
    expect(found.props).toMatchObject({ declared: { value: "w" }, value: "v", drift, machineId: "m1" });
    expect((await on([there]).read("thing", state)).inputs).not.toHaveProperty("drift");
  });

  test("that it is gone, on evidence alone", async () => {
    expect(await on([none]).read("thing", args)).toEqual({ id: "", props: {} });
    expect(await message(on([unreachable()]).read("thing", args))).toMatch(
      /^Thing "thing" on the host: cannot reach it/,
    );
  });

  test("that something is missing which it needs; that it could not be looked at is an error", async () => {
    const needs = () => lacks("there is no bridge lab0");
    expect((await on([there], { plan: needs }).read("thing", args)).inputs?.drift).toEqual(["there is no bridge lab0"]);
    const throwing = (error: Error) => () => {
      throw error;
    };
    const unseen = throwing(new Unseen({ problem: "cannot look" }));
    expect(await message(on([there], { plan: unseen }).read("thing", args))).toBe(
      'Thing "thing" on the host: cannot look.',
    );
    expect(await message(on([there], { plan: throwing(new Error("a mistake")) }).read("thing", args))).toBe(
      "a mistake",
    );
  });

  test("what it waits for, of a kind that expects", async () => {
    const pending = () => ({ why: "it cannot be reached", within: 5 });
    const read = async (definition: Partial<Definition>) => (await on([there], definition).read("thing", args)).inputs;
    expect(await read({ pending, expects: true })).toMatchObject({ drift: ["it cannot be reached"] });
    expect(await read({ pending })).not.toHaveProperty("drift");
    expect(await read({ expects: true })).not.toHaveProperty("drift");
    expect(await read({ expects: true, pending: () => undefined })).not.toHaveProperty("drift");
  });

  test("who holds what was removed", async () => {
    const vacates = { name: "blue", inode: 7 };
    const teardown: Definition["teardown"] = (_args, { value }) =>
      value ? [{ what: "delete it", do: sh("x"), vacates }] : [];
    const holders = new Map([[7, ["sleep (pid 9)"]]]);
    await on([there, { seen: { holders } }], { teardown }).delete(args);
    expect(told).toEqual([
      'Thing "thing" on the host: namespace blue has no name any more, but lives on until what runs in it ends: sleep (pid 9).',
    ]);
    await on([there, none]).delete(args);
    expect(told).toEqual([]);
    // Who does not want to be told is not.
    const host = new ToldHost(there, { seen: { holders } });
    await crud({ ...valued, teardown }, () => host as unknown as Host).delete(args);
  });

  test("of an error by its resource and host, without a secret of the connection's", async () => {
    const connection = { host: "lab1", password: "hunter2" };
    const failing = new LinuxnetError({ problem: "sudo said hunter2" });
    const said = await message(on([{ throws: failing }]).create({ ...args, connection }));
    expect(said).toBe('Thing "thing" on the host: sudo said [secret].');
    expect(await message(on([{ throws: new Error("hunter2") }]).update(args, args))).toBe("hunter2");
  });
});

describe("a host that is lost", () => {
  const forget =
    "If it is gone for good, LINUXNET_FORGET_HOST=localhost makes refresh and destroy forget what was there.";

  test("is named with the way to forget it, at refresh and destroy", async () => {
    for (const work of [on([unreachable()]).read("thing", args), on([unreachable()]).delete(args)])
      expect(await message(work)).toBe(`Thing "thing" on the host: cannot reach it. ${forget}`);
    expect(await message(on([unreachable("Plug it in.")]).delete(args))).toContain(`Plug it in. ${forget}`);
    const away = { ...args, connection: { host: "lab1" } };
    expect(await message(on([unreachable()]).delete(away))).toContain("LINUXNET_FORGET_HOST=lab1 makes");
    expect(await message(on([unreachable()]).create(args))).not.toContain("LINUXNET_FORGET_HOST");
    expect(await message(on([{ throws: new LinuxnetError({ problem: "no" }) }]).delete(args))).not.toContain("FORGET");
  });

  test("is forgotten where the user says so, and no other", async () => {
    vi.stubEnv("LINUXNET_FORGET_HOST", "lab1,localhost");
    expect(await on([]).read("thing", args)).toEqual({ id: "", props: {} });
    await on([]).delete(args);
    expect(told).toEqual([]);
    await on([]).delete({ ...args, connection: { host: "lab1" } });
    expect(await message(on([unreachable()]).delete({ ...args, connection: { host: "lab2" } }))).toContain(
      "cannot reach",
    );
  });
});

describe("planning knows", () => {
  const contextIn = async (work: (operations: ReturnType<typeof on>) => Promise<unknown>) => {
    let known: Context | undefined;
    const plan: Definition["plan"] = (_args, _seen, context) => {
      known = context;
      return [];
    };
    await work(on([there, none], { plan }));
    return known;
  };

  test("what was applied last, and under which owner, where that was another", async () => {
    const state = { ...args, value: "w", extra: 1 };
    const updated = await contextIn((operations) => operations.update(state, args));
    expect(updated).toMatchObject({ owner, former: undefined, adopt: false, previous: { ...args, value: "w" }, state });
    const was = "linuxnet:test/dev/Thing/was@00000000";
    const renamed = await contextIn((operations) =>
      operations.update({ ...state, owner: was }, { ...args, adopt: true }),
    );
    expect(renamed).toMatchObject({ owner, former: was, adopt: true });
    const made = await contextIn((operations) => operations.create(args));
    expect([made?.previous, made?.state, made?.former]).toEqual([undefined, undefined, undefined]);
    const read = await contextIn((operations) => operations.read("thing", state));
    expect(read).toMatchObject({ previous: { ...args, value: "w" }, state });
  });
});

describe("a change", () => {
  const diff = (before: Bag, after: Bag, replaceOn: string[] = ["value", "peer.name"]) =>
    on([], { replaceOn }).diff({ ...args, ...before }, { ...args, ...after });

  test("of nothing is none, and of what another object is made by replaces it, the old one first", () => {
    expect(diff({}, {})).toEqual({ changes: false, replaces: [], deleteBeforeReplace: false });
    expect(diff({}, { adopt: true })).toEqual({ changes: true, replaces: [], deleteBeforeReplace: false });
    expect(diff({}, { value: "w" })).toEqual({ changes: true, replaces: ["value"], deleteBeforeReplace: true });
    const ends = [
      { peer: { name: "a", mtu: 1 } },
      { peer: { name: "a", mtu: 2 } },
      { peer: { name: "b", mtu: 1 } },
    ] as const;
    expect(diff(ends[0], ends[1]).replaces).toEqual([]);
    expect(diff(ends[0], ends[2], ["peer.name", "peer.mtu"]).replaces).toEqual(["peer"]);
    expect(diff(ends[1], ends[2], ["peer.name", "peer.mtu"]).replaces).toEqual(["peer"]);
    const hosts = [{ connection: { host: "a" } }, { connection: { host: "b" } }] as const;
    expect(diff(...hosts).replaces).toEqual(["connection"]);
    expect(diff(hosts[0], { connection: { host: "a", user: "x" } })).toMatchObject({ changes: true, replaces: [] });
  });
});
