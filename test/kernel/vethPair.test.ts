import { describe, expect } from "vitest";
import { link } from "../support/link.ts";
import { make } from "../support/subject.ts";
import { args, peer, test } from "./vethPair-lab.ts";

type Bag = Record<string, unknown>;

describe("a pair", () => {
  test("joins a namespace to a bridge, carries packets at once, and is gone after", async ({ lab }) => {
    const pair = await make(lab, "VethPair", "one", args);
    expect(await lab.sh("ip netns exec ct1 ping -c 1 -W 1 172.18.0.1")).toContain("1 received");
    expect(await lab.sh("ip netns exec ct1 ping -c 1 -W 1 fd00:18::1")).toContain("1 received");
    const [here, there] = [await link(lab, "veth1"), await link(lab, "eth0", "ct1")];
    expect(here).toMatchObject({ ifalias: pair.sealed, master: "br0", mtu: 1500 });
    expect(there).toMatchObject({ ifalias: pair.sealed, mtu: 1500 });
    expect(pair.outputs).toMatchObject({
      ifindex: here.ifindex,
      macAddress: here.address,
      peer: { ifindex: there.ifindex, macAddress: there.address, name: "eth0" },
    });
    const routes = await lab.sh("ip -n ct1 route; ip -n ct1 -6 route");
    expect(routes).toContain("default via 172.18.0.1 dev eth0");
    expect(routes).toContain("default via fd00:18::1 dev eth0");
    expect(routes).toContain("10.7.0.0/16 via 172.18.0.9 dev eth0 metric 50");
    expect(await pair.refresh()).toEqual([]);
    expect(pair.preview(args)).toMatchObject({ changes: false });
    await pair.destroy();
  });

  test("leads straight from the host into a namespace, without a bridge", async ({ lab }) => {
    const ends = { addresses: ["10.1.0.1/24"], peer: { name: "veth9", netns: "ct2", addresses: ["10.1.0.2/24"] } };
    const pair = await make(lab, "VethPair", "one", { name: "veth8", mtu: 1400, ...ends });
    expect(await lab.sh("ping -c 1 -W 1 10.1.0.2")).toContain("1 received");
    expect(await link(lab, "veth9", "ct2")).toMatchObject({ mtu: 1400 });
    await pair.destroy();
  });

  test("of whose far end an address is named twice stands as if it were named once", async ({ lab }) => {
    const addresses = ["172.18.0.11/16", "172.18.0.11/16", "172.18.0.12/16"];
    const pair = await make(lab, "VethPair", "one", { ...args, peer: { name: "eth0", netns: "ct1", addresses } });
    expect(await pair.refresh()).toEqual([]);
    await pair.destroy();
  });

  test("between two namespaces, under one name, leaves nothing in the host's own", async ({ lab }) => {
    const ends = { name: "eth0", netns: "ct2", addresses: ["10.1.0.1/30"] };
    const pair = await make(lab, "VethPair", "one", {
      ...ends,
      peer: { ...ends, netns: "ct1", addresses: ["10.1.0.2/30"] },
    });
    expect(await lab.exec("ip link show eth0")).toMatchObject({ code: 1 });
    expect(await lab.sh("ip netns exec ct2 ping -c 1 -W 1 10.1.0.2")).toContain("1 received");
    expect(await pair.refresh()).toEqual([]);
    await pair.destroy();
  });

  test("is taken up by a program that has lost its state, with its numbers", async ({ lab }) => {
    const first = await make(lab, "VethPair", "one", args);
    const again = await make(lab, "VethPair", "one", args);
    expect(again.outputs).toEqual(first.outputs);
    await again.destroy();
  });

  test("goes with its namespace, and is then gone for refresh and destroy", async ({ lab }) => {
    const pair = await make(lab, "VethPair", "one", args);
    await lab.sh("ip netns del ct1; until ! ip link show veth1 >/dev/null 2>&1; do sleep 0.02; done");
    await lab.baseline();
    expect(await pair.refresh()).toBe("gone");
    await pair.destroyAs(args);
    await expect(pair.up(args)).rejects.toThrow(/there is no namespace ct1/);
  });

  test("is drift while a program keeps alive the namespace whose name is gone, and is made anew or removed", async ({
    lab,
  }) => {
    const pair = await make(lab, "VethPair", "one", args);
    const keeper = await lab.spawn(["sleep", "60"], "ct1");
    await lab.sh("ip netns del ct1");
    expect(await pair.refresh()).toEqual(["drift"]);
    expect(pair.outputs.drift).toEqual(["there is no namespace ct1"]);
    await lab.sh("ip netns add ct1; ip -n ct1 link set lo up");
    await pair.refresh();
    await pair.up(args);
    expect(await lab.sh("ip netns exec ct1 ping -c 1 -W 1 172.18.0.1")).toContain("1 received");
    await lab.sh("ip netns del ct1");
    await pair.refresh();
    await pair.destroy();
    await lab.sh(`kill -KILL ${keeper}`);
    await lab.baseline();
  });
});

