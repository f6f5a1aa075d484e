// The other examples, typed by hand from what `linuxnet explain` says. In the long run only: `npm run test:long`.
import { describe, expect } from "vitest";
import { type Machine, machineAddress, worldAddress } from "../support/machine.ts";
import { fetched, reaches } from "../support/probes.ts";
import type { StackOptions } from "../support/stack.ts";
import { test } from "../support/test.ts";
import { openOutside, startWorldDns } from "./examples-lab.ts";
import { example, expectAll, explain, type } from "./explain-lab.ts";

const outside = JSON.stringify({ netns: "outside" });
const world = JSON.stringify([worldAddress]);

/** An example: the address of a container that the world knows a way to, its configuration, and what it promises beside its Expects. */
interface Case {
  name: string;
  route: string;
  config?: StackOptions["config"];
  prepare?(machine: Machine): Promise<StackOptions["config"]>;
  prove(machine: Machine): Promise<void>;
}

async function process(machine: Machine): Promise<StackOptions["config"]> {
  const pid = await machine.spawn(["unshare", "--net", "sleep", "1000"]);
  await machine.sh(
    `until [ "$(readlink /proc/${pid}/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done`,
  );
  return { pid: `${pid}` };
}

const listing = "Directory listing";

const cases: readonly Case[] = [
  {
    name: "manual",
    route: "192.168.1.2",
    config: { world, outside },
    prove: async (machine) => expect(await reaches(machine, "mycontainer", worldAddress)).toBe(true),
  },
  {
    name: "by-pid",
    route: "10.0.0.2",
    config: { world, outside },
    prepare: process,
    prove: async (machine) => expect(await machine.sh("ip -n by-pid -br addr show veth1")).toContain("10.0.0.2/24"),
  },
  {
    name: "deep-dive",
    route: "172.18.0.11",
    config: { world, outside },
    prove: async (machine) => {
      for (const from of ["world", "host", "ct1", "ct2"] as const)
        expect(await fetched(machine, from, `http://${machineAddress}:8080/`), from).toContain(listing);
    },
  },
  {
    name: "ipv6",
    route: "172.18.0.11",
    config: { world, outside },
    prove: async (machine) => {
      for (const url of ["http://127.0.0.1:8080/", "http://[::1]:8080/", "http://[2001:db8:203::2]:8080/"])
        expect(await fetched(machine, "host", url), url).toContain(listing);
    },
  },
  {
    name: "drivers",
    route: "172.19.0.2",
    prove: async (machine) =>
      expect(await fetched(machine, "world", `http://${machineAddress}:8080/`)).toContain(listing),
  },
  {
    name: "chat",
    route: "192.168.1.100",
    config: { lines: "20", outside },
    // Each of three hears the last line of the two others.
    prove: (machine) =>
      expect
        .poll(() => machine.sh("cat /run/linuxnet/process/*/log | grep -c ': line 20$' || :"), { timeout: 60_000 })
        .toMatch(/^[6-9]$/),
  },
];

describe("typed by hand", () => {
  for (const { name, route, config = {}, prepare, prove } of cases)
    test(`the example ${name} does what it promises`, async ({ machine, open }) => {
      await openOutside(machine, route, machineAddress);
      await startWorldDns(machine, [worldAddress]);
      const more = await prepare?.(machine);
      await machine.baseline();
      const stack = await open(undefined, { folder: example(name), config: { ...config, ...more } });
      const [here] = await explain(stack);
      await machine.expectClean();
      await type(machine, here as NonNullable<typeof here>);
      await expectAll(machine, here?.expected ?? []);
      await prove(machine);
      await machine.baseline();
    });
});
