// What was taken over with `adopt` and is let go is what it was before: only what we added goes.
import { expect } from "vitest";
import type { Machine } from "../support/machine.ts";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";

/** A bridge of the host's, by whose first address the host may be reached; nothing of it is as we would make it. */
const office = `ip link add lab0 address 02:00:00:00:00:05 mtu 1400 type bridge stp_state 1
  ip addr add 10.7.0.1/24 dev lab0; ip link set lab0 addrgenmode none; ip link set lab0 up
  echo 1 | tee /proc/sys/net/ipv4/conf/lab0/accept_redirects /proc/sys/net/ipv6/conf/lab0/accept_ra >/dev/null`;

const args = { name: "lab0", addresses: ["10.7.0.1/24", "172.18.0.1/16"], adopt: true };

async function addresses(machine: Machine): Promise<string[]> {
  const text = await machine.sh("ip -4 -o addr show dev lab0");
  return text.split("\n").flatMap((line) => /inet (\S+)/.exec(line)?.[1] ?? []);
}

test("a bridge: its address that is declared too, its MTU, its spanning tree and its settings", async ({ machine }) => {
  await machine.sh(office);
  await machine.baseline();
  const lab0 = await make(machine, "Bridge", "lab0", args);
  expect(await addresses(machine)).toEqual(args.addresses);
  expect(await machine.sh("cat /sys/class/net/lab0/mtu /proc/sys/net/ipv6/conf/lab0/accept_ra")).toBe("1500\n0");
  expect(await lab0.refresh()).toEqual([]);
  await lab0.destroy();
  expect(await addresses(machine)).toEqual(["10.7.0.1/24"]);
});

test("a bridge after updates: what stood before us stays, what we added goes", async ({ machine }) => {
  await machine.sh(office);
  await machine.baseline();
  const lab0 = await make(machine, "Bridge", "lab0", args);
  await lab0.up({ ...args, addresses: ["10.9.0.1/24"], mtu: 1300, macAddress: "02:00:00:00:00:77" });
  expect((await addresses(machine)).toSorted()).toEqual(["10.7.0.1/24", "10.9.0.1/24"]);
  expect(await lab0.refresh()).toEqual([]);
  await lab0.up({ ...args, adopt: false, addresses: ["10.7.0.1/24"], stp: true });
  expect(await addresses(machine)).toEqual(["10.7.0.1/24"]);
  await lab0.destroy();
});

test("a bridge that was down, by a program that has lost its state", async ({ machine }) => {
  await machine.sh(`ip link add lab0 address 02:00:00:00:00:05 type bridge; ip link set lab0 addrgenmode none; ip link set lab0 up
    ip link set lab0 down alias "rack 7"`);
  await machine.baseline();
  const lab0 = await make(machine, "Bridge", "lab0", args);
  lab0.forget();
  await lab0.up(args);
  await lab0.destroy();
});

test("a bridge of which it is not known what it was keeps its addresses", async ({ machine }) => {
  await machine.sh(office);
  await machine.baseline();
  const lab0 = await make(machine, "Bridge", "lab0", args);
  await machine.sh("rm -r /run/linuxnet/adopted");
  await lab0.destroy();
  expect(await addresses(machine)).toEqual(args.addresses);
  await machine.baseline();
});

test("a bridge that is gone leaves no note", async ({ machine }) => {
  await machine.sh("ip netns add blue; ip -n blue link add lab0 type bridge");
  const inside = { ...args, netns: "blue" };
  const lab0 = await make(machine, "Bridge", "lab0", inside);
  await machine.sh("ip -n blue link del lab0");
  await lab0.destroy();
  expect(await machine.sh("ls /run/linuxnet 2>&1 || :")).toContain("No such file");
  await machine.sh("ip netns del blue; umount /run/netns; rmdir /run/netns");
});

test("a cable and a tunnel that are gone, or were made anew, leave no note", async ({ machine }) => {
  await machine.sh("ip netns add ct1");
  await machine.baseline();
  const cable = { name: "v0", peer: { name: "eth0", netns: "ct1" }, adopt: true };
  const tunnel = { name: "vx0", vni: 42, local: "203.0.113.2", remotes: [], adopt: true };
  for (const anew of [false, true]) {
    await machine.sh(`ip link add v0 type veth peer name eth0 netns ct1
      ip link add vx0 type vxlan id 42 dstport 4789 local 203.0.113.2`);
    const pair = await make(machine, "VethPair", "one", cable);
    const vxlan = await make(machine, "Vxlan", "one", tunnel);
    await machine.sh("ip link del v0; ip link del vx0");
    if (anew) for (const one of [pair, vxlan]) expect(await one.refresh()).toBe("gone");
    if (anew) await pair.up(cable);
    if (anew) await vxlan.up(tunnel);
    for (const one of [pair, vxlan]) await one.destroy();
    expect(await machine.sh("ls /run/linuxnet 2>&1 || :")).toContain("No such file");
  }
});

