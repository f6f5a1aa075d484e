// A gateway that each host of an overlay has for itself: nothing of it passes the tunnel, and the bridge has the tunnel's MTU.
import { describe, expect } from "vitest";
import { cutEverywhere, failChange, failEverywhere } from "../support/faults.ts";
import type { Machine } from "../support/machine.ts";
import { make, Subject } from "../support/subject.ts";
import { test as bare, args as plain } from "./vxlan-lab.ts";

const macAddress = "02:00:00:00:88:01";
const gateway = { macAddress, addresses: ["10.88.0.1", "fd88::1"] };
const args = { ...plain, anycastGateway: gateway };
const table = "table bridge linuxnet-vx0";

/** `lab0` is the gateway of this host, ct1 (10.88.0.3, fd88::3) is behind it; `other` counts what the gateway sends it. */
const test = bare.extend("site", async ({ lab }) => {
  await lab.sh(`ip addr add fd88::1/64 dev lab0 nodad
    ip link add p0 address 02:00:00:00:88:30 type veth peer name eth0 address 02:00:00:00:88:03 netns ct1
    ip link set p0 master lab0 addrgenmode none up
    ip -n ct1 addr add 10.88.0.3/24 dev eth0; ip -n ct1 addr add fd88::3/64 dev eth0 nodad
    ip -n ct1 link set eth0 addrgenmode none up
    ip -n other addr add fd88::2/64 dev vx9 nodad
    ip netns exec other nft 'add table netdev seen
      add chain netdev seen in { type filter hook ingress device vx9 priority 0; }
      add rule netdev seen in ether saddr ${macAddress} counter'`);
  await lab.baseline();
  return lab;
});

/** Whether `other` reaches an address through the tunnel. */
async function reaches(lab: Machine, to: string): Promise<boolean> {
  await lab.sh("ip -n other neigh flush dev vx9");
  return (await lab.exec(`ip netns exec other ping -c 1 -W 1 ${to}`)).code === 0;
}

/** How many frames of the gateway came out at `other`. */
async function framesOfGateway(lab: Machine): Promise<number> {
  const text = await lab.sh("ip netns exec other nft list table netdev seen");
  return Number(/packets (\d+)/.exec(text)?.[1]);
}

