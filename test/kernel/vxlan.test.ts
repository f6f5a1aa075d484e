// A tunnel's end against the real kernel; `other` is the far end, made by hand, and `stranger` one that has no part in it.
import { describe, expect } from "vitest";
import { link } from "../support/link.ts";
import type { Machine } from "../support/machine.ts";
import { make } from "../support/subject.ts";
import { args, args6, forge, listen, test, tunnelOfOther } from "./vxlan-lab.ts";

/** Where it floods to. */
async function flood(machine: Machine, netns?: string): Promise<string[]> {
  const lines = await machine.sh(`bridge ${netns ? `-n ${netns} ` : ""}fdb show dev vx0 | grep ^00:00:00:00:00:00`);
  return lines.split("\n").map((line) => /dst (\S+)/.exec(line)?.[1] ?? line);
}

const reached = (machine: Machine) => machine.sh("ping -c 1 -W 5 10.88.0.2");

type Bag = Record<string, unknown>;

describe("a tunnel's end", () => {
  test("carries packets, is as it was asked for, and is gone after", async ({ lab }) => {
    const tunnel = await make(lab, "Vxlan", "one", args);
    expect(await reached(lab)).toContain("1 received");
    const found = await link(lab, "vx0");
    expect(found).toMatchObject({
      ifalias: tunnel.sealed,
      master: "lab0",
      mtu: 1450,
      linkinfo: { info_kind: "vxlan", info_data: { id: 42, local: "10.9.0.1", port: 4789 } },
    });
    expect(tunnel.outputs).toMatchObject({ mtu: 1450, macAddress: found.address, ifindex: found.ifindex, port: 4789 });
    expect(await flood(lab)).toEqual(["10.9.0.2"]);
    expect(await tunnel.refresh()).toEqual([]);
    expect(tunnel.preview(args)).toMatchObject({ changes: false });
    await tunnel.destroy();
  });

  test("goes over IPv6", async ({ lab }) => {
    await tunnelOfOther(lab, "fd09::2", "fd09::1");
    await lab.baseline();
    const tunnel = await make(lab, "Vxlan", "one", args6);
    expect(await reached(lab)).toContain("1 received");
    expect(tunnel.outputs.mtu).toBe(1430);
    expect(await tunnel.refresh()).toEqual([]);
    await tunnel.destroy();
  });

  test("lives in a namespace, with its outer packets in the host's own", async ({ lab }) => {
    const inside = { ...args, bridge: undefined, netns: "ct1" };
    const tunnel = await make(lab, "Vxlan", "one", inside);
    await lab.sh("ip -n ct1 addr add 10.88.0.7/24 dev vx0");
    expect(await lab.sh("ip netns exec ct1 ping -c 1 -W 5 10.88.0.2")).toContain("1 received");
    expect(await flood(lab, "ct1")).toEqual(["10.9.0.2"]);
    expect(await tunnel.refresh()).toEqual([]);
    await tunnel.destroy();
  });

  test("without remotes takes nothing from anyone", async ({ lab }) => {
    const tunnel = await make(lab, "Vxlan", "one", { ...args, remotes: [] });
    expect((await lab.exec("ping -c 1 -W 1 10.88.0.2")).code).toBe(1);
    await tunnel.up(args);
    expect(await reached(lab)).toContain("1 received");
    await tunnel.destroy();
  });

  test("is taken up by a program that has lost its state", async ({ lab }) => {
    const first = await make(lab, "Vxlan", "one", args);
    const again = await make(lab, "Vxlan", "one", args);
    expect(again.outputs).toEqual(first.outputs);
    await again.destroy();
  });
});

