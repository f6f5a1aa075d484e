// The life of each resource over ssh, each in the name of one user: made, changed, drifted, repaired, gone without a trace.
import { expect } from "vitest";
import { definitions } from "../../provider/resources/index.ts";
import { cutEverywhere, failEverywhere } from "../support/faults.ts";
import type { LabHost, User } from "../support/hosts.ts";
import { test } from "../support/hosts-test.ts";
import { fixedGround, type Life, lives } from "../support/lives.ts";
import { Subject } from "../support/subject.ts";

/** `AddressPool` asks no host for anything, and `Expect` is tried over ssh by its own tests (`resources-root.test.ts`). */
const elsewhere = ["AddressPool", "Expect"];

const users: readonly User[] = ["root", "lab", "labpw"];

/** A host with a bridge and a namespace, reached as a user. */
async function reached(
  start: (count: number, options: { world: true }) => Promise<{ hosts: LabHost[]; keys: { password: string } }>,
  user: User,
): Promise<LabHost> {
  const lab = await start(1, { world: true });
  const [host] = lab.hosts as [LabHost];
  host.login = { host: host.address, user, ...(user === "labpw" && { password: lab.keys.password }) };
  await host.sh(fixedGround);
  await host.baseline();
  return host;
}

test("each kind has a life here", () => {
  const kinds = definitions.map(({ kind }) => kind).filter((kind) => !elsewhere.includes(kind));
  expect(Object.keys(lives).toSorted()).toEqual(kinds.toSorted());
});

for (const [index, [kind, { args, change, drift, told }]] of Object.entries(lives).entries()) {
  const user = users[index % users.length] as User;
  test(`${kind}, as ${user}`, async ({ start }) => {
    const host = await reached(start, user);
    const subject = new Subject(host, kind, "one");
    await subject.up(args);
    expect(await subject.refresh()).toEqual([]);
    const changed = { ...args, ...change };
    expect((await subject.up(changed)).properties).toEqual(Object.keys(change));
    expect(await subject.refresh()).toEqual([]);
    await host.sh(drift);
    expect(await subject.refresh()).toEqual(told);
    await subject.up(changed);
    expect(await subject.refresh()).toEqual([]);
    await subject.destroy();
  });
}

test.for([
  ["Netns", "root"],
  ["VethPair", "lab"],
  ["Bridge", "labpw"],
] as const)("%s, as %s: cut off, or failed, after any step", async ([kind, user], { start }) => {
  const host = await reached(start, user);
  const { args } = lives[kind] as Life;
  expect(await cutEverywhere(host, kind, "one", args)).toBeGreaterThanOrEqual(3);
  expect(await failEverywhere(host, kind, "one", args)).toBeGreaterThanOrEqual(3);
});
