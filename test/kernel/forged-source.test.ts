// A neighbour that forges a source of ours, on a host that did not forward before.
import { expect } from "vitest";
import { worldAddress } from "../support/machine.ts";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";

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