describe("the MTU", () => {
  test("is what the underlay leaves, and follows it", async ({ lab }) => {
    await lab.sh("ip link set under0 mtu 1400");
    const tunnel = await make(lab, "Vxlan", "one", args);
    expect(tunnel.outputs.mtu).toBe(1350);
    expect(await tunnel.refresh()).toEqual([]);
    await lab.sh("ip link set under0 mtu 1500");
    expect(await tunnel.refresh()).toEqual(["mtu"]);
    await tunnel.up(args);
    expect(tunnel.outputs.mtu).toBe(1450);
    await tunnel.destroy();
  });

  test("lets the largest packet through, and no larger one", async ({ lab }) => {
    await lab.sh("ip -n other link set vx9 mtu 1450; ip link set lab0 mtu 1450");
    await lab.baseline();
    const tunnel = await make(lab, "Vxlan", "one", args);
    const ping = (size: number) => lab.exec(`ping -c 1 -W 5 -M do -s ${size} 10.88.0.2`);
    expect((await ping(1422)).stdout).toContain("1 received");
    const { code, stdout, stderr } = await ping(1423);
    expect([code, `${stdout}${stderr}`]).toEqual([1, expect.stringContaining("mtu=1450")]);
    await tunnel.destroy();
  });
});

describe("packets from an address that is no remote", () => {
  for (const [family, own, from] of [
    ["IPv4", args, "10.9.0.3"],
    ["IPv6", args6, "fd09::3"],
  ] as const) {
    test(`are dropped, over ${family}`, async ({ lab }) => {
      const ear = await listen(lab);
      await lab.baseline();
      const tunnel = await make(lab, "Vxlan", "one", own);
      await forge(lab, "stranger", own.local, "forged-1");
      await forge(lab, "other", own.local, "genuine-1");
      expect(await ear.heard("genuine-1")).toEqual(["genuine-1"]);

      // The packet is a good one: it gets in when its sender is a remote, or when the rule is gone.
      await tunnel.up({ ...own, remotes: [...own.remotes, from] });
      await forge(lab, "stranger", own.local, "invited");
      expect(await ear.heard("invited")).toEqual(["genuine-1", "invited"]);
      await tunnel.up(own);
      await lab.sh("nft flush ruleset");
      await forge(lab, "stranger", own.local, "unguarded");
      expect(await ear.heard("unguarded")).toEqual(["genuine-1", "invited", "unguarded"]);

      expect(await tunnel.refresh()).toEqual(["drift"]);
      await tunnel.up(own);
      await forge(lab, "stranger", own.local, "forged-2");
      await forge(lab, "other", own.local, "genuine-2");
      expect(await ear.heard("genuine-2")).toEqual(["genuine-1", "invited", "unguarded", "genuine-2"]);
      await tunnel.destroy();
      await lab.expectClean();
      await ear.end();
      await lab.baseline();
    });
  }

  test("of another network on the same port are not this tunnel's business", async ({ lab }) => {
    const ear = await listen(lab);
    await lab.sh("ip link add vx8 type vxlan id 43 dstport 4789 local 10.9.0.1; ip link set vx8 addrgenmode none up");
    await lab.baseline();
    const tunnel = await make(lab, "Vxlan", "one", args);
    const before = await lab.sh("cat /sys/class/net/vx8/statistics/rx_packets");
    await lab.sh(`ip -n stranger link add vx7 type vxlan id 43 dstport 4789 local 10.9.0.3 remote 10.9.0.1
      ip -n stranger link set vx7 up; ip -n stranger addr add 10.77.0.3/24 dev vx7
      ip netns exec stranger ping -c 1 -W 1 10.77.0.1 >/dev/null; ip -n stranger link del vx7`);
    expect(Number(await lab.sh("cat /sys/class/net/vx8/statistics/rx_packets"))).toBeGreaterThan(Number(before));
    await tunnel.destroy();
    await lab.expectClean();
    await ear.end();
    await lab.baseline();
  });
});

