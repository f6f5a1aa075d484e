// A change of nftables rules that fails half-way: what stood stands again, in its order.
import { expect } from "vitest";
import { type Step, sh } from "../../provider/kernel/command.ts";
import { stepsOf } from "../support/faults.ts";
import type { Machine } from "../support/machine.ts";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";

type Bag = Record<string, unknown>;

const failing: Step = { what: "fail as the test wants", do: sh("echo injected >&2; exit 1") };

const listed = (machine: Machine) => machine.sh("nft list table inet linuxnet");

/** Lets a change fail after each of its steps in turn. */
async function failBetween(machine: Machine, kind: string, from: Bag, to: Bag): Promise<void> {
  const subject = await make(machine, kind, "changed", from);
  const before = await listed(machine);
  const steps = await stepsOf(machine, kind, subject, to);
  expect(steps.some(({ what }) => what.startsWith("remove an nftables rule"))).toBe(true);
  for (let count = 0; count <= steps.length; count += 1) {
    const options = { owner: subject.sealed, onFailure: "undo" } as const;
    const { report } = await machine.host.apply([...steps.slice(0, count), failing], options, {});
    expect(report.left).toEqual([]);
    expect(await listed(machine)).toBe(before);
  }
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
}

const source = "10.9.0.0/24";
const changes: Record<string, [kind: string, from: Bag, to: Bag]> = {
  "what is masqueraded": ["NatRule", { type: "masquerade", source }, { type: "masquerade", source: "10.8.0.0/24" }],
  "where a port leads": [
    "NatRule",
    { type: "dnat", destination: "203.0.113.2", protocol: "tcp", destinationPorts: "8000-8010", toAddress: "10.9.0.2" },
    { type: "dnat", destination: "203.0.113.2", protocol: "udp", destinationPorts: 53, toAddress: "10.9.0.3" },
  ],
  "what is accepted": [
    "ForwardRule",
    { action: "accept", source, outInterface: "uplink", protocol: "tcp", destinationPorts: "8000-8010" },
    { action: "accept", source, inInterface: "up0", states: ["established", "related"] },
  ],
  "what is rejected": ["ForwardRule", { action: "reject", source }, { action: "drop", source: "fd00:9::/64" }],
  "states that are let through": [
    "ForwardRule",
    { action: "accept", source, states: ["established", "related"] },
    { action: "accept", source, states: ["new"] },
  ],
};

for (const [what, [kind, from, to]] of Object.entries(changes)) {
  test(`a change of ${what} that fails half-way is taken back`, async ({ machine }) => {
    await failBetween(machine, kind, from, to);
  });
}

test("a rule that was to move is where it was, between its neighbours", async ({ machine }) => {
  const neighbour = (name: string, priority: number) =>
    make(machine, "ForwardRule", name, { action: "accept", source: `10.9.${priority}.0/24`, priority });
  const others = [await neighbour("first", 1), await neighbour("third", 3), await neighbour("fifth", 5)];
  await failBetween(
    machine,
    "ForwardRule",
    { action: "drop", source, priority: 2 },
    { action: "drop", source, priority: 4 },
  );
  for (const other of others) await other.destroy();
});
