// The bridge network in five stages, from any of them to any other: what works at each, what must not, and what is touched.
import { describe, expect } from "vitest";
import { cloneTest as test } from "../support/clone.ts";
import { differing, identities } from "../support/identity.ts";
import { type Machine, machineAddress, worldAddress } from "../support/machine.ts";
import { fetched, reaches } from "../support/probes.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { openOutside } from "./examples-lab.ts";

/** A second address of the host, on which nothing is published. */
const other = "203.0.113.9";

const published = `http://${machineAddress}:5000/`;

/** Every probe, and the stages at which it goes through. */
const probes: Record<string, [stages: number[], probe: (machine: Machine) => Promise<unknown>]> = {
  "host pings netns0": [[1, 2, 4, 5], (machine) => reaches(machine, "host", "172.18.0.10", 2)],
  "host pings netns1": [[4, 5], (machine) => reaches(machine, "host", "172.18.0.20", 2)],
  "netns0 pings netns1": [[3, 4, 5], (machine) => reaches(machine, "netns0", "172.18.0.20", 2)],
  "netns0 pings the world": [[4, 5], (machine) => reaches(machine, "netns0", worldAddress, 2)],
  "curl of the world": [[5], (machine) => fetched(machine, "world", published, 2)],
  "curl of the host": [[5], (machine) => fetched(machine, "host", published, 2)],
  "curl of the container from the host": [[5], (machine) => fetched(machine, "host", "http://172.18.0.10:5000/", 2)],
  "curl of the host's other address": [[], (machine) => fetched(machine, "world", `http://${other}:5000/`, 1)],
  "curl of the container from the world": [[], (machine) => fetched(machine, "world", "http://172.18.0.10:5000/", 1)],
};

/** Fails unless at a stage goes through what should, and nothing else. */
async function expectStage(machine: Machine, stage: number): Promise<void> {
  const names = Object.keys(probes);
  const answers = await Promise.all(Object.values(probes).map(([, probe]) => probe(machine)));
  expect(names.filter((_, index) => answers[index])).toEqual(names.filter((name) => probes[name]?.[0].includes(stage)));
}

/** Brings a lab to a stage: how many resources were touched, and what was made anew, came or went. */
async function goTo(stack: Stack, stage: number): Promise<{ changes: Record<string, number>; anew: string[] }> {
  const before = await identities(stack.machine);
  const { changes } = succeeded(await stack.up("--config", `stage=${stage}`));
  const anew = differing(before, await identities(stack.machine));
  await expectStage(stack.machine, stage);
  return { changes, anew: anew.map((name) => name.replace(/^process .*/, "process")) };
}

const first = ["link netns0/ceth0", "link veth0", "netns netns0"];
const second = ["link netns1/ceth1", "link veth1", "netns netns1"];

describe("the network from scratch", () => {
  test("goes from any stage to any other and touches only what differs", async ({ machine, clone, open }) => {
    await machine.sh(`ip addr add ${other}/32 dev up0`);
    await openOutside(machine, "172.18.0.10", machineAddress);
    const folder = `${clone.folder}/examples/from-scratch`;
    const config = {
      hostAddress: machineAddress,
      world: JSON.stringify([worldAddress]),
      outside: JSON.stringify({ netns: "outside" }),
    };
    const stack = await open(undefined, { folder, config });

    expect(await goTo(stack, 1)).toEqual({ changes: { create: 6 }, anew: first });
    expect(await goTo(stack, 5)).toEqual({
      changes: { create: 12, update: 3, same: 3 },
      anew: ["link br0", ...second, "process"].toSorted(),
    });
    succeeded(await stack.preview("--diff", "--expect-no-changes"));
    expect(await goTo(stack, 2)).toEqual({
      changes: { delete: 9, update: 5, same: 4 },
      anew: ["link br0", "process"],
    });
    expect(await goTo(stack, 4)).toEqual({ changes: { create: 3, update: 5, same: 4 }, anew: ["link br0"] });
    expect(await goTo(stack, 3)).toEqual({ changes: { delete: 1, update: 6, same: 5 }, anew: [] });
    expect(await goTo(stack, 1)).toEqual({
      changes: { delete: 5, update: 2, same: 4 },
      anew: ["link br0", ...second].toSorted(),
    });
    succeeded(await stack.destroy());
  });
});
