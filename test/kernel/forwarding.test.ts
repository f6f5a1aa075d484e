// What IP forwarding leaves behind: nothing, also where it could not be turned on, or its namespace is gone.
import { expect } from "vitest";
import { make, Subject } from "../support/subject.ts";
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
  const closed = await machine.sh("ip netns exec lab nft list set inet linuxnet closed");
  expect(closed).toContain('"in0"');
  expect(closed).not.toContain('"up0"');
  await machine.sh("ip netns del lab; umount /run/netns; rmdir /run/netns");
  await rule.destroy();
});
