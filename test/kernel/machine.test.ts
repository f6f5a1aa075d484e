// The tests' own ground: a machine is private, and what is left in it is noticed.
import { execa } from "execa";
import { describe, expect } from "vitest";
import { worldAddress } from "../support/machine.ts";
import { test } from "../support/test.ts";

describe("a machine", () => {
  test("has an uplink to a world that has no route back into a lab", async ({ machine }) => {
    await machine.sh(`ping -c 1 -W 2 ${worldAddress}`);
    expect(await machine.world("ip route")).not.toContain("via");
    expect(await machine.sh("cat /proc/sys/net/ipv4/ip_forward")).toBe("0");
  });

  test("is not seen on the real machine", async ({ machine }) => {
    await machine.sh("ip link add seen0 type bridge; ip netns add seen0; echo x >/etc/seen0; echo x >/run/seen0");
    const { stdout } = await execa("sh", ["-c", "ip link; ip netns; ls /etc /run"]);
    expect(stdout).not.toContain("seen0");
    await machine.sh("ip link del seen0; ip netns del seen0; umount /run/netns; rmdir /run/netns");
  });

  test("reaps what its processes leave", async ({ machine }) => {
    await machine.sh("(sleep 0.1 & exec true) & sleep 0.3");
  });
});

describe("a leak is noticed:", () => {
  const leaks: Record<string, [leak: string, repair: string]> = {
    "a link": ["ip link add left0 type bridge", "ip link del left0"],
    "a link's setting": ["ip link set up0 alias other", "ip link set up0 alias ''"],
    "an address": ["ip addr add 10.9.9.9/32 dev lo", "ip addr del 10.9.9.9/32 dev lo"],
    "a route of another table": ["ip route add 10.9.9.0/24 dev up0 table 77", "ip route flush table 77"],
    "a routing rule": ["ip -6 rule add pref 99 table 77", "ip -6 rule del pref 99"],
    "a namespace": ["ip netns add left0", "ip netns del left0; umount /run/netns; rmdir /run/netns"],
    "the mount of namespaces": [
      "ip netns add left0; ip netns del left0",
      "until umount /run/netns; do :; done; rmdir /run/netns",
    ],
    "an nftables table": ["nft add table inet left0", "nft delete table inet left0"],
    "an iptables rule": ["iptables -A FORWARD -j ACCEPT", "iptables -D FORWARD -j ACCEPT; nft delete table ip filter"],
    "an empty iptables table": ["iptables -S >/dev/null; iptables -N X; iptables -X X", "nft delete table ip filter"],
    "a setting": ["echo 1 >/proc/sys/net/ipv4/conf/up0/rp_filter", "echo 0 >/proc/sys/net/ipv4/conf/up0/rp_filter"],
    "a file": [
      "mkdir -p /etc/netns/left0; echo x >/etc/netns/left0/resolv.conf",
      "rm -r /etc/netns/left0; rmdir /etc/netns 2>/dev/null || :",
    ],
    "an empty folder": ["mkdir -p /run/linuxnet/claims", "rm -r /run/linuxnet"],
    "the host's resolv.conf": [
      "cp -p /etc/resolv.conf /run/was; echo x >>/etc/resolv.conf",
      "cat /run/was >/etc/resolv.conf",
    ],
    "a mount": ["mount -t tmpfs tmpfs /run/lock", "umount /run/lock"],
  };
  for (const [what, [leak, repair]] of Object.entries(leaks)) {
    test(what, async ({ machine }) => {
      await machine.sh(leak);
      await expect(machine.expectClean(1)).rejects.toThrow("the machine is not as it was");
      await machine.sh(repair);
    });
  }

  test("a process", async ({ machine }) => {
    const pid = await machine.spawn(["sleep", "100"]);
    await expect(machine.expectClean(1)).rejects.toThrow("sleep 100");
    await machine.sh(`kill ${pid}`);
  });

  test("an iptables rule where nft does not work", async ({ machine }) => {
    await machine.sh("mount --bind /dev/null /usr/sbin/nft");
    await machine.baseline();
    await machine.sh("iptables -A FORWARD -j ACCEPT");
    await expect(machine.expectClean(1)).rejects.toThrow("iptables-nft: -A FORWARD -j ACCEPT");
    await machine.sh("umount /usr/sbin/nft; nft delete table ip filter");
    await machine.baseline();
  });

  test("in a namespace that was there before", async ({ machine }) => {
    await machine.sh("ip netns add before0");
    await machine.baseline();
    await machine.sh("ip -n before0 addr add 10.9.9.9/32 dev lo");
    await expect(machine.expectClean(1)).rejects.toThrow("links before0");
    await machine.sh("ip -n before0 addr del 10.9.9.9/32 dev lo");
  });
});

test("an address that was still being looked for on the link at the baseline makes no difference", async ({
  machine,
}) => {
  const tentative = "ip -o -6 addr show dev br0 scope link tentative";
  await machine.sh(
    "ip link add br0 type bridge; echo 5 >/proc/sys/net/ipv6/conf/br0/dad_transmits; ip link set br0 up",
  );
  await machine.sh(`until ${tentative} | grep -q .; do sleep 0.02; done`);
  await machine.baseline();
  await machine.sh(`while ${tentative} | grep -q .; do sleep 0.05; done`);
  await machine.expectClean(1);
});
