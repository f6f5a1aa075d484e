// A network across hosts as a program of a user: this machine and hosts by ssh, in the hands of the real engine.
import { expect } from "vitest";
import type { Hosts, LabHost } from "../support/hosts.ts";
import { differing, identities } from "../support/identity.ts";
import type { Machine } from "../support/machine.ts";
import { Stack, succeeded } from "../support/stack.ts";
import { test } from "./hosts-lab.ts";

/** One network, across this machine and the hosts of the list: a container on each. */
const program = `
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";
const hosts = new pulumi.Config().requireObject<string[]>("hosts");
const named = Object.fromEntries(hosts.map((host) => [host, { host: "10.99.0." + host.slice(1), user: "root" }]));
const connections = { here: {}, ...named };
const overlay = { addresses: { here: "10.99.0.254" } };
const shop = new linuxnet.Network("shop", { driver: "overlay", subnets: ["10.60.0.0/24", "fd60::/64"], connections, overlay });
const serving = { command: ["python3", "-m", "http.server", "80", "--bind", "::"], cwd: "/usr/share/common-licenses", ready: { tcp: 80 } };
const web = new linuxnet.Container("web", { network: shop, host: "h1", publish: ["8080:80"], ...serving });
const side = new linuxnet.Container("side", { netns: web });
const near = new linuxnet.Container("near", { network: shop, host: "here", links: { serveur: web } });
const far = hosts.slice(1).map((host) => new linuxnet.Container("far-" + host, { network: shop, host }));
for (const one of far) new linuxnet.Expect("far", { from: one, to: web, port: 80 }, { dependsOn: [one, web] });
export const members = [web, near, ...far].map(({ netns, addresses, gateway }) => ({ netns, addresses, gateway }));
export const joined = [web.netns, side.netns];
export const inspect = shop.inspect;
`;

/** Two more, one of them without a way out. */
const others = `
const other = new linuxnet.Network("other", { driver: "overlay", subnet: "10.61.0.0/24", connections, overlay, dns: true });
const inner = new linuxnet.Network("inner", { driver: "overlay", subnet: "10.62.0.0/24", connections, overlay, internal: true });
const strange = new linuxnet.Container("strange", { network: other, host: "h1" });
const mate = new linuxnet.Container("mate", { network: other, host: "h2", aliases: ["freund"] });
const kept = new linuxnet.Container("kept", { network: [inner, other], host: "here" });
const lost = new linuxnet.Container("lost", { network: inner, host: "h1" });
const all = { dependsOn: [web, near, strange, mate, kept, lost] };
new linuxnet.Expect("by link", { from: near, to: "serveur", port: 80 }, all);
for (const to of ["strange", "strange.other"]) new linuxnet.Expect(to, { from: mate, to }, all);
for (const to of ["mate", "freund"]) new linuxnet.Expect(to, { from: strange, to }, all);
new linuxnet.Expect("no name of another network", { from: strange, to: "web", reachable: false }, all);
new linuxnet.Expect("out", { from: web, to: "203.0.113.1" }, all);
new linuxnet.Expect("apart", { from: strange, to: web, port: 80, reachable: false }, all);
new linuxnet.Expect("apart across hosts", { from: strange, to: near, reachable: false }, all);
new linuxnet.Expect("inside", { from: lost, to: kept }, all);
new linuxnet.Expect("no way out", { from: lost, to: "203.0.113.1", reachable: false }, all);
new linuxnet.Expect("published", { from: "host", to: "10.99.0.1", port: 8080 }, all);
const there = { connection: connections.h1 };
for (const to of ["127.0.0.1", "::1"]) new linuxnet.Expect("published on " + to, { from: there, to, port: 8080 }, all);
`;

interface Member {
  netns: string;
  addresses: string[];
  gateway: string;
}

/** A container, and the host that it is on. */
interface At extends Member {
  host: Machine;
}

const bare = (cidr = "") => cidr.split("/")[0] ?? "";

/** Every container reaches every other one, its gateway and the world; each answer comes once. */
async function expectReached(members: readonly At[]): Promise<void> {
  for (const from of members) {
    const others = members.filter((one) => one !== from).flatMap(({ addresses }) => addresses.map(bare));
    for (const to of [...others, from.gateway, "fd60::1", "203.0.113.1"]) {
      const pings = await from.host.sh(`ip netns exec ${from.netns} ping -c 3 -i 0.2 -W 5 ${to}`);
      expect(pings, `${from.netns} to ${to}`).toContain("3 packets transmitted, 3 received, 0% packet loss");
      expect(pings).not.toContain("DUP!");
    }
  }
}

