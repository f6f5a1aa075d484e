// A neighbour that forges a source of ours, on a host that did not forward before.
import { expect } from "vitest";
import { worldAddress } from "../support/machine.ts";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";
import { countRepelled } from "./attacks-lab.ts";

countRepelled();

const near = `ip netns add near
ip link add lan0 type veth peer name eth0 netns near
ip link set lan0 addrgenmode none; ip -n near link set eth0 addrgenmode none
ip addr add 192.168.7.1/24 dev lan0; ip link set lan0 up
ip -n near addr add 192.168.7.2/24 dev eth0; ip -n near addr add 10.9.0.9/32 dev eth0; ip -n near link set eth0 up
ip -n near route add default via 192.168.7.1
ip netns add ct`;

const counting = `nft 'add table inet seen; add chain inet seen in { type filter hook input priority 0; };
add rule inet seen in icmp type echo-request counter'`;

for (const backend of ["nftables", "iptables"]) {
  test(`is not let through, and a container is: ${backend}`, async ({ machine }) => {
    await machine.sh(near);
    await machine.world(counting);
    await machine.baseline();
    const bridge = await make(machine, "Bridge", "br9", { name: "br9", addresses: ["10.9.0.1/24"] });
    const peer = { name: "eth0", netns: "ct", addresses: ["10.9.0.2/24"], gateway: "10.9.0.1" };
    const cable = await make(machine, "VethPair", "ct", { name: "ct0", bridge: "br9", peer });
    const args = { type: "masquerade", source: "10.9.0.0/24", notOutInterface: "br9", backend };
    const rule = await make(machine, "NatRule", "out", args);
    await machine.sh(`ip netns exec near ping -c 2 -i 0.1 -W 1 -I 10.9.0.9 ${worldAddress} || :`);
    expect(await machine.world("nft list ruleset")).toContain("counter packets 0 ");
    await machine.sh(`ip netns exec ct ping -c 1 -W 2 ${worldAddress}`);
    expect(await machine.world("nft list ruleset")).toContain("counter packets 1 ");
    for (const one of [rule, cable, bridge]) await one.destroy();
  });
}

test("is not let through, nor to the host, where nft does not work", async ({ machine }) => {
  await machine.sh("ip netns add ct");
  await machine.sh(
    "for t in iptables ip6tables; do for e in '' -save -restore; do ln -sf /usr/sbin/$t-legacy$e /etc/alternatives/$t$e; done; done",
  );
  await machine.sh("for t in filter nat raw; do iptables-legacy -t $t -S; ip6tables-legacy -t $t -S; done >/dev/null");
  await machine.world(
    `${counting}; ip route add 10.9.0.0/16 via 203.0.113.2; ip route add fd00:9::/32 via 2001:db8:203::2`,
  );
  await machine.baseline();
  await machine.sh("mount --bind /dev/null $(command -v nft)");
  const addresses = ["10.9.0.1/24", "10.9.1.1/24", "fd00:9::1/64"];
  const bridge = await make(machine, "Bridge", "br9", { name: "br9", addresses });
  const inside = ["10.9.1.2/24", "10.9.7.2/32", "fd00:9::2/64", "fd00:9:7::2/128"];
  const gateway = ["10.9.1.1", "fd00:9::1"];
  const peer = { name: "eth0", netns: "ct", addresses: inside, gateway };
  const cable = await make(machine, "VethPair", "ct", { name: "ct0", bridge: "br9", peer });
  const args = { type: "masquerade", source: ["10.9.0.0/16", "fd00:9::/32"], protect: false };
  const rule = await make(machine, "NatRule", "out", args);
  await machine.sh("ip route add 10.9.7.2 dev br9; ip route add fd00:9:7::2 dev br9");
  const ping = async (from: string, to: string) =>
    (await machine.exec(`ip netns exec ct ping -c 1 -W 1 -I ${from} ${to}`)).code === 0;
  for (const [right, from, own, outside] of [
    ["10.9.1.2", "10.9.7.2", "10.9.1.1", worldAddress],
    ["fd00:9::2", "fd00:9:7::2", "fd00:9::1", "2001:db8:203::1"],
  ] as const) {
    expect(await ping(right, outside)).toBe(true);
    expect(await ping(from, outside)).toBe(false);
    expect(await ping(from, own)).toBe(false);
  }
  expect(await bridge.refresh()).toEqual([]);
  await machine.sh("ip route del 10.9.7.2; ip route del fd00:9:7::2");
  for (const one of [rule, cable, bridge]) await one.destroy();
  await machine.sh("umount $(command -v nft)");
});

/** A container on a cable of its own to the host, with a source of a neighbour's, and one that advertises itself. */
const forging = "ip -n ct addr add 203.0.113.77/32 dev eth0; ip -n ct addr add 2001:db8:203::77/128 dev eth0 nodad";

test("is not let in by a cable without a bridge, which steers no route either", async ({ machine }) => {
  await machine.sh("ip netns add ct");
  await machine.baseline();
  const peer = {
    name: "eth0",
    netns: "ct",
    addresses: ["10.9.0.2/24", "fd00:9::2/64"],
    gateway: ["10.9.0.1", "fd00:9::1"],
  };
  const args = { name: "ct0", addresses: ["10.9.0.1/24", "fd00:9::1/64"], peer };
  const cable = await make(machine, "VethPair", "ct", args);
  await machine.sh(forging);
  const ping = async (from: string, to: string) =>
    (await machine.exec(`ip netns exec ct ping -c 1 -W 1 -I ${from} ${to}`)).code === 0;
  const counted =
    "nft 'add table inet seen; add chain inet seen in { type filter hook input priority 10; }; add rule inet seen in iif ct0 counter'";
  await machine.sh(counted);
  await ping("203.0.113.77", "10.9.0.1");
  expect(await machine.sh("nft list table inet seen")).toContain("counter packets 0 ");
  expect(await ping("10.9.0.2", "10.9.0.1")).toBe(true);
  expect(await ping("fd00:9::2", "fd00:9::1")).toBe(true);
  await machine.sh("nft delete table inet seen");
  const read = "cd /proc/sys/net; cat ipv4/conf/ct0/{accept,send}_redirects ipv6/conf/ct0/accept_{ra,redirects}";
  expect(await machine.sh(read)).toBe("0\n0\n0\n0");
  expect(await machine.sh("ip netns exec ct cat /proc/sys/net/ipv6/conf/eth0/accept_ra")).toBe("1");
  await machine.sh("echo 1 >/proc/sys/net/ipv6/conf/ct0/accept_ra; nft flush set inet linuxnet nets");
  expect(await cable.refresh()).toEqual(["drift", "peer"]);
  await cable.up(args);
  expect(await machine.sh(`${read}; nft list set inet linuxnet nets`)).toContain('"ct0"');
  const bridge = await make(machine, "Bridge", "br9", { name: "br9" });
  await cable.up({ ...args, addresses: [], bridge: "br9" });
  expect(await machine.sh("nft list set inet linuxnet nets")).not.toContain('"ct0"');
  await cable.up(args);
  for (const one of [bridge, cable]) await one.destroy();
});
