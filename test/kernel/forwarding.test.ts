// What IP forwarding leaves behind: nothing, also where it could not be turned on, or its namespace is gone.
import { expect } from "vitest";
import { crud } from "../../provider/lifecycle/crud.ts";
import { failChange } from "../support/faults.ts";
import { definitionOf, make, Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

const masquerade = { type: "masquerade", source: ["10.9.0.0/24", "fd00:9::/64"] };

test("a link that forwarded by a switch of its own does so afterwards", async ({ machine }) => {
  const files = ["ipv4", "ipv6"].map((family) => `/proc/sys/net/${family}/conf/up0/forwarding`);
  await machine.sh(`for file in ${files.join(" ")}; do echo 1 >$file; done`);
  await machine.baseline();
  const rule = await make(machine, "NatRule", "out", masquerade);
  await rule.destroy();
  expect(await machine.sh(`cat ${files.join(" ")} /proc/sys/net/ipv4/ip_forward`)).toBe("1\n1\n0");
  await machine.sh(`for file in ${files.join(" ")}; do echo 0 >$file; done`);
  await machine.baseline();
});

test("what could not be turned on leaves no note", async ({ machine }) => {
  const file = "/proc/sys/net/ipv4/ip_forward";
  await machine.sh(`echo 0 >/run/zero; mount --bind /run/zero ${file}; mount -o remount,ro,bind ${file}`);
  const rule = new Subject(machine, "NatRule", "out");
  await expect(rule.up(masquerade)).rejects.toThrow("cannot turn IP forwarding on");
  expect(await machine.sh("ls /run/linuxnet 2>&1 || :")).toContain("No such file");
  await machine.sh(`umount ${file}; rm /run/zero`);
});

test("in a namespace its own links are kept apart, and its notes go with it", async ({ machine }) => {
  await machine.sh("ip netns add lab; ip -n lab link add in0 type veth peer name out0");
  const rule = await make(machine, "NatRule", "out", { ...masquerade, netns: "lab" });
  const closed = await machine.sh("ip netns exec lab nft list chain inet linuxnet guard");
  expect(closed).toContain('"in0"');
  expect(closed).not.toContain('"up0"');
  await machine.sh("ip netns del lab; umount /run/netns; rmdir /run/netns");
  await rule.destroy();
});

/** A bridge of others with two containers, which stood there before, and one that nothing is forwarded for. */
const office = `echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || :
  ip link add office address 02:00:00:00:00:0c type bridge; ip link set office addrgenmode none; ip addr add 10.5.0.1/24 dev office; ip link set office up
  for i in 2 3; do
    ip netns add pc$i; ip link add pc$i type veth peer name eth0 netns pc$i
    ip link set pc$i addrgenmode none; ip -n pc$i link set eth0 addrgenmode none; ip -n pc$i link set eth0 up; ip link set pc$i master office up
    ip -n pc$i addr add 10.5.0.$i/24 dev eth0; ip -n pc$i route add default via 10.5.0.1
  done`;

for (const backend of ["nftables", "iptables"]) {
  test(`a bridge of others stays closed, and its ports talk: ${backend}`, async ({ machine }) => {
    await machine.sh(office);
    await machine.world("ip route add 10.5.0.0/24 via 203.0.113.2");
    await machine.baseline();
    const ours = await make(machine, "Bridge", "br9", { name: "br9", addresses: ["10.9.0.1/24"] });
    const rule = await make(machine, "NatRule", "out", { ...masquerade, source: "10.9.0.0/24", backend });
    expect(await machine.sh("ip netns exec pc2 ping -c 1 -W 1 203.0.113.1 || :")).toContain("100% packet loss");
    await machine.sh("ip netns exec pc2 ping -c 1 -W 5 10.5.0.3");
    expect(await rule.refresh()).toEqual([]);
    const outside = await machine.exec("nsenter --net=/media/world ping -c 1 -W 1 10.5.0.2");
    expect(outside.stdout).toContain("100% packet loss");
    // A bridge that comes later is the business of whoever makes it.
    await machine.sh("ip link set pc3 nomaster; ip link add late type bridge; ip addr flush dev office");
    await machine.sh(
      "ip addr add 10.5.0.1/24 dev late; ip link set late addrgenmode none; ip link set late up; ip link set pc3 master late",
    );
    await machine.sh("ip netns exec pc3 ping -c 1 -W 5 203.0.113.1");
    await machine.sh("ip link set pc3 master office; ip link del late; ip addr add 10.5.0.1/24 dev office");
    await rule.destroy();
    await ours.destroy();
  });
}

test("a bridge alone neither turns forwarding on nor keeps it on", async ({ machine }) => {
  const read = "cat /proc/sys/net/ipv4/ip_forward; nft list chain inet linuxnet guard | grep -c comment || :";
  const bridge = await make(machine, "Bridge", "br9", { name: "br9", addresses: ["10.9.0.1/24"] });
  expect(await machine.sh(read)).toBe("0\n0");
  for (const backend of ["nftables", "iptables"]) {
    const rule = await make(machine, "NatRule", "out", { ...masquerade, backend });
    expect(await machine.sh("cat /proc/sys/net/ipv4/ip_forward")).toBe("1");
    await rule.destroy();
    expect(await machine.sh(read)).toBe("0\n0");
    expect(await machine.sh("iptables-save | grep -c LINUXNET || :")).toBe("0");
    expect(await bridge.refresh()).toEqual([]);
  }
  await bridge.destroy();
});

test("a bridge that an older version noted as in need of forwarding is noted anew", async ({ machine }) => {
  const bridge = await make(machine, "Bridge", "br9", { name: "br9" });
  await machine.sh("sed -i 's/ accept$//' /run/linuxnet/forward/*");
  const rule = await make(machine, "NatRule", "out", masquerade);
  await rule.destroy();
  expect(await machine.sh("cat /proc/sys/net/ipv4/ip_forward")).toBe("1");
  expect(await bridge.refresh()).toEqual(["drift"]);
  await bridge.up({ name: "br9" });
  expect(await machine.sh("cat /proc/sys/net/ipv4/ip_forward")).toBe("0");
  await bridge.destroy();
});

test("a link with addresses by router advertisements keeps them, without a default route by them", async ({
  machine,
}) => {
  await machine.sh("ip addr add 2001:db8:5::5/64 dev up0 valid_lft 600 preferred_lft 600 nodad noprefixroute");
  const read = "cat /proc/sys/net/ipv6/conf/up0/accept_ra";
  const rule = await make(machine, "NatRule", "out", masquerade);
  expect(await machine.sh(read)).toBe("2");
  await rule.destroy();
  expect(await machine.sh(read)).toBe("1");
  await machine.sh("ip addr del 2001:db8:5::5/64 dev up0");
});

for (const [kind, args] of [
  ["NatRule", masquerade],
  ["Bridge", { name: "br9", addresses: ["10.9.0.1/24"] }],
] as const)
  test(`a ${kind} that was renamed in the program needs it under its new name alone`, async ({ machine }) => {
    await machine.sh("iptables -P FORWARD DROP");
    await machine.baseline();
    const other = await make(machine, "NatRule", "other", { ...masquerade, source: "10.8.0.0/24" });
    const { update, delete: remove } = crud(definitionOf(kind), () => machine.host);
    const before = await make(machine, kind, "before", args);
    const owner = `${before.outputs.owner}`.replace("/before@", "/after@");
    const { outs } = await update(before.outputs, { ...before.outputs, owner });
    expect(await machine.sh("cat /run/linuxnet/forward/*")).not.toContain("/before@");
    await other.destroy();
    expect(await machine.sh("cat /proc/sys/net/ipv4/ip_forward")).toBe(kind === "Bridge" ? "0" : "1");
    await remove(outs);
  });

test("one that could not be renamed in the program needs it under its former name still", async ({ machine }) => {
  const rule = await make(machine, "NatRule", "before", masquerade);
  const owner = rule.sealed.replace("/before@", "/after@");
  const read = "cat /run/linuxnet/forward/* /proc/sys/net/ipv4/ip_forward; nft list chain inet linuxnet guard";
  const before = await machine.sh(read);
  expect(await failChange(machine, "NatRule", rule, masquerade, owner)).toBeGreaterThan(0);
  expect(await machine.sh(read)).toBe(before);
  expect(await rule.refresh()).toEqual([]);
  await rule.destroy();
});