test("a namespace: its lo, its mark and its settings, those too that were declared later", async ({ machine }) => {
  const settings = ["ipv4/ip_forward", "ipv4/ip_unprivileged_port_start", "ipv4/conf/all/rp_filter"];
  const read = `nsenter --net=/run/netns/blue sh -c 'cd /proc/sys/net; cat ${settings.join(" ")}'`;
  await machine.sh("ip netns add blue; ip -n blue link set lo alias 'rack 7' up; ip -n blue link set lo down");
  const before = await machine.sh(read);
  await machine.baseline();
  const blue = await make(machine, "Netns", "blue", {
    name: "blue",
    adopt: true,
    sysctls: { "net.ipv4.ip_forward": "1" },
  });
  const sysctls = { "net.ipv4.ip_unprivileged_port_start": "80", "net.ipv4.conf.all.rp_filter": "2" };
  await blue.up({ name: "blue", adopt: true, sysctls });
  expect(await machine.sh(read)).toBe("1\n80\n2");
  expect(await blue.refresh()).toEqual([]);
  await blue.destroy();
  expect(await machine.sh(read)).toBe(before);
});

test("a name of a process's namespace stays, and one of another namespace is refused", async ({ machine }) => {
  const pid = await machine.spawn(["unshare", "--net", "sleep", "1000"]);
  const other = `[ "$(readlink /proc/${pid}/ns/net)" != "$(readlink /proc/self/ns/net)" ]`;
  await machine.sh(`until ${other}; do sleep 0.01; done; ip netns attach box ${pid}
    ip -n box link set lo up; ip -n box link set lo down; ip netns add blue`);
  await machine.baseline();
  await expect(make(machine, "Netns", "blue", { name: "blue", pid, adopt: true })).rejects.toThrow(
    /not that of process/,
  );
  const box = await make(machine, "Netns", "box", { name: "box", pid, adopt: true });
  expect(await box.refresh()).toEqual([]);
  await box.destroy();
});

test("a cable: its addresses and routes, its bridge and all that we have set", async ({ machine }) => {
  await machine.sh(`ip netns add ct1; ip link add br0 address 02:00:00:00:00:0a type bridge; ip link add br1 address 02:00:00:00:00:0b type bridge
    ip link add v0 address 02:00:00:00:00:31 mtu 1400 type veth peer name eth0 address 02:00:00:00:00:32 mtu 1400 netns ct1
    ip link set v0 addrgenmode none; ip link set v0 master br0 up; ip -n ct1 link set eth0 addrgenmode none; ip -n ct1 link set eth0 up
    ip -n ct1 addr add 10.7.0.2/24 dev eth0; ip -n ct1 addr add 10.8.0.2/24 dev eth0
    ip -n ct1 route add default via 10.7.0.1; ip -n ct1 route add 10.99.0.0/16 via 10.8.0.1`);
  await machine.baseline();
  const peer = { name: "eth0", netns: "ct1", addresses: ["10.7.0.2/24", "10.9.0.2/24"], gateway: "10.9.0.1" };
  const args = { name: "v0", bridge: "br1", hairpin: true, peer, adopt: true };
  const pair = await make(machine, "VethPair", "one", args);
  expect(await machine.sh("ip -n ct1 -o addr show dev eth0")).toContain("10.8.0.2/24");
  expect(await pair.refresh()).toEqual([]);
  await pair.up({
    ...args,
    peer: { ...peer, addresses: ["10.9.0.3/24"], routes: [{ to: "10.98.0.0/16", via: "10.9.0.1" }] },
  });
  expect(await machine.sh("ip -n ct1 -o addr show dev eth0")).toContain("10.7.0.2/24");
  expect(await pair.refresh()).toEqual([]);
  await pair.destroy();
});

test("a cable that ends in the host without a bridge: its settings", async ({ machine }) => {
  await machine.sh(`ip netns add ct1; ip link add v0 type veth peer name eth0 netns ct1
    ip link set v0 addrgenmode none; ip link set v0 up; ip -n ct1 link set eth0 addrgenmode none; ip -n ct1 link set eth0 up`);
  await machine.baseline();
  const pair = await make(machine, "VethPair", "one", {
    name: "v0",
    peer: { name: "eth0", netns: "ct1" },
    adopt: true,
  });
  expect(await machine.sh("cat /proc/sys/net/ipv6/conf/v0/accept_ra")).toBe("0");
  await pair.destroy();
});

test("a tunnel: its remotes, its bridge and its settings", async ({ machine }) => {
  await machine.sh(`ip link add br0 address 02:00:00:00:00:0a type bridge
    ip link add vx0 address 02:00:00:00:00:41 mtu 1400 type vxlan id 42 dstport 4789 local 203.0.113.2
    bridge fdb append 00:00:00:00:00:00 dev vx0 dst 203.0.113.7; ip link set vx0 addrgenmode none; ip link set vx0 up`);
  await machine.baseline();
  const args = { name: "vx0", vni: 42, local: "203.0.113.2", remotes: ["203.0.113.1"], adopt: true };
  const tunnel = await make(machine, "Vxlan", "one", args);
  expect(await machine.sh("cat /proc/sys/net/ipv6/conf/vx0/accept_ra")).toBe("0");
  await tunnel.up({ ...args, bridge: "br0" });
  expect(await tunnel.refresh()).toEqual([]);
  await tunnel.destroy();
});
