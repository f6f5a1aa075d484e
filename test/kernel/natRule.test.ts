// NatRule in nftables, by packets.
import { describe, expect } from "vitest";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";
import { foreignRules, get, neighbourLab } from "./nft-lab.ts";

const world = "http://203.0.113.1:7000/";
const straight = "http://172.18.0.11/";
const out = { type: "masquerade", source: "172.18.0.0/16", outInterface: "uplink", backend: "nftables" };

describe("masquerade", () => {
  for (const policy of ["ACCEPT", "DROP"] as const)
    test(`lets containers out and no neighbour in, with FORWARD ${policy}`, async ({ machine }) => {
      await neighbourLab(machine, policy);
      // A policy that drops stops siblings too, on a bridge that is none of ours.
      const sibling = await get(machine, straight, "ct2", policy === "DROP" ? "nothing" : "answer");
      expect(await get(machine, world, "ct1", "nothing")).toBe("nothing");
      const nat = await make(machine, "NatRule", "out", out);
      expect(nat.outputs).toMatchObject({ backend: "nftables", outInterface: "up0" });
      expect(await get(machine, world, "ct1")).toBe("203.0.113.2");
      expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
      expect(await machine.world("ping -c 1 -W 1 172.18.0.11 || :")).toContain("100% packet loss");
      // Who was not forwarded before, and is not ours, is not now.
      expect(await machine.sh("ip netns exec ct3 ping -c 1 -W 1 203.0.113.1 || :")).toContain("100% packet loss");
      expect(await get(machine, straight, "ct2", policy === "DROP" ? "nothing" : "answer")).toBe(sibling);
      await nat.destroy();
      expect(await get(machine, world, "ct1", "nothing")).toBe("nothing");
    });

  test("without protect, a neighbour who knows the way comes in", async ({ machine }) => {
    await neighbourLab(machine);
    const nat = await make(machine, "NatRule", "out", { ...out, protect: false });
    expect(await get(machine, straight, "world")).toBe("203.0.113.1");
    await nat.up(out);
    expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
    await nat.destroy();
  });

  test("of two families, by anything but the bridge", async ({ machine }) => {
    await neighbourLab(machine);
    const both = { type: "masquerade", source: ["172.18.0.0/16", "fd00:18::/64"], notOutInterface: "br0" };
    const nat = await make(machine, "NatRule", "out", both);
    expect(await get(machine, world, "ct1")).toBe("203.0.113.2");
    expect(await get(machine, "http://[2001:db8:203::1]:7000/", "ct1")).toBe("2001:db8:203::2");
    expect(await get(machine, "http://[fd00:18::11]/", "world", "nothing")).toBe("nothing");
    await nat.up({ ...both, source: "172.18.0.0/16" });
    expect(await get(machine, "http://[2001:db8:203::1]:7000/", "ct1", "nothing")).toBe("nothing");
    await nat.destroy();
  });
});

test("snat gives the address that is asked for, and changes in place", async ({ machine }) => {
  await neighbourLab(machine);
  await machine.sh("ip addr add 203.0.113.7/24 dev up0");
  await machine.baseline();
  const snat = { ...out, type: "snat", toAddress: "203.0.113.7" };
  const nat = await make(machine, "NatRule", "out", snat);
  expect(await get(machine, world, "ct1")).toBe("203.0.113.7");
  expect((await nat.up({ ...snat, toAddress: "203.0.113.2" })).properties).toEqual(["toAddress"]);
  expect(await get(machine, world, "ct1")).toBe("203.0.113.2");
  await nat.destroy();
});

