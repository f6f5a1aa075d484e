// The life of each resource over ssh, each in the name of one user: made, changed, drifted, repaired, gone without a trace.
import { expect } from "vitest";
import { definitions } from "../../provider/resources/index.ts";
import { cutEverywhere, failEverywhere } from "../support/faults.ts";
import type { LabHost, User } from "../support/hosts.ts";
import { test } from "../support/hosts-test.ts";
import { Subject } from "../support/subject.ts";

interface Life {
  args: Record<string, unknown>;
  /** What is changed in place. */
  change: Record<string, unknown>;
  /** What is done to it by hand. */
  drift: string;
  /** What refresh tells of that. */
  told: string[] | "gone";
}

/** Ends all of a name, and waits until they have: a process that has been sent KILL runs until the kernel gets to it. */
const killed = (name: string) =>
  `pkill -KILL -x ${name}; while pgrep -x -r D,R,S ${name} >/dev/null; do sleep 0.02; done`;

const lives: Record<string, Life> = {
  Netns: {
    args: { name: "blue", sysctls: { "net.ipv4.ip_forward": "1" } },
    change: { sysctls: { "net.ipv4.ip_forward": "0" } },
    drift: "nsenter --net=/run/netns/blue sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'",
    told: ["sysctls"],
  },
  Bridge: {
    args: { name: "lab0", addresses: ["10.9.0.1/24"] },
    change: { mtu: 1400 },
    drift: "ip addr del 10.9.0.1/24 dev lab0",
    told: ["addresses"],
  },
  VethPair: {
    args: { name: "v0", bridge: "fixed0", peer: { name: "eth0", netns: "ct1", addresses: ["10.9.9.3/24"] } },
    change: { hairpin: true },
    drift: "ip -n ct1 addr del 10.9.9.3/24 dev eth0",
    told: ["peer"],
  },
  Vxlan: {
    args: { name: "vx0", vni: 42, local: "203.0.113.2", remotes: ["203.0.113.1"] },
    change: { remotes: ["203.0.113.1", "203.0.113.3"] },
    drift: "ip link set vx0 mtu 1300",
    told: ["mtu"],
  },
  NatRule: {
    args: { type: "masquerade", source: "10.9.9.0/24", outInterface: "uplink" },
    change: { protect: false },
    drift: "nft flush chain inet linuxnet user_post",
    told: ["drift"],
  },
  ForwardRule: {
    args: { action: "drop", source: "10.9.9.0/24" },
    change: { action: "reject" },
    drift: "nft delete table inet linuxnet",
    told: "gone",
  },
  PortPublish: {
    args: { hostPort: 8080, targetAddress: "10.9.9.2", targetPort: 80 },
    change: { targetPort: 8000 },
    drift: "nft delete table inet linuxnet",
    told: "gone",
  },
  ResolvConf: {
    args: { netns: "ct1", nameservers: ["10.9.9.1"] },
    change: { nameservers: ["10.9.9.2"] },
    drift: "echo nameserver 10.9.9.4 >>/etc/netns/ct1/resolv.conf",
    told: ["nameservers"],
  },
  Resolver: {
    args: {
      network: "shop",
      bridge: "fixed0",
      addresses: ["10.9.9.1/24"],
      members: { web: { addresses: ["10.9.9.2"] } },
    },
    change: { members: { db: { addresses: ["10.9.9.2"] } } },
    drift: killed("dnsmasq"),
    told: ["drift"],
  },
  Process: {
    args: { netns: "ct1", command: ["sleep", "1000"] },
    change: { command: ["sleep", "2000"] },
    drift: killed("sleep"),
    told: ["drift"],
  },
  Lab: {
    args: { networks: { shop: { bridgeName: "shop0" } }, containers: { web: { network: "shop" } } },
    change: { containers: { web: { network: "shop" }, db: { network: "shop" } } },
    drift: "ip link set shop0 mtu 1400",
    told: ["networks"],
  },
};

/** `AddressPool` asks no host for anything, and `Expect` is tried over ssh by its own tests (`resources-root.test.ts`). */
const elsewhere = ["AddressPool", "Expect"];

const users: readonly User[] = ["root", "lab", "labpw"];

/** A host with a bridge and a namespace, reached as a user. */
async function reached(
  start: (count: number, options: { world: true }) => Promise<{ hosts: LabHost[]; keys: { password: string } }>,
  user: User,
): Promise<LabHost> {
  const lab = await start(1, { world: true });
  const [host] = lab.hosts as [LabHost];
  host.login = { host: host.address, user, ...(user === "labpw" && { password: lab.keys.password }) };
  await host.sh(
    "ip netns add ct1; ip link add fixed0 address 02:00:00:00:00:05 type bridge; ip addr add 10.9.9.1/24 dev fixed0; ip link set fixed0 addrgenmode none up",
  );
  await host.baseline();
  return host;
}

test("each kind has a life here", () => {
  const kinds = definitions.map(({ kind }) => kind).filter((kind) => !elsewhere.includes(kind));
  expect(Object.keys(lives).toSorted()).toEqual(kinds.toSorted());
});

for (const [index, [kind, { args, change, drift, told }]] of Object.entries(lives).entries()) {
  const user = users[index % users.length] as User;
  test(`${kind}, as ${user}`, async ({ start }) => {
    const host = await reached(start, user);
    const subject = new Subject(host, kind, "one");
    await subject.up(args);
    expect(await subject.refresh()).toEqual([]);
    const changed = { ...args, ...change };
    expect((await subject.up(changed)).properties).toEqual(Object.keys(change));
    expect(await subject.refresh()).toEqual([]);
    await host.sh(drift);
    expect(await subject.refresh()).toEqual(told);
    await subject.up(changed);
    expect(await subject.refresh()).toEqual([]);
    await subject.destroy();
  });
}

test.for([
  ["Netns", "root"],
  ["VethPair", "lab"],
  ["Bridge", "labpw"],
] as const)("%s, as %s: cut off, or failed, after any step", async ([kind, user], { start }) => {
  const host = await reached(start, user);
  const { args } = lives[kind] as Life;
  expect(await cutEverywhere(host, kind, "one", args)).toBeGreaterThanOrEqual(3);
  expect(await failEverywhere(host, kind, "one", args)).toBeGreaterThanOrEqual(3);
});