/** What a container refuses to send, and what gets through. */
async function expectMtu({ host, netns }: At, to: At): Promise<void> {
  const ping = (size: number, address = "") =>
    host.exec(`ip netns exec ${netns} ping -c 1 -W 5 -M do -s ${size} ${bare(address)} 2>&1`);
  const [v4, v6] = to.addresses;
  for (const [fits, address] of [
    [1422, v4],
    [1402, v6],
  ] as const) {
    expect(await ping(fits, address)).toMatchObject({ code: 0, stdout: expect.stringContaining("1 received") });
    expect(await ping(fits + 1, address)).toMatchObject({ code: 1, stdout: expect.stringMatching(/mtu[=:] ?1450/) });
  }
}

/** Where the containers of the program are: on h1, on the client side and, while it is there, on h2. */
async function placed(stack: Stack, lab: Hosts): Promise<At[]> {
  const { members } = (await stack.outputs()) as { members: Member[] };
  const [h1, h2] = lab.hosts;
  return members.map((one, index) => ({ ...one, host: [h1, lab.machine, h2][index] as Machine }));
}

/** Two hosts, and a stack of a program on their client side; all of it is as it was after `work`. */
async function operate(lab: Hosts, text: string, work: (stack: Stack) => Promise<void>): Promise<void> {
  await lab.machine.baseline();
  const stack = await Stack.open(lab.machine, text, { config: { hosts: '["h1","h2"]' } });
  try {
    const { create } = succeeded(await stack.up()).changes;
    await work(stack);
    expect(succeeded(await stack.destroy()).changes).toEqual({ delete: create });
    await lab.machine.expectClean();
  } finally {
    stack.close();
  }
}

test("it reaches across hosts, has a gateway and a way out on each, and is closed to other networks", async ({
  start,
}) => {
  const lab = await start(2, { world: true });
  const [h1, h2] = lab.hosts as [LabHost, LabHost];
  await operate(lab, program + others, async (stack) => {
    const [web, near, far] = (await placed(stack, lab)) as [At, At, At];
    await expectReached([web, near, far]);
    await expectMtu(far, web);
    await expectMtu(near, far);
    const { joined, inspect } = await stack.outputs();
    expect(new Set(joined as string[]).size).toBe(1);
    expect(inspect).toMatchObject([{ Driver: "overlay", Peers: [{ IP: "10.99.0.1" }, { IP: "10.99.0.2" }, {}] }]);
    // From another machine, and from a container of another host, in more than one packet.
    const size = await h1.sh("wc -c </usr/share/common-licenses/GPL-3");
    const get = (address: string) => `curl -s -m 10 http://${address}/GPL-3 | wc -c`;
    expect(await h1.world(get("203.0.113.2:8080"))).toBe(size);
    expect(await h2.sh(`ip netns exec ${far.netns} bash -c '${get("10.99.0.1:8080")}'`)).toBe(size);
    expect(await h2.sh(`ip netns exec ${far.netns} bash -c '${get(bare(web.addresses[0]))}'`)).toBe(size);
    succeeded(await stack.preview("--diff", "--expect-no-changes"));
  });
});

test("a host leaves and comes back, and what goes on between the others is not touched", async ({ start }) => {
  const lab = await start(2, { world: true });
  const [h1, h2] = lab.hosts as [LabHost, LabHost];
  await operate(lab, program, async (stack) => {
    const [web, near] = (await placed(stack, lab)) as [At, At];
    const before = [await identities(h1), await identities(lab.machine)];
    const words = `exec ping -i 0.2 -W 10 ${bare(web.addresses[0])} >/run/pings`;
    const pid = await lab.machine.spawn(["sh", "-c", words], near.netns);
    await stack.configure("hosts", '["h1"]');
    const left = succeeded(await stack.up()).changes;
    // The tunnels of the two that stay, and the pools of two families.
    expect(left).toMatchObject({ update: 4 });
    await h2.expectClean();
    await stack.configure("hosts", '["h1","h2"]');
    expect(succeeded(await stack.up()).changes).toMatchObject({ create: left.delete, update: left.update });
    await lab.machine.sh(`kill -INT ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.02; done`);
    expect(await lab.machine.sh("cat /run/pings; rm /run/pings")).toContain(" 0% packet loss");
    const after = [await identities(h1), await identities(lab.machine)];
    for (const [index, was] of before.entries()) expect(differing(was, after[index] ?? {})).toEqual([]);
    await expectReached(await placed(stack, lab));
  });
});
