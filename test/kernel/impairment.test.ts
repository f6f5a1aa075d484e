import { expect } from "vitest";
import { impairmentChanges, impairmentFact, netemFact } from "../../provider/kernel/impairment.ts";
import type { Impairment } from "../../provider/kernel/impairment-shape.ts";
import type { Machine } from "../support/machine.ts";
import { test } from "../support/test.ts";

const end = { name: "v0", netns: "blue" };
const cable = [
  "ip netns add blue; ip netns add red",
  "ip -n blue link add v0 type veth peer name v1 address 02:00:00:00:09:02 netns red",
  "ip -n blue addr add 10.9.0.1/24 dev v0; ip -n red addr add 10.9.0.2/24 dev v1",
  "ip -n blue link set v0 up; ip -n red link set v1 up",
  // An address that no one has: what arrives for it is counted and dropped, and no answer disturbs the sender.
  "ip -n blue neigh add 10.9.0.9 lladdr 02:00:00:00:09:02 dev v0 nud permanent",
].join("; ");

async function impair(machine: Machine, impairment: Impairment | undefined) {
  const facts = { qdisc: impairmentFact("v0", "blue"), netem: netemFact(impairment) };
  const before = await machine.host.observe(facts);
  const changes = impairmentChanges("impairment", { ...end, impairment }, before.qdisc, before.netem);
  const options = { owner: "linuxnet:test/dev/VethPair/v0", onFailure: "undo" } as const;
  const steps = changes.flatMap((change) => change.steps);
  const { report, answers } = await machine.host.apply(steps, options, facts);
  return { report, steps, left: impairmentChanges("impairment", { ...end, impairment }, answers.qdisc, answers.netem) };
}

/** Sends 2.1 MB as fast as the link takes them: the bytes that arrived while it lasted, and its seconds. */
async function transfer(machine: Machine) {
  const send = "dd if=/dev/zero bs=1400 count=1500 status=none >/dev/udp/10.9.0.9/9";
  const received = "cat /sys/class/net/v1/statistics/rx_bytes";
  const inRed = (command: string) => `ip netns exec red ${command}`;
  const text = await machine.sh(
    `${inRed(received)}; date +%s%N; ip netns exec blue bash -c '${send}'; date +%s%N; ${inRed(received)}`,
  );
  const [from = 0, began = 0, ended = 0, to = 0] = text.split("\n").map(Number);
  return { bytes: to - from, seconds: (ended - began) / 1e9 };
}

async function overlimits(machine: Machine): Promise<number> {
  const [{ overlimits = 0 }] = JSON.parse(await machine.sh("tc -n blue -s -j qdisc show dev v0 root"));
  return overlimits;
}

test("a rate limits what leaves through the end, and goes again", async ({ machine }) => {
  await machine.sh(cable);
  const before = await machine.snapshot();
  expect((await transfer(machine)).bytes).toBeGreaterThanOrEqual(1500 * 1400);

  expect(await impair(machine, { rate: "20mbit" })).toMatchObject({ report: { failures: [] }, left: [] });
  const { bytes, seconds } = await transfer(machine);
  expect(bytes).toBeLessThan(2 * (20e6 / 8) * seconds + 25_000);
  expect(await overlimits(machine)).toBeGreaterThan(0);

  expect((await impair(machine, { rate: "20mbit" })).steps).toEqual([]);
  expect((await impair(machine, { rate: "1gbit" })).left).toEqual([]);
  expect((await impair(machine, undefined)).left).toEqual([]);
  expect((await machine.snapshot())["qdiscs blue"]).toEqual(before["qdiscs blue"]);
  await machine.sh("ip netns del blue; ip netns del red; umount /run/netns; rmdir /run/netns");
});

test("each rate that can be said comes back as it was said", async ({ machine }) => {
  await machine.sh(cable);
  for (const rate of ["1kbit", "9600bit", "64kbit", "1500kbit", "10gbit", "100gbit"])
    expect(await impair(machine, { rate }), rate).toMatchObject({ report: { failures: [] }, left: [] });
  await machine.sh("ip netns del blue; ip netns del red; umount /run/netns; rmdir /run/netns");
});

test("netem is set, or refused before anything changes where the kernel has none", async ({ machine }) => {
  await machine.sh(cable);
  const before = await machine.snapshot();
  const wanted = { delay: "20ms", jitter: "5ms", loss: 1, duplicate: 0.5, corrupt: 0.1, reorder: 10, rate: "10mbit" };
  const { netem } = await machine.host.observe({ netem: netemFact(wanted) });
  if (netem) expect(await impair(machine, wanted)).toMatchObject({ report: { failures: [] }, left: [] });
  else
    await expect(impair(machine, wanted)).rejects.toThrow("this kernel has no netem (sch_netem). Nothing was changed.");
  if (!netem) expect((await machine.snapshot())["qdiscs blue"]).toEqual(before["qdiscs blue"]);
  await machine.sh("ip netns del blue; ip netns del red; umount /run/netns; rmdir /run/netns");
});
