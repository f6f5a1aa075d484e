// `linuxnet explain`: its script, typed on a bare host, gives the network of the example, and `up` takes it up. The
// network from scratch in the long run only.
import { expect } from "vitest";
import { differing, identities } from "../support/identity.ts";
import { long } from "../support/long.ts";
import { machineAddress, worldAddress } from "../support/machine.ts";
import { fetched, reaches } from "../support/probes.ts";
import { expectQuickstart } from "../support/quickstart.ts";
import { succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";
import { openOutside } from "./examples-lab.ts";
import { example, expectAll, explain, type } from "./explain-lab.ts";

/** What is not a program: those that were typed are ended and started again by `up`. */
const standing = (names: string[]) => names.filter((name) => !name.startsWith("process "));

test("the quickstart, typed by hand, does what it promises, and `up` takes it up", async ({ machine, open }) => {
  const stack = await open(undefined, { folder: example("quickstart") });
  const [here] = await explain(stack);
  await machine.expectClean();
  expect(here?.host).toBe("this machine");
  await type(machine, here as NonNullable<typeof here>);
  await expectAll(machine, here?.expected ?? []);
  await expectQuickstart(machine);

  const typed = await identities(machine);
  succeeded(await stack.up());
  expect(standing(differing(typed, await identities(machine)))).toEqual([]);
  await expectQuickstart(machine);

  // What differs from now on is all that is told.
  await machine.sh("ip link set lab0 mtu 1400");
  const [drifted] = await explain(stack);
  expect(drifted?.chapters.map(({ kind, operation, lines }) => [kind, operation, lines])).toEqual([
    ["Bridge", "update", [{ what: "set mtu 1500 on lab0", commands: ["ip link set dev lab0 mtu 1500"] }]],
  ]);
  await type(machine, drifted as NonNullable<typeof drifted>);
  expect(await explain(stack)).toEqual([]);
  succeeded(await stack.destroy());
  // By hand nobody has noted how the host was before.
  await machine.sh(
    "sysctl -q -w net.ipv4.ip_forward=0; rmdir /etc/netns/lab-ct* /etc/netns; umount /run/netns; rmdir /run/netns",
  );
  await machine.expectClean();
});

if (long)
  test("the network from scratch, typed by hand, at its last stage", async ({ machine, open }) => {
    await openOutside(machine, "172.18.0.10", machineAddress);
    const config = {
      hostAddress: machineAddress,
      world: JSON.stringify([worldAddress]),
      outside: JSON.stringify({ netns: "outside" }),
    };
    const stack = await open(undefined, { folder: example("from-scratch"), config });
    const [here] = await explain(stack);
    await machine.expectClean();
    await type(machine, here as NonNullable<typeof here>);
    await expectAll(machine, here?.expected ?? []);
    expect(await fetched(machine, "world", "http://172.18.0.10:5000/", 1)).toBeUndefined();
    await machine.baseline();
  });

test("the deep dive in words of iptables, typed by hand on a host without nft", async ({ machine, open }) => {
  await openOutside(machine, "172.18.0.11", machineAddress);
  const stack = await open(undefined, {
    folder: example("deep-dive"),
    config: { world: JSON.stringify([worldAddress]), outside: JSON.stringify({ netns: "outside" }) },
  });
  const [here] = await explain(stack, "--backend", "iptables");
  await machine.expectClean();
  expect(here?.script).not.toMatch(/\bnft\b/);
  await type(machine, here as NonNullable<typeof here>);
  await expectAll(machine, here?.expected ?? []);
  for (const from of ["world", "host", "ct1", "ct2"] as const)
    expect(await fetched(machine, from, `http://${machineAddress}:8080/`), from).toContain("Directory listing");
  expect(await reaches(machine, "ct2", worldAddress)).toBe(true);
  expect(await fetched(machine, "world", "http://172.18.0.11/", 1)).toBeUndefined();
  await machine.baseline();
});