describe("a change is made in place, with both links' numbers kept:", () => {
  const changes: [what: string, change: Bag, properties: string[]][] = [
    ["the MTU of both ends", { mtu: 1400 }, ["mtu"]],
    ["off the bridge", { bridge: undefined }, ["bridge"]],
    ["hairpin and isolated", { hairpin: true, isolated: true }, ["hairpin", "isolated"]],
    ["the address", { peer: { ...peer, addresses: ["172.18.0.12/16", "fd00:18::11/64"] } }, ["peer"]],
    ["the gateway", { peer: { ...peer, gateway: "172.18.0.2" } }, ["peer"]],
    ["no gateway", { peer: { ...peer, gateway: undefined } }, ["peer"]],
    [
      "the routes",
      { peer: { ...peer, routes: [{ to: "10.8.0.0/16", via: "172.18.0.9" }, { to: "fd09::/64" }] } },
      ["peer"],
    ],
    [
      "the MAC addresses",
      { macAddress: "02:00:00:00:00:21", peer: { ...peer, macAddress: "02:00:00:00:00:22" } },
      ["macAddress", "peer"],
    ],
  ];
  for (const [what, change, properties] of changes) {
    test(`${what}, and back`, async ({ lab }) => {
      const pair = await make(lab, "VethPair", "one", args);
      const numbers = [pair.outputs.ifindex, (pair.outputs.peer as Bag).ifindex];
      expect(await pair.up({ ...args, ...change })).toEqual({ changes: true, properties, replaces: [] });
      expect(await pair.refresh()).toEqual([]);
      await pair.up(args);
      expect(await pair.refresh()).toEqual([]);
      expect([pair.outputs.ifindex, (pair.outputs.peer as Bag).ifindex]).toEqual(numbers);
      expect(await lab.sh("ip netns exec ct1 ping -c 1 -W 1 172.18.0.1")).toContain("1 received");
      await pair.destroy();
    });
  }

  test("a name or a namespace, though, means another pair", async ({ lab }) => {
    const pair = await make(lab, "VethPair", "one", args);
    expect((await pair.up({ ...args, peer: { ...peer, netns: "ct2" } })).replaces).toEqual(["peer"]);
    expect(await lab.exec("ip -n ct1 link show eth0")).toMatchObject({ code: 1 });
    expect((await pair.up({ ...args, name: "veth2", peer: { ...peer, netns: "ct2" } })).replaces).toEqual(["name"]);
    await pair.destroy();
  });
});

describe("drift is told by property, and repaired alone:", () => {
  const drifts: [what: string, command: string, drift: string[]][] = [
    ["the MTU of one end", "ip link set veth1 mtu 1300", ["drift", "mtu"]],
    ["the MTU of the other", "ip -n ct1 link set eth0 mtu 1300", ["drift", "mtu"]],
    ["the MTU of both", "ip link set veth1 mtu 1300; ip -n ct1 link set eth0 mtu 1300", ["mtu"]],
    ["an MTU of each its own", "ip link set veth1 mtu 1300; ip -n ct1 link set eth0 mtu 1400", ["drift", "mtu"]],
    ["off the bridge", "ip link set veth1 nomaster", ["bridge"]],
    ["hairpin", "ip link set veth1 type bridge_slave hairpin on", ["hairpin"]],
    ["an address", "ip -n ct1 addr del 172.18.0.11/16 dev eth0", ["peer"]],
    ["an address more", "ip -n ct1 addr add 10.9.9.9/32 dev eth0", ["peer"]],
    ["the default route", "ip -n ct1 route del default", ["peer"]],
    ["another default route", "ip -n ct1 route replace default via 172.18.0.200", ["peer"]],
    ["the IPv6 default route", "ip -n ct1 -6 route del default", ["peer"]],
    ["a route", "ip -n ct1 route del 10.7.0.0/16", ["peer"]],
    ["down", "ip link set veth1 down", ["drift"]],
    ["the far end down", "ip -n ct1 link set eth0 down", ["drift", "peer"]],
    ["a MAC address", "ip -n ct1 link set eth0 address 02:00:00:00:00:99", ["peer"]],
  ];
  for (const [what, command, drift] of drifts) {
    test(what, async ({ lab }) => {
      const pair = await make(lab, "VethPair", "one", args);
      const { ifindex } = pair.outputs;
      await lab.sh(command);
      expect(await pair.refresh()).toEqual(drift);
      expect(await pair.up(args)).toEqual({ changes: true, properties: drift, replaces: [] });
      expect(await pair.refresh()).toEqual([]);
      expect(pair.outputs.ifindex).toBe(ifindex);
      expect(await lab.sh("ip netns exec ct1 ping -c 1 -W 1 172.18.0.1")).toContain("1 received");
      await pair.destroy();
    });
  }

  test("and is not lost when it is looked for again", async ({ lab }) => {
    const pair = await make(lab, "VethPair", "one", args);
    await lab.sh("ip link set veth1 mtu 1300");
    for (const expected of [["drift", "mtu"], ["mtu"]]) {
      expect(await pair.refresh()).toEqual(expected);
      expect(pair.outputs).toMatchObject({ drift: ["the MTU of veth1 is 1300, that of eth0 is 1500"] });
      expect(pair.preview(args).changes).toBe(true);
    }
    await pair.up(args);
    expect(await lab.sh("cat /sys/class/net/veth1/mtu")).toBe("1500");
    await pair.destroy();
  });

  test("gone", async ({ lab }) => {
    const pair = await make(lab, "VethPair", "one", args);
    await lab.sh("ip link del veth1");
    expect(await pair.refresh()).toBe("gone");
    await pair.up(args);
    expect(await pair.refresh()).toEqual([]);
    await pair.destroy();
  });

  test("an end moved away", async ({ lab }) => {
    const pair = await make(lab, "VethPair", "one", args);
    await lab.sh("ip -n ct1 link set eth0 netns ct2");
    expect(await pair.refresh()).toContain("drift");
    await pair.up(args);
    expect(await pair.refresh()).toEqual([]);
    expect(await lab.exec("ip -n ct2 link show eth0")).toMatchObject({ code: 1 });
    await pair.destroy();
  });
});
