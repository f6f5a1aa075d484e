// What the engine stores: how much, and that it is good in another folder.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { otherCheckout, succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

test("100 namespaces take less than 1.6 kB of state each", async ({ machine, open }) => {
  const stack = await open(`
import { Netns } from "pulumi-linuxnet";
for (let n = 0; n < 100; n += 1) new Netns(\`ns\${n}\`, { name: \`ns\${n}\` });
`);
  expect(succeeded(await stack.up()).changes).toEqual({ create: 101 });
  expect(await machine.sh("ls /run/netns | wc -l")).toBe("100");
  expect(stack.size() / 100).toBeLessThan(1600);
  expect(succeeded(await stack.destroy()).changes).toEqual({ delete: 101 });
});

test("a state that was moved to a checkout in another folder destroys cleanly from there", async ({
  machine,
  open,
}) => {
  const stack = await open(`
import * as linuxnet from "pulumi-linuxnet";
const ct1 = new linuxnet.Netns("ct1", { name: "ct1" });
const lab0 = new linuxnet.Bridge("lab0", { name: "lab0", addresses: ["172.18.0.1/16"] });
new linuxnet.VethPair("ct1", { name: "veth-ct1", bridge: lab0.name, peer: { name: "eth0", netns: ct1.name } });
`);
  succeeded(await stack.up());
  const other = mkdtempSync(join(tmpdir(), "linuxnet-elsewhere-"));
  try {
    otherCheckout(other);
    writeFileSync(join(other, "Pulumi.yaml"), "name: lab\nruntime: nodejs\noptions:\n  refresh: always\n");
    const moved = await open(undefined, { folder: other, state: stack.state });
    expect(succeeded(await moved.destroy()).changes).toEqual({ delete: 4 });
    await machine.expectClean();
  } finally {
    rmSync(other, { recursive: true, force: true });
  }
});

test("arguments that were not given are outputs too: others take them, and the next preview is empty", async ({
  open,
}) => {
  const stack = await open(`
import { Bridge, Netns, Process, VethPair } from "pulumi-linuxnet";
const ct1 = new Netns("ct1", { name: "ct1" });
const one = new Bridge("one", { name: "one0" });
const pair = new VethPair("ct1", { name: "veth-ct1", bridge: one.name, peer: { name: "eth0", netns: ct1.name } });
const two = new Bridge("two", { name: "two0", netns: one.netns, mtu: pair.mtu, addresses: one.addresses, stp: ct1.loopback });
const sleep = new Process("sleep", { netns: two.netns, command: ["sleep", "1000"], user: pair.bridge.apply(() => undefined) });
export const values = [pair.mtu, ct1.loopback, two.stp, one.addresses, sleep.restart, sleep.cwd, sleep.user, two.netns];
`);
  succeeded(await stack.up());
  expect(await stack.outputs()).toEqual({ values: [1500, true, true, [], "no", "/", null, null] });
  expect(succeeded(await stack.preview("--diff", "--expect-no-changes")).changes).toEqual({ same: 6 });
  succeeded(await stack.destroy());
});
