// The example `overlay` on hosts of its own, in the hands of the real engine: two hosts, three, one that leaves and comes back,
// and one that is started anew.
import { expect } from "vitest";
import type { Hosts, LabHost } from "../support/hosts.ts";
import { differing, type Identities, identities } from "../support/identity.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { test } from "./hosts-lab.ts";

/** The address of each host's container, in the order in which the hosts came. */
const inside: Record<string, string> = { h1: "10.88.79.2", h2: "10.88.79.3", h3: "10.88.79.4" };

const inMember = "ip netns exec member";

async function setHosts(stack: Stack, hosts: readonly LabHost[]): Promise<void> {
  const list = hosts.map(({ name, address }) => ({ host: name, user: "root", address }));
  await stack.configure("hosts", JSON.stringify(list));
}

/** Every container reaches every other one, and each answer comes once. */
async function expectReached(hosts: readonly LabHost[]): Promise<void> {
  for (const from of hosts) {
    for (const to of hosts.filter(({ name }) => name !== from.name)) {
      const pings = await from.sh(`${inMember} ping -c 3 -i 0.2 -W 5 ${inside[to.name]}`);
      expect(pings, `${from.name} to ${to.name}`).toContain("3 packets transmitted, 3 received, 0% packet loss");
      expect(pings).not.toContain("DUP!");
    }
  }
}

/** What a container refuses to send, and what gets through. */
async function expectMtu(from: LabHost, to: LabHost): Promise<void> {
  const ping = (size: number) => from.exec(`${inMember} ping -c 1 -W 5 -M do -s ${size} ${inside[to.name]} 2>&1`);
  expect(await ping(1422)).toMatchObject({ code: 0, stdout: expect.stringContaining("1 received") });
  for (const size of [1423, 1472])
    expect(await ping(size)).toMatchObject({ code: 1, stdout: expect.stringContaining("mtu=1450") });
}

// A frame of a type that is in nobody's use, so that nothing repeats it: the last two bytes of the payload count.
const frames = "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))";
const hearing = `${frames}; s.bind(("eth0", 0x88b5)); open("/run/ready", "w")
while True: print(s.recv(100)[14:19].decode(), file=open("/run/heard", "a", 1), flush=True)`;
const calling = `${frames}; s.bind(("eth0", 0))
for n in range(20): s.send(b"\\xff" * 6 + bytes.fromhex("020000000001") + b"\\x88\\xb5" + b"%05d" % n + b" " * 46)`;

/** A broadcast of one container comes to each other container once, and not back to itself. */
async function expectOnce(from: LabHost, others: readonly LabHost[]): Promise<void> {
  const all = [from, ...others];
  const pids = await Promise.all(all.map((host) => host.spawn(["python3", "-c", hearing], "member")));
  for (const host of all) await host.sh("until [ -e /run/ready ]; do sleep 0.02; done");
  await from.sh(`${inMember} python3 -c '${calling}'`);
  const once = Array.from({ length: 20 }, (_, n) => `${n}`.padStart(5, "0")).join("\n");
  for (const host of others) {
    await host.sh("for n in $(seq 500); do grep -q 00019 /run/heard && exit; sleep 0.02; done; exit 1");
    // What came twice would be on its way still: these answers come behind it.
    await host.sh(`${inMember} ping -c 3 -i 0.2 -W 5 ${inside[from.name]}`);
    expect(await host.sh("cat /run/heard"), host.name).toBe(once);
  }
  expect(await from.sh("cat /run/heard 2>/dev/null || echo nothing")).toBe("nothing");
  for (const [index, host] of all.entries())
    await host.sh(
      `kill ${pids[index]}; while kill -0 ${pids[index]} 2>/dev/null; do sleep 0.02; done; rm -f /run/heard /run/ready`,
    );
}

async function all(hosts: readonly LabHost[]): Promise<Identities[]> {
  return Promise.all(hosts.map((host) => identities(host)));
}