test("dnat leads one address and port to a container, for others and for the host itself", async ({ machine }) => {
  await neighbourLab(machine, "DROP");
  const to = { protocol: "tcp", destinationPorts: 5000, toAddress: "172.18.0.11", toPorts: 80 };
  const five = { type: "dnat", destination: "203.0.113.2", ...to };
  const dnat = await make(machine, "NatRule", "five", five);
  expect(await get(machine, "http://203.0.113.2:5000/", "world")).toBe("203.0.113.1");
  expect(await get(machine, "http://203.0.113.2:5000/")).not.toBe("nothing");
  expect(await get(machine, "http://172.18.0.1:5000/", "host", "nothing")).toBe("nothing");
  await dnat.up({ ...five, output: false });
  expect(await get(machine, "http://203.0.113.2:5000/", "host", "nothing")).toBe("nothing");
  expect(await get(machine, "http://203.0.113.2:5000/", "world")).toBe("203.0.113.1");
  await dnat.destroy();
  expect(await get(machine, "http://203.0.113.2:5000/", "world", "nothing")).toBe("nothing");
});

test("what goes through to another host's port of that number is not taken", async ({ machine }) => {
  await neighbourLab(machine);
  const nat = await make(machine, "NatRule", "out", out);
  const seven = { type: "dnat", protocol: "tcp", destinationPorts: 7000, toAddress: "172.18.0.11", toPorts: 80 };
  const dnat = await make(machine, "NatRule", "seven", seven);
  expect(await get(machine, "http://203.0.113.2:7000/", "world")).toBe("203.0.113.1");
  expect(await get(machine, world, "ct2")).toBe("203.0.113.2");
  await dnat.destroy();
  await nat.destroy();
});

test("drift is told and repaired, and rules of others stay byte for byte", async ({ machine }) => {
  await neighbourLab(machine);
  await machine.sh("nft add table ip admin; nft 'add chain ip admin in { type filter hook input priority 0; }'");
  await machine.sh("nft add rule ip admin in tcp dport 9 counter drop; iptables -A INPUT -p tcp --dport 10 -j DROP");
  await machine.baseline();
  const before = await foreignRules(machine);
  const nat = await make(machine, "NatRule", "out", out);
  const second = await make(machine, "NatRule", "second", { ...out, source: "172.19.0.0/16" });
  const ours = await machine.sh("nft -s list table inet linuxnet");

  await machine.sh("nft flush chain inet linuxnet user_post; echo 0 >/proc/sys/net/ipv4/ip_forward");
  for (const one of [nat, second]) {
    expect(await one.refresh()).toEqual(["drift"]);
    await one.up(one === nat ? out : { ...out, source: "172.19.0.0/16" });
    expect(await one.refresh()).toEqual([]);
  }
  expect(await get(machine, world, "ct1")).toBe("203.0.113.2");
  expect((await machine.sh("nft -s list table inet linuxnet")).split("\n").toSorted()).toEqual(
    ours.split("\n").toSorted(),
  );

  await machine.sh("nft delete table inet linuxnet");
  for (const one of [nat, second]) expect(await one.refresh()).toBe("gone");
  await nat.up(out);
  await second.up({ ...out, source: "172.19.0.0/16" });
  expect(await get(machine, world, "ct3")).toBe("203.0.113.2");
  for (const one of [nat, second]) await one.destroy();
  expect(await foreignRules(machine)).toBe(before);
});

test("in a namespace, for what is routed there", async ({ machine }) => {
  await neighbourLab(machine);
  await machine.sh(`ip netns add behind; ip link add far netns ct2 type veth peer name eth0 netns behind
    ip -n ct2 addr add 10.7.0.1/24 dev far; ip -n ct2 link set far up
    ip -n behind addr add 10.7.0.2/24 dev eth0; ip -n behind link set eth0 up; ip -n behind route add default via 10.7.0.1`);
  await machine.baseline();
  const nat = await make(machine, "NatRule", "in", { type: "masquerade", source: "10.7.0.0/24", netns: "ct2" });
  expect(await machine.sh(`ip netns exec behind curl -s -m 10 ${straight}`)).toBe("172.18.0.12");
  expect(await machine.sh("nft list tables")).not.toContain("linuxnet");
  await nat.destroy();
});
