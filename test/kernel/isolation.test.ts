// Networks that are closed to one another, by packets: bridges that are isolated, whoever translates addresses.
import { expect } from "vitest";
import type { Machine } from "../support/machine.ts";
import { make, type Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

/** The network 10.N.0.0/24 with one container, as the components declare it. */
async function network(machine: Machine, n: number, isolate: boolean, masquerade: boolean): Promise<Subject[]> {
  const name = `br${n}`;
  const bridge = await make(machine, "Bridge", name, { name, addresses: [`10.${n}.0.1/24`], isolate });
  const peer = { name: "eth0", netns: `ct${n}`, addresses: [`10.${n}.0.2/24`], gateway: `10.${n}.0.1` };
  const cable = await make(machine, "VethPair", name, { name: `v${n}`, bridge: name, peer });
  if (!masquerade) return [cable, bridge];
  const rule = { type: "masquerade", source: `10.${n}.0.0/24`, notOutInterface: name, protect: isolate };
  return [await make(machine, "NatRule", name, rule), cable, bridge];
}

async function reaches(machine: Machine, n: number, to: string): Promise<boolean> {
  return (await machine.exec(`ip netns exec ct${n} ping -c 1 -W 1 ${to}`)).code === 0;
}

test("a network is closed to others that have a way out, and it to them", async ({ machine }) => {
  await machine.sh("for n in 5 6 7 8; do ip netns add ct$n; done");
  await machine.baseline();
  const closed = [...(await network(machine, 5, true, true)), ...(await network(machine, 6, true, false))];
  const open = [...(await network(machine, 7, false, true)), ...(await network(machine, 8, false, false))];
  for (const [from, to] of [5, 6, 7, 8].flatMap((one) => [5, 6, 7, 8].map((other) => [one, other] as const)))
    if (from !== to)
      expect([from, to, await reaches(machine, from, `10.${to}.0.2`)]).toEqual([from, to, from > 6 && to > 6]);
  for (const n of [5, 7]) expect(await reaches(machine, n, "203.0.113.1")).toBe(true);
  for (const one of [...open, ...closed]) await one.destroy();
});
