import { describe, expect } from "vitest";
import type { Machine } from "../support/machine.ts";
import { make, Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";
import { get, makeLab } from "./iptables-lab.ts";

const world = "http://203.0.113.1:7000/";
const out = { type: "masquerade", source: "172.18.0.0/16", outInterface: "uplink", backend: "iptables" };
const web = { hostPort: 8080, targetAddress: "172.18.0.11", targetPort: 80, backend: "iptables" };

/** The lab on a machine that does not forward yet. */
async function quietLab(machine: Machine, backend: "nft" | "legacy", prepare = ":"): Promise<void> {
  await makeLab(machine, backend);
  await machine.sh("echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding");
  await machine.sh(prepare);
  await machine.baseline();
}

describe.each(["nft", "legacy"] as const)("the resources on iptables-%s", (backend) => {
  test("NatRule, PortPublish and ForwardRule, drift and teardown", async ({ machine }) => {
    await quietLab(machine, backend, "iptables -P FORWARD DROP");
    const nat = await make(machine, "NatRule", "out", out);
    const publish = await make(machine, "PortPublish", "web", web);
    expect(nat.outputs).toMatchObject({ backend: "iptables", outInterface: "up0" });
    expect(await get(machine, world, "ct1")).toBe("203.0.113.2");
    expect(await get(machine, "http://203.0.113.2:8080/", "world")).toBe("203.0.113.1");
    expect(await get(machine, "http://127.0.0.1:8080/")).toBe("172.18.0.1");
    for (const from of ["ct1", "ct2"] as const)
      expect(await get(machine, "http://203.0.113.2:8080/", from)).toBe("172.18.0.1");
    const rule = await make(machine, "ForwardRule", "deny", {
      action: "drop",
      source: "203.0.113.1",
      backend: "iptables",
    });
    expect(await get(machine, "http://203.0.113.2:8080/", "world", "nothing")).toBe("nothing");
    for (const subject of [nat, publish, rule]) expect(await subject.refresh()).toEqual([]);

    await machine.sh("iptables -t nat -F LINUXNET-PRE; echo 0 >/proc/sys/net/ipv4/conf/br0/route_localnet");
    expect(await publish.refresh()).toEqual(["drift"]);
    await publish.up(web);
    expect(await publish.refresh()).toEqual([]);
    await rule.destroy();
    expect(await get(machine, "http://203.0.113.2:8080/", "world")).toBe("203.0.113.1");
    await publish.up({ ...web, localhost: false, hostPort: 8081 });
    expect(await get(machine, "http://127.0.0.1:8081/", "host", "nothing")).toBe("nothing");
    expect(await get(machine, "http://203.0.113.2:8081/", "world")).toBe("203.0.113.1");
    expect(await machine.sh("cat /proc/sys/net/ipv4/conf/br0/route_localnet")).toBe("0");
    await publish.destroy();
    await nat.destroy();
  });

  test("what was not forwarded before is not forwarded", async ({ machine }) => {
    await quietLab(
      machine,
      backend,
      `ip netns add lan; nsenter --net=/run/netns/lan sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
      ip link add lan0 type veth peer name eth0 netns lan; ip addr add 10.5.0.1/24 dev lan0; ip link set lan0 up
      ip -n lan addr add 10.5.0.2/24 dev eth0; ip -n lan link set eth0 up; ip -n lan route add default via 10.5.0.1`,
    );
    await machine.world("ip route add 10.5.0.0/24 via 203.0.113.2");
    const nat = await make(machine, "NatRule", "out", out);
    expect(await get(machine, world, "ct1")).toBe("203.0.113.2");
    expect(await machine.sh("ip netns exec lan ping -c 1 -W 1 203.0.113.1 || :")).toContain("100% packet loss");
    await nat.destroy();
  });
});

test("a port that another has published, and ::1, are refused", async ({ machine }) => {
  await quietLab(machine, "nft");
  const first = await make(machine, "PortPublish", "first", web);
  await expect(make(machine, "PortPublish", "second", { ...web, targetPort: 81 })).rejects.toThrow(
    "is published already by linuxnet:test/dev/PortPublish/first",
  );
  const six = { ...web, targetAddress: "fd00:18::11", hostPort: 8088 };
  await expect(make(machine, "PortPublish", "six", six)).rejects.toThrow("cannot publish a port on ::1");
  await first.destroy();
});

test("from one backend to the other, and without nft", async ({ machine }) => {
  await quietLab(machine, "nft");
  const publish = await make(machine, "PortPublish", "web", web);
  await publish.up({ ...web, backend: "nftables" });
  expect(await machine.sh("iptables-save; ip6tables-save")).not.toContain("LINUXNET");
  expect(await get(machine, "http://127.0.0.1:8080/")).not.toBe("nothing");
  await publish.up(web);
  expect(await machine.sh("nft list tables")).not.toContain("linuxnet");
  expect(await get(machine, "http://127.0.0.1:8080/")).toBe("172.18.0.1");
  await publish.destroy();
  await machine.sh("mount --bind /dev/null /usr/sbin/nft");
  const auto = new Subject(machine, "PortPublish", "auto");
  await auto.up({ ...web, backend: "auto" });
  expect(auto.outputs.backend).toBe("iptables");
  auto.forget();
  await auto.up({ ...web, backend: "auto" });
  await auto.destroy();
  await machine.sh("umount /usr/sbin/nft");
});

test("a bridge, which stands in nftables, lets the guard of translations in iptables be", async ({ machine }) => {
  const bridge = await make(machine, "Bridge", "lab", { name: "lab0", addresses: ["10.9.0.1/24"] });
  const nat = await make(machine, "NatRule", "out", { ...out, source: "10.9.0.0/24" });
  expect(await machine.sh("iptables-save")).toContain("-j LINUXNET-GUARD");
  expect(await bridge.refresh()).toEqual([]);
  expect(await nat.refresh()).toEqual([]);
  // One that passes more than what a bridge's ports say to each other is let through in front of the guard.
  const other = { type: "masquerade", source: "10.8.0.0/24", backend: "nftables" };
  const byNft = await make(machine, "NatRule", "other", other);
  expect(await machine.sh("iptables-save | grep -c 0x10000000")).toBe("1");
  for (const subject of [bridge, nat, byNft]) expect(await subject.refresh()).toEqual([]);
  await byNft.destroy();
  await nat.destroy();
  await bridge.destroy();
});

test("nftables beside a FORWARD that drops: one rule, gone with the last owner", async ({ machine }) => {
  await quietLab(machine, "nft", "iptables -P FORWARD DROP; iptables-legacy -P FORWARD DROP");
  const nft = { backend: "nftables" };
  const nat = await make(machine, "NatRule", "out", { ...out, ...nft });
  const publish = await make(machine, "PortPublish", "web", { ...web, ...nft });
  expect(await machine.sh("iptables-save | grep -c 0x10000000; iptables-legacy-save | grep -c 0x10000000")).toBe(
    "1\n1",
  );
  expect(await get(machine, world, "ct1")).toBe("203.0.113.2");
  expect(await get(machine, "http://203.0.113.2:8080/", "world")).toBe("203.0.113.1");
  await machine.sh("iptables -D FORWARD 1");
  expect(await nat.refresh()).toEqual(["drift"]);
  await nat.up({ ...out, ...nft });
  await nat.destroy();
  expect(await get(machine, "http://203.0.113.2:8080/", "world")).toBe("203.0.113.1");
  await publish.destroy();
});
