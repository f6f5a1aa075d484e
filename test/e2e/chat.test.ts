// The lab "chat": lines that nobody loses while others come and go, a range that is full, and addresses that stay.
import { describe, expect } from "vitest";
import { cloneTest as test } from "../support/clone.ts";
import { differing, identities } from "../support/identity.ts";
import { machineAddress } from "../support/machine.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { Transfer } from "../support/transfer.ts";
import { openOutside } from "./examples-lab.ts";

type Members = Record<string, { netns: string; address: string }>;

const membersOf = async (stack: Stack) => (await stack.outputs()).members as Members;

const setClients = (stack: Stack, names: readonly string[]) => stack.configure("clients", JSON.stringify(names));

/** Where the programs of containers print to, by the container's name. */
async function logs(stack: Stack): Promise<Record<string, string>> {
  const { resources = [] } = (await stack.export()).deployment;
  const programs = resources.filter(({ type }) => `${type}`.endsWith(":Process"));
  const paths = programs.map(({ urn, outputs }) => {
    const { logPath } = outputs as { logPath: string };
    return [`${urn}`.split("::").at(-1), logPath] as const;
  });
  return Object.fromEntries(paths);
}

/** The numbers of the lines that a client has heard from another. */
const numbers = (lines: readonly string[], from: string) =>
  lines.flatMap((line) => (line.startsWith(`${from}: line `) ? [Number(line.split(" ").at(-1))] : []));

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe("the chat", () => {
  test("loses no line while a fourth comes and goes, and refuses the fifteenth", async ({ machine, clone, open }) => {
    await openOutside(machine, "192.168.1.100", machineAddress);
    const config = { lines: "3000", outside: JSON.stringify({ netns: "outside" }) };
    const stack = await open(undefined, { folder: `${clone.folder}/examples/chat`, config });
    const three = ["ann", "bob", "eve"];
    succeeded(await stack.up());
    const members = await membersOf(stack);
    expect(members).toMatchObject({
      server: { address: "192.168.1.100" },
      ann: { address: "192.168.1.2" },
      bob: { address: "192.168.1.3" },
      eve: { address: "192.168.1.4" },
    });
    const before = await identities(machine);
    const paths = await logs(stack);
    const heard = async (name: string) => (await machine.sh(`cat ${paths[name]}`)).split("\n");
    const began = (await heard("ann")).length;

    await setClients(stack, ["ann", "dan", "bob", "eve"]);
    succeeded(await stack.up());
    expect(await membersOf(stack)).toMatchObject({ ...members, dan: { address: "192.168.1.5" } });
    // By their names, which the network's resolver knows, and not a file of each container.
    for (const [name, address] of [
      ["server", "192.168.1.100"],
      ["dan", "192.168.1.5"],
    ] as const)
      expect(await machine.sh(`ip netns exec ${members.ann?.netns} getent ahostsv4 ${name}`)).toContain(address);
    await setClients(stack, three);
    succeeded(await stack.up());
    expect(differing(before, await identities(machine))).toEqual([]);
    expect(await membersOf(stack)).toEqual(members);
    expect((await heard("ann")).length).toBeGreaterThan(began);
    succeeded(await stack.preview("--diff", "--expect-no-changes"));

    // They talk on: a thousand lines of each, all of them heard by each other, in their order.
    const log = async () => Promise.all(three.map((name) => heard(name)));
    const thousand = (lines: string[], name: string) =>
      three.every((from) => from === name || numbers(lines, from).length >= 1000);
    await expect
      .poll(async () => (await log()).every((lines, index) => thousand(lines, three[index] ?? "")), {
        timeout: 200_000,
        interval: 1000,
      })
      .toBe(true);
    for (const [index, lines] of (await log()).entries())
      for (const from of three.filter((other) => other !== three[index])) {
        const found = numbers(lines, from);
        expect(found, `${three[index]} of ${from}`).toEqual(upTo(found.length));
      }
    expect((await heard("ann")).join("\n")).toContain("* dan leaves, 3 here");

    await setClients(stack, "abcdefghijklmno".split(""));
    const { code, stdout, stderr } = await stack.preview("--diff");
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain(
      "the range 192.168.1.0/28 is full: it has 14 addresses to give, and none is left for o",
    );
    await setClients(stack, three);
    succeeded(await stack.destroy());
  });

  test("one more among fourteen, and then one less: nothing else changes", async ({ machine, clone, open }) => {
    const names = "abcdefghijklm".split("");
    const config = { clients: JSON.stringify(names), lines: "0" };
    const stack = await open(undefined, { folder: `${clone.folder}/examples/chat`, config });
    succeeded(await stack.up());
    const members = await membersOf(stack);
    const at = (name: string) => members[name] ?? { netns: "", address: "" };
    const before = await identities(machine);
    const flow = await Transfer.begin(machine, at("b").netns, at("m").netns, at("m").address, 9001);

    await setClients(stack, [...names.slice(0, 6), "new", ...names.slice(6)]);
    succeeded(await stack.up());
    const fourteen = await membersOf(stack);
    expect(fourteen).toEqual({ ...members, new: { netns: expect.anything(), address: "192.168.1.15" } });
    const between = await identities(machine);
    expect(differing(before, between).filter((name) => before[name] !== undefined)).toEqual([]);
    await flow.goesOn();

    await setClients(stack, [...names.slice(1, 6), "new", ...names.slice(6)]);
    succeeded(await stack.up());
    const { a: first, ...rest } = fourteen;
    expect(await membersOf(stack)).toEqual(rest);
    const after = await identities(machine);
    expect(differing(between, after).filter((name) => after[name] !== undefined)).toEqual([]);
    expect(await machine.sh("ip netns list")).not.toContain(`${first?.netns}`);
    await flow.goesOn();
    await flow.end();
    succeeded(await stack.destroy());
  });
});
