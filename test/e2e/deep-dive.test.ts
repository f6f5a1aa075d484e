// The lab "deep dive", with nftables and with iptables: every way to the published port, DNS, what is watched, and the checks.

import { expect } from "vitest";
import { quoteAll } from "../../provider/kernel/quote.ts";
import { cloneTest as test } from "../support/clone.ts";
import { differing, identities } from "../support/identity.ts";
import { type Machine, machineAddress, worldAddress } from "../support/machine.ts";
import { fetched, reaches } from "../support/probes.ts";
import { succeeded } from "../support/stack.ts";
import { at, type Place } from "../support/transfer.ts";
import { openOutside, startWorldDns, worldName } from "./examples-lab.ts";

const page = "Directory listing";
const published = `http://${machineAddress}:8080/`;

/** Every way to the web server, and whether it leads there. */
const ways: [from: Place, url: string, leads: boolean][] = [
  ["world", published, true],
  ["host", published, true],
  ["host", "http://127.0.0.1:8080/", true],
  ["ct2", published, true],
  ["ct1", published, true],
  ["ct2", "http://172.18.0.11/", true],
  ["ct2", "http://127.0.0.1:8080/", false],
  ["world", "http://172.18.0.11/", false],
];

/** Starts tcpdump, does something, and gives what came by: `where` is a link, in a namespace or on the host. */
async function watched(machine: Machine, from: Place, link: string, what: () => Promise<unknown>): Promise<string> {
  const file = `/run/watched-${from}`;
  const dump = ["sh", "-c", `exec tcpdump -nlqi ${link} tcp >${file} 2>${file}.err`];
  const pid = await machine.spawn([...at(from), ...dump]);
  await machine.sh(`until grep -q listening ${file}.err; do sleep 0.02; done`);
  await what();
  await machine.sh(
    `until grep -q 'tcp ' ${file}; do sleep 0.02; done; kill ${pid}; while [ -d /proc/${pid} ]; do sleep 0.02; done`,
  );
  return machine.sh(`cat ${file}; rm ${file} ${file}.err`);
}

async function expectWays(machine: Machine): Promise<void> {
  for (const [from, url, leads] of ways) {
    const text = await fetched(machine, from, url, leads ? 5 : 1);
    expect(text?.includes(page) ?? false, `${from} to ${url}`).toBe(leads);
  }
}

/** What the checks print of a translation, by what made the rules. */
const translated = {
  nftables: "ok  the source becomes the host's",
  iptables: "ok  the counter of the masquerade moves",
} as const;

/** On the bridge and in the container, 8080 has become 80, and who asks is known by the true address. */
async function expectTranslated(machine: Machine): Promise<void> {
  for (const [from, link] of [
    ["host", "br0"],
    ["ct1", "eth0"],
  ] as const) {
    const seen = await watched(machine, from, link, () => fetched(machine, "world", published));
    expect(seen, link).toMatch(new RegExp(`IP ${worldAddress}\\.\\d+ > 172\\.18\\.0\\.11\\.80: tcp`));
    expect(seen).not.toContain(".8080");
  }
}

/** Who reaches whom, by which names and addresses. */
async function expectReached(machine: Machine): Promise<void> {
  for (const [from, to] of [
    ["ct1", worldAddress],
    ["ct2", worldAddress],
    ["ct1", "172.18.0.12"],
    ["ct2", "172.18.0.1"],
  ] as const)
    expect(await reaches(machine, from, to), `${from} to ${to}`).toBe(true);
  expect(await machine.sh("ip -br link | grep -o '^veth-ct[12]' | sort; ip -n ct1 -br -4 addr show eth0")).toMatch(
    /^veth-ct1\nveth-ct2\neth0@if\d+ +UP +172\.18\.0\.11\/16/,
  );
  const getent = quoteAll(["ip", "netns", "exec", "ct2", "getent", "ahostsv4", worldName]);
  expect(await machine.sh(getent)).toContain(worldAddress);
}

test("the deep dive, with nftables, then with iptables, then back", async ({ machine, clone, open }) => {
  await openOutside(machine, "172.18.0.11", machineAddress);
  await startWorldDns(machine, [worldAddress]);
  const files = "sha256sum /etc/resolv.conf /etc/hosts; stat -c '%i %Y %Z' /etc/resolv.conf";
  const before = await machine.sh(files);
  const config = {
    backend: "nftables",
    nameservers: JSON.stringify([worldAddress]),
    world: JSON.stringify([worldAddress, worldName]),
    outside: JSON.stringify({ netns: "outside" }),
  };
  const stack = await open(undefined, { folder: `${clone.folder}/examples/deep-dive`, config });
  const checks = () => machine.exec(`cd ${stack.folder} && sh checks.sh ${worldAddress}`);
  succeeded(await stack.up());
  const stood = await identities(machine);
  for (const backend of ["nftables", "iptables"] as const) {
    if (backend === "iptables") {
      // The same with the other rules: nothing but rules is touched.
      await stack.configure("backend", backend);
      succeeded(await stack.up());
      expect(differing(stood, await identities(machine))).toEqual([]);
    }
    await expectWays(machine);
    await expectReached(machine);
    expect(await machine.sh(files)).toBe(before);
    await expectTranslated(machine);
    const { code, stdout } = await checks();
    expect(stdout).not.toContain("NO ");
    expect(stdout).toContain(translated[backend]);
    expect(code).toBe(0);
    succeeded(await stack.preview("--diff", "--expect-no-changes"));
  }
  await stack.configure("backend", "nftables");
  succeeded(await stack.up());
  expect(differing(stood, await identities(machine))).toEqual([]);
  await expectWays(machine);

  await machine.sh("echo 0 >/proc/sys/net/ipv4/ip_forward");
  expect(await checks()).toMatchObject({ code: 1, stdout: expect.stringContaining("NO  forwarding is on: net.ipv4") });
  succeeded(await stack.destroy());
  expect(await machine.sh(files)).toBe(before);
});