describe("a change is made in place, with the link's number kept:", () => {
  const changes: [what: string, change: Bag, properties: string[]][] = [
    ["the local address", { local: "10.9.0.11" }, ["local"]],
    ["the remotes", { remotes: ["10.9.0.2", "10.9.0.3"] }, ["remotes"]],
    ["the MTU", { mtu: 1400 }, ["mtu"]],
    ["off the bridge", { bridge: undefined }, ["bridge"]],
  ];
  test(changes.map(([what]) => what).join(", "), async ({ lab }) => {
    await lab.sh("ip addr add 10.9.0.11/24 dev under0");
    await lab.baseline();
    const tunnel = await make(lab, "Vxlan", "one", args);
    const { ifindex } = tunnel.outputs;
    for (const [what, change, properties] of changes) {
      expect(await tunnel.up({ ...args, ...change }), what).toEqual({ changes: true, properties, replaces: [] });
      expect(await tunnel.refresh(), what).toEqual([]);
      await tunnel.up(args);
      expect(await tunnel.refresh(), what).toEqual([]);
      expect(tunnel.outputs.ifindex, what).toBe(ifindex);
      expect(await reached(lab), what).toContain("1 received");
    }
    await tunnel.destroy();
  });

  test("a local address of the other family too, by a new link, as the kernel will have it", async ({ lab }) => {
    const tunnel = await make(lab, "Vxlan", "one", args);
    const change = { changes: true, properties: ["local", "remotes"], replaces: [] };
    expect(await tunnel.up(args6)).toEqual(change);
    expect(await tunnel.refresh()).toEqual([]);
    await tunnelOfOther(lab, "fd09::2", "fd09::1");
    expect(await reached(lab)).toContain("1 received");
    await lab.sh("ip link add taken type vxlan id 42 dstport 4789 local 10.9.0.1");
    await expect(tunnel.up(args)).rejects.toThrow("The host is as it was");
    expect(await reached(lab)).toContain("1 received");
    expect(await tunnel.refresh()).toEqual([]);
    await lab.sh("ip link del taken");
    expect(await tunnel.up(args)).toEqual(change);
    expect(await tunnel.refresh()).toEqual([]);
    await tunnelOfOther(lab, "10.9.0.2", "10.9.0.1");
    expect(await reached(lab)).toContain("1 received");
    await tunnel.destroy();
  });

  test("another name, network, port or namespace, though, means another tunnel", async ({ lab }) => {
    const tunnel = await make(lab, "Vxlan", "one", args);
    for (const change of [{ name: "vx1" }, { vni: 43 }, { port: 4790 }, { netns: "ct1", bridge: undefined }])
      expect(tunnel.preview({ ...args, ...change }).replaces).toEqual([Object.keys(change)[0]]);
    expect((await tunnel.up({ ...args, vni: 43 })).replaces).toEqual(["vni"]);
    expect(await tunnel.refresh()).toEqual([]);
    await tunnel.destroy();
  });
});

describe("drift is told by property, and repaired alone:", () => {
  const set = "ip link set vx0";
  const drifts: [what: string, command: string, drift: string[]][] = [
    ["the local address", `${set} type vxlan id 42 local 10.9.0.9`, ["local"]],
    ["a remote less", "bridge fdb del 00:00:00:00:00:00 dev vx0 dst 10.9.0.2", ["remotes"]],
    ["a remote more", "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.9.0.3", ["remotes"]],
    ["the MTU", `${set} mtu 1300`, ["mtu"]],
    ["off the bridge", `${set} nomaster`, ["bridge"]],
    ["on another bridge", `${set} master other0`, ["bridge"]],
    ["down", `${set} down`, ["drift"]],
    ["the MAC address", `${set} address 02:00:00:00:00:99`, ["drift"]],
    ["the rule", "nft flush chain inet linuxnet tunnels", ["drift"]],
    ["the whole table", "nft delete table inet linuxnet", ["drift"]],
  ];
  test(drifts.map(([what]) => what).join(", "), async ({ lab }) => {
    await lab.sh("ip link add other0 address 02:00:00:00:77:01 type bridge");
    await lab.baseline();
    const tunnel = await make(lab, "Vxlan", "one", args);
    const { ifindex } = tunnel.outputs;
    for (const [what, command, drift] of drifts) {
      await lab.sh(command);
      expect(await tunnel.refresh(), what).toEqual(drift);
      expect(await tunnel.up(args), what).toEqual({ changes: true, properties: drift, replaces: [] });
      expect(await tunnel.refresh(), what).toEqual([]);
      expect(tunnel.outputs.ifindex, what).toBe(ifindex);
      expect(await reached(lab), what).toContain("1 received");
    }
    await tunnel.destroy();
  });

  test("gone", async ({ lab }) => {
    const tunnel = await make(lab, "Vxlan", "one", args);
    await lab.sh("ip link del vx0");
    expect(await tunnel.refresh()).toBe("gone");
    await tunnel.up(args);
    expect(await reached(lab)).toContain("1 received");
    await tunnel.destroy();
  });
});