describe("a gateway that each host has for itself", () => {
  test("is not seen on the other side, and what is behind it is", async ({ site }) => {
    const tunnel = await make(site, "Vxlan", "one", args);
    for (const to of ["10.88.0.3", "fd88::3"]) expect(await reaches(site, to), to).toBe(true);
    for (const to of ["10.88.0.1", "fd88::1"]) expect(await reaches(site, to), to).toBe(false);
    // What the gateway asks for itself, and what it floods, stays here too.
    await site.exec("ping -c 1 -W 1 10.88.0.2; ping -c 1 -W 1 fd88::2; ping -c 1 -W 1 -b 10.88.0.255");
    expect(await framesOfGateway(site)).toBe(0);
    for (const to of ["10.88.0.3", "fd88::3"]) expect(await site.sh(`ping -c 1 -W 5 ${to}`)).toContain("1 received");
    expect(await tunnel.refresh()).toEqual([]);
    await tunnel.destroy();
    await site.expectClean();
  });

  test("is one that the other side cannot claim to be", async ({ site }) => {
    const tunnel = await make(site, "Vxlan", "one", args);
    await site.sh("ip -n other addr add 10.88.0.1/32 dev vx9; ip -n other addr add fd88::1/128 dev vx9 nodad");
    for (const to of ["10.88.0.1", "fd88::1"]) {
      await site.sh("ip -n ct1 neigh flush dev eth0");
      expect(await site.sh(`ip netns exec ct1 ping -c 1 -W 5 ${to}`)).toContain("1 received");
      expect(await site.sh(`ip -n ct1 neigh show ${to}`)).toContain(macAddress);
    }
    // Who asks for a container tells it an address of its own (RFC 826), and is believed.
    const claim = "ip -n other neigh flush dev vx9; ip netns exec other ping -c 1 -W 1 -I 10.88.0.1 10.88.0.3";
    await site.sh("ip netns exec ct1 ping -c 1 -W 5 10.88.0.1");
    await site.exec(claim);
    expect(await site.sh("ip -n ct1 neigh show 10.88.0.1")).toContain(macAddress);
    await tunnel.up(plain);
    await site.exec(claim);
    expect(await site.sh("ip -n ct1 neigh show 10.88.0.1")).toContain("02:00:00:00:88:02");
    await tunnel.up(args);
    await site.sh("ip -n other addr del 10.88.0.1/32 dev vx9; ip -n other addr del fd88::1/128 dev vx9");
    await tunnel.destroy();
    await site.baseline();
  });

  test("comes and goes in place, and its rules' drift is repaired", async ({ site }) => {
    const tunnel = await make(site, "Vxlan", "one", plain);
    const { ifindex } = tunnel.outputs;
    expect(await reaches(site, "10.88.0.1")).toBe(true);
    expect(await tunnel.up(args)).toEqual({ changes: true, properties: ["anycastGateway"], replaces: [] });
    expect(await reaches(site, "10.88.0.1")).toBe(false);
    const drifts = ["flush ruleset", `delete ${table}`, `flush ${table}`, "flush chain bridge linuxnet-vx0 to_tunnel"];
    for (const drift of drifts) {
      await site.sh(`nft ${drift}`);
      expect(await tunnel.refresh(), drift).toEqual(["drift"]);
      await tunnel.up(args);
      expect(await tunnel.refresh(), drift).toEqual([]);
      expect(await reaches(site, "10.88.0.1"), drift).toBe(false);
    }
    await tunnel.up({ ...args, anycastGateway: { ...gateway, addresses: ["10.88.0.1"] } });
    expect(await site.sh(`nft list ${table}`)).not.toContain("icmpv6");
    await tunnel.up(plain);
    expect(await site.exec(`nft list ${table}`)).toMatchObject({ code: 1 });
    expect(await reaches(site, "10.88.0.1")).toBe(true);
    expect(tunnel.outputs.ifindex).toBe(ifindex);
    await tunnel.up(args);
    await site.sh(`nft flush ${table}`);
    await tunnel.destroy();
    expect(await site.exec(`nft list ${table}`)).toMatchObject({ code: 1 });
    // What the gateway sent while it was free to has been counted.
    await site.baseline();
  });

  test("is what it was when a change of it fails", async ({ site }) => {
    const tunnel = await make(site, "Vxlan", "one", args);
    const rules = await site.sh(`nft list ${table}`);
    for (const change of [plain, { ...args, anycastGateway: { ...gateway, addresses: ["10.88.0.1"] } }]) {
      expect(await failChange(site, "Vxlan", tunnel, change)).toBeGreaterThan(0);
      expect(await site.sh(`nft list ${table}`)).toBe(rules);
      expect(await tunnel.refresh()).toEqual([]);
    }
    await tunnel.destroy();
  });

  test("needs a table that is nobody else's", async ({ site }) => {
    await site.sh(`nft 'add ${table}; add chain bridge linuxnet-vx0 mine'
      nft 'add rule bridge linuxnet-vx0 mine ether type arp accept comment "mine"'`);
    await site.baseline();
    await expect(new Subject(site, "Vxlan", "one").up(args)).rejects.toThrow(
      /the nftables table bridge linuxnet-vx0 is held by something else\. Nothing was changed/,
    );
    await new Subject(site, "Vxlan", "one").destroyAs(args);
    await site.expectClean();
  });

  test("leaves nothing when a script is cut off, or fails, after any step", async ({ site }) => {
    expect(await cutEverywhere(site, "Vxlan", "one", args)).toBeGreaterThanOrEqual(5);
    expect(await failEverywhere(site, "Vxlan", "one", args)).toBeGreaterThanOrEqual(5);
  });
});

describe("a bridge over an underlay", () => {
  const over = { name: "over0", addresses: ["10.89.0.1/24"], underlay: "10.9.0.1" };

  test("has the MTU that fits into the tunnel, and follows the underlay", async ({ site }) => {
    const bridge = await make(site, "Bridge", "over", over);
    expect(bridge.outputs.mtu).toBe(1450);
    expect(await bridge.refresh()).toEqual([]);
    expect(bridge.preview(over)).toMatchObject({ changes: false });
    await site.sh("ip link set under0 mtu 1400");
    expect(await bridge.refresh()).toEqual(["mtu"]);
    await bridge.up(over);
    expect(bridge.outputs.mtu).toBe(1350);
    await site.sh("ip link set under0 mtu 1500");
    await bridge.up({ ...over, mtu: 1300 });
    expect(bridge.outputs.mtu).toBe(1300);
    await bridge.up(over);
    expect(bridge.outputs.mtu).toBe(1450);
    await bridge.up({ ...over, underlay: "fd09::1" });
    expect(bridge.outputs.mtu).toBe(1430);
    await bridge.up({ name: "over0", addresses: ["10.89.0.1/24"] });
    expect(bridge.outputs.mtu).toBe(1500);
    await bridge.destroy();
    await site.expectClean();
  });

  test("is refused where the host does not have that address", async ({ site }) => {
    await expect(new Subject(site, "Bridge", "over").up({ ...over, underlay: "10.9.0.77" })).rejects.toThrow(
      /this host does not have the address 10\.9\.0\.77\. Nothing was changed/,
    );
    await site.expectClean();
  });
});
