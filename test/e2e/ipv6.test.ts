// The lab "ipv6": the deep dive with both families, every way in each of them.
import { expect } from "vitest";
import { cloneTest as test } from "../support/clone.ts";
import { type Machine, machineAddress, worldAddress } from "../support/machine.ts";
import { fetched, reaches } from "../support/probes.ts";
import { succeeded } from "../support/stack.ts";
import type { Place } from "../support/transfer.ts";
import { openOutside, startWorldDns, worldName } from "./examples-lab.ts";

/** The addresses of the world and of the uplink in IPv6. */
const [worldAddress6, machineAddress6] = ["2001:db8:203::1", "2001:db8:203::2"];

/** Every way to the web server, and whether it leads there. */
const ways: [from: Place, url: string, leads: boolean][] = [
  ...[`${machineAddress}`, `[${machineAddress6}]`].flatMap((host) =>
    ["world", "host", "ct1", "ct2"].map((from): [Place, string, boolean] => [from, `http://${host}:8080/`, true]),
  ),
  ...["127.0.0.1", "[::1]"].flatMap((host): [Place, string, boolean][] => [
    ["host", `http://${host}:8080/`, true],
    ["ct2", `http://${host}:8080/`, false],
  ]),
  ...["172.18.0.11", "[fd00:18::11]"].flatMap((host): [Place, string, boolean][] => [
    ["ct2", `http://${host}/`, true],
    ["world", `http://${host}/`, false],
  ]),
];

async function expectWays(machine: Machine): Promise<void> {
  for (const [from, url, leads] of ways) {
    const text = await fetched(machine, from, url, leads ? 5 : 1);
    expect(text?.includes("Directory listing") ?? false, `${from} to ${url}`).toBe(leads);
  }
}

test("the deep dive with both families", async ({ machine, clone, open }) => {
  await openOutside(machine, "172.18.0.11", machineAddress);
  await machine.world(`ip route add fd00:18::11 via ${machineAddress6}`);
  await startWorldDns(machine, [worldAddress, worldAddress6]);
  const files = "sha256sum /etc/resolv.conf /etc/hosts; stat -c '%i %Y %Z' /etc/resolv.conf";
  const before = await machine.sh(files);
  const config = {
    nameservers: JSON.stringify([worldAddress, worldAddress6]),
    world: JSON.stringify([worldAddress, worldAddress6, worldName]),
    outside: JSON.stringify({ netns: "outside" }),
  };
  const stack = await open(undefined, { folder: `${clone.folder}/examples/ipv6`, config });
  succeeded(await stack.up());
  expect((await stack.outputs()).urls).toEqual(["http://127.0.0.1:8080/", "http://[::1]:8080/"]);
  await expectWays(machine);
  for (const to of ["172.18.0.12", "fd00:18::12", "fd00:18::1", worldAddress, worldAddress6])
    expect(await reaches(machine, "ct1", to), to).toBe(true);
  // The world sees the host's own address, in either family.
  for (const [source, own] of [
    ["172.18.0.11", machineAddress],
    ["fd00:18::11", machineAddress6],
  ] as const)
    expect(
      await machine.sh(`conntrack -L -f ${own.includes(":") ? "ipv6" : "ipv4"} --orig-src ${source} 2>/dev/null`),
    ).toContain(`dst=${own} `);
  const resolved = await machine.sh(`ip netns exec ct2 getent ahosts ${worldName}`);
  for (const address of [worldAddress, worldAddress6]) expect(resolved).toContain(address);
  expect(await machine.sh(files)).toBe(before);

  succeeded(await stack.preview("--diff", "--expect-no-changes"));
  succeeded(await stack.destroy());
  expect(await machine.sh(files)).toBe(before);
});