/** A ping from one container to another that runs on until it is asked what it saw. */
async function pinging(from: LabHost, to: LabHost): Promise<() => Promise<string>> {
  const words = `exec ping -i 0.2 -W 10 ${inside[to.name]} >/run/pings`;
  const pid = await from.spawn(["sh", "-c", words], "member");
  return async () => {
    await from.sh(`kill -INT ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.02; done`);
    return from.sh("cat /run/pings; rm /run/pings");
  };
}

const started = async (start: (count: number) => Promise<Hosts>) => {
  const lab = await start(3);
  const [h1, h2, h3] = lab.hosts as [LabHost, LabHost, LabHost];
  return { lab, h1, h2, h3 };
};

test("two hosts and then three; one leaves and comes back; one is started anew, and built again alone", async ({
  start,
  open,
}) => {
  const { lab, h1, h2, h3 } = await started(start);
  const stack = await open(lab, "overlay");
  await setHosts(stack, [h1, h2]);
  expect(succeeded(await stack.up()).changes).toEqual({ create: 14 });
  await expectReached([h1, h2]);
  await expectMtu(h1, h2);
  expect(succeeded(await stack.preview("--diff", "--expect-no-changes")).changes).toEqual({ same: 14 });
  expect(await h3.exec("ip netns list")).toMatchObject({ stdout: "" });

  const before = await all([h1, h2]);
  await setHosts(stack, [h1, h2, h3]);
  expect(succeeded(await stack.up()).changes).toEqual({ create: 9, update: 3, same: 11 });
  const after = await all([h1, h2]);
  for (const [index, was] of before.entries()) expect(differing(was, after[index] ?? {})).toEqual([]);
  await expectReached([h1, h2, h3]);
  await expectMtu(h3, h1);
  await expectOnce(h1, [h2, h3]);
  expect((await stack.outputs()).members).toEqual(
    [h1, h2, h3].map(({ name }) => ({ host: name, netns: "member", address: `${inside[name]}/24`, mtu: 1450 })),
  );

  // What goes on between the others is not touched by one that leaves.
  const stop = await pinging(h1, h3);
  await setHosts(stack, [h1, h3]);
  expect(succeeded(await stack.up()).changes).toEqual({ delete: 9, update: 3, same: 11 });
  await h2.expectClean();
  await expectReached([h1, h3]);
  expect((await h1.exec(`${inMember} ping -c 1 -W 1 ${inside.h2}`)).code).toBe(1);

  await setHosts(stack, [h1, h2, h3]);
  expect(succeeded(await stack.up()).changes).toEqual({ create: 9, update: 3, same: 11 });
  const pings = await stop();
  expect(pings).toContain(" 0% packet loss");
  expect(pings).not.toContain("DUP!");
  await expectReached([h1, h2, h3]);
  await expectOnce(h2, [h1, h3]);

  const going = await pinging(h1, h3);
  const stood = await all([h1, h3]);
  await h2.kill();
  await h2.boot();
  await h2.baseline();
  const refresh = succeeded(await stack.refresh());
  expect(refresh.changes).toEqual({ delete: 4, update: 5, same: 14 });
  const deleted = [...refresh.stdout.matchAll(/linuxnet:(\w+ \S+) deleted/g)].map(([, name]) => name);
  expect(deleted.toSorted()).toEqual(["Bridge h2-over0", "Netns h2-member", "VethPair h2-member", "Vxlan h2-vx0"]);

  const up = succeeded(await stack.up());
  expect(up.changes).toEqual({ create: 4, update: 5, same: 14 });
  const stand = await all([h1, h3]);
  for (const [index, was] of stood.entries()) expect(differing(was, stand[index] ?? {})).toEqual([]);
  expect(await going()).toContain(" 0% packet loss");
  await expectReached([h1, h2, h3]);
  await expectMtu(h2, h3);
  succeeded(await stack.destroy());
});
