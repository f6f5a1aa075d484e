import { describe, expect } from "vitest";
import { cutEverywhere, failEverywhere } from "../support/faults.ts";
import type { Machine } from "../support/machine.ts";
import { make, Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

const args = { name: "lab0", addresses: ["172.18.0.1/16", "fd00:18::1/64"] };

async function link(machine: Machine, name = "lab0"): Promise<Record<string, unknown>> {
  return JSON.parse(await machine.sh(`ip -j -d addr show dev ${name}`))[0];
}

async function addresses(machine: Machine): Promise<string[]> {
  const found = (await link(machine)).addr_info as { local: string; prefixlen: number; scope: string }[];
  return found.filter(({ scope }) => scope === "global").map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

describe("a bridge", () => {
  test("is made as declared, told in the outputs, and gone after", async ({ machine }) => {
    const lab0 = await make(machine, "Bridge", "lab0", {
      ...args,
      mtu: 1400,
      stp: true,
      macAddress: "02:AA:00:00:00:01",
    });
    const found = await link(machine);
    expect(found).toMatchObject({ ifalias: lab0.sealed, mtu: 1400, address: "02:aa:00:00:00:01" });
    expect(found.flags).toContain("UP");
    expect(found.linkinfo).toMatchObject({ info_kind: "bridge", info_data: { stp_state: 1 } });
    expect(await addresses(machine)).toEqual(args.addresses);
    expect(lab0.outputs).toMatchObject({ ifindex: found.ifindex, macAddress: "02:aa:00:00:00:01", mtu: 1400 });
    expect(await lab0.refresh()).toEqual([]);
    await lab0.destroy();
  });

  test("is made the same by every run: its MAC follows its name and not its ports", async ({ machine }) => {
    const lab0 = await make(machine, "Bridge", "lab0", args);
    const { macAddress } = lab0.outputs;
    await machine.sh("ip link add p0 address 02:00:00:00:00:09 type veth peer name p1; ip link set p0 master lab0 up");
    expect((await link(machine)).address).toBe(macAddress);
    await machine.sh("ip link del p0");
    expect((await link(machine)).address).toBe(macAddress);
    await lab0.destroy();
    expect((await make(machine, "Bridge", "lab0", args)).outputs.macAddress).toBe(macAddress);
    await lab0.destroyAs(args);
  });

  test("keeps its MTU when a port has a smaller one", async ({ machine }) => {
    const lab0 = await make(machine, "Bridge", "lab0", args);
    await machine.sh("ip link add p0 mtu 1300 type veth peer name p1 mtu 1300; ip link set p0 master lab0");
    expect(await link(machine)).toMatchObject({ mtu: 1500 });
    await machine.sh("ip link del p0");
    await lab0.destroy();
  });

  test("lets no container steer the host's routes", async ({ machine }) => {
    const lab0 = await make(machine, "Bridge", "lab0", args);
    const read = "cd /proc/sys/net; cat ipv4/conf/lab0/{accept,send}_redirects ipv6/conf/lab0/accept_{ra,redirects}";
    expect(await machine.sh(read)).toBe("0\n0\n0\n0");
    await machine.sh("echo 1 >/proc/sys/net/ipv6/conf/lab0/accept_ra");
    expect(await lab0.refresh()).toEqual(["drift"]);
    await lab0.up(args);
    expect(await machine.sh(read)).toBe("0\n0\n0\n0");
    await lab0.destroy();
  });

  test("in a namespace, and none in the host's own", async ({ machine }) => {
    await machine.sh("ip netns add ct1");
    await machine.baseline();
    const lab0 = await make(machine, "Bridge", "lab0", { ...args, netns: "ct1" });
    expect(await machine.sh("ip -n ct1 -o addr show lab0")).toContain("172.18.0.1/16");
    expect(await machine.exec("ip link show lab0")).toMatchObject({ code: 1 });
    await machine.sh("ip netns del ct1");
    expect(await lab0.refresh()).toBe("gone");
    await lab0.destroyAs({ ...args, netns: "ct1" });
    await machine.sh("umount /run/netns; rmdir /run/netns");
    await machine.baseline();
  });

  test("is taken up by a program that has lost its state, with its number", async ({ machine }) => {
    const first = await make(machine, "Bridge", "lab0", args);
    const again = await make(machine, "Bridge", "lab0", args);
    expect(again.outputs).toEqual(first.outputs);
    await again.destroy();
  });
});

describe("a change is made in place:", () => {
  const changes: [what: string, change: Record<string, unknown>, properties: string[]][] = [
    ["the MTU", { mtu: 1400 }, ["mtu"]],
    ["the MAC address", { macAddress: "02:00:00:00:00:77" }, ["macAddress"]],
    ["spanning tree", { stp: true }, ["stp"]],
    ["an address more", { addresses: [...args.addresses, "10.9.0.1/24"] }, ["addresses"]],
    ["the first address less", { addresses: ["fd00:18::1/64"] }, ["addresses"]],
    ["another prefix", { addresses: ["172.18.0.1/24", "fd00:18::1/64"] }, ["addresses"]],
    ["another address of that subnet first", { addresses: ["172.18.0.2/16", "172.18.0.3/16"] }, ["addresses"]],
  ];
  for (const [what, change, properties] of changes) {
    test(`${what}, and back`, async ({ machine }) => {
      const lab0 = await make(machine, "Bridge", "lab0", args);
      const { ifindex } = lab0.outputs;
      expect(await lab0.up({ ...args, ...change })).toEqual({ changes: true, properties, replaces: [] });
      expect(await lab0.refresh()).toEqual([]);
      if (change.addresses)
        expect((await addresses(machine)).toSorted()).toEqual((change.addresses as string[]).toSorted());
      await lab0.up(args);
      expect(await lab0.refresh()).toEqual([]);
      expect(lab0.outputs.ifindex).toBe(ifindex);
      await lab0.destroy();
    });
  }
});

describe("drift is told by property and value, and repaired alone:", () => {
  const drifts: [what: string, command: string, drift: string[], outputs: Record<string, unknown>][] = [
    ["the MTU", "ip link set lab0 mtu 1300", ["mtu"], { mtu: 1300 }],
    [
      "the MAC address",
      "ip link set lab0 address 02:00:00:00:00:99",
      ["macAddress"],
      { macAddress: "02:00:00:00:00:99" },
    ],
    ["spanning tree", "ip link set lab0 type bridge stp_state 1", ["stp"], { stp: true }],
    ["an address gone", "ip addr del 172.18.0.1/16 dev lab0", ["addresses"], { addresses: ["fd00:18::1/64"] }],
    [
      "an address more",
      "ip addr add 10.9.0.1/24 dev lab0",
      ["addresses"],
      { addresses: ["172.18.0.1/16", "10.9.0.1/24", "fd00:18::1/64"] },
    ],
    ["down", "ip link set lab0 down", ["addresses", "drift"], {}],
    ["two at once", "ip link set lab0 mtu 1300 address 02:00:00:00:00:99", ["macAddress", "mtu"], { mtu: 1300 }],
  ];
  for (const [what, command, drift, outputs] of drifts) {
    test(what, async ({ machine }) => {
      const lab0 = await make(machine, "Bridge", "lab0", args);
      const { ifindex } = lab0.outputs;
      await machine.sh(command);
      expect(await lab0.refresh()).toEqual(drift);
      expect(lab0.outputs).toMatchObject(outputs);
      expect(await lab0.up(args)).toEqual({ changes: true, properties: drift, replaces: [] });
      expect(await lab0.refresh()).toEqual([]);
      expect(lab0.outputs.ifindex).toBe(ifindex);
      await lab0.destroy();
    });
  }

  test("the order of a subnet's addresses, of which the first is the source", async ({ machine }) => {
    const many = { name: "lab0", addresses: ["10.9.0.1/24", "10.9.0.9/24", "10.19.0.1/16"] };
    const source = async () => /src (\S+)/.exec(await machine.sh("ip route get 10.9.0.77"))?.[1];
    const lab0 = await make(machine, "Bridge", "lab0", many);
    await machine.sh(
      "ip addr flush dev lab0; for a in 10.9.0.9/24 10.9.0.1/24 10.19.0.1/16; do ip addr add $a dev lab0; done",
    );
    expect(await source()).toBe("10.9.0.9");
    expect(await lab0.refresh()).toEqual(["addresses"]);
    expect(await lab0.up(many)).toEqual({ changes: true, properties: ["addresses"], replaces: [] });
    expect(await source()).toBe("10.9.0.1");
    expect(await lab0.refresh()).toEqual([]);
    // Only what the order is about: the kernel lists a secondary behind all that are none.
    await lab0.up({ name: "lab0", addresses: ["10.9.0.9/24", "10.19.0.1/16", "10.9.0.1/24"] });
    expect(await source()).toBe("10.9.0.9");
    expect(await lab0.refresh()).toEqual([]);
    await lab0.destroy();
  });

  test("gone", async ({ machine }) => {
    const lab0 = await make(machine, "Bridge", "lab0", args);
    await machine.sh("ip link del lab0");
    expect(await lab0.refresh()).toBe("gone");
    await lab0.destroyAs(args);
  });
});

describe("a link of another's", () => {
  test("is refused and untouched; with adopt taken over; released with what it had", async ({ machine }) => {
    await machine.sh(
      "ip link add lab0 address 02:00:00:00:00:05 mtu 1500 type bridge; ip addr add 10.7.0.1/24 dev lab0",
    );
    await machine.sh("ip link set lab0 up; echo 0 | tee /proc/sys/net/ipv{4,6}/conf/lab0/accept_redirects >/dev/null");
    await machine.sh(
      "echo 0 >/proc/sys/net/ipv4/conf/lab0/send_redirects; echo 0 >/proc/sys/net/ipv6/conf/lab0/accept_ra",
    );
    await machine.baseline();
    const lab0 = new Subject(machine, "Bridge", "lab0");
    await expect(lab0.up(args)).rejects.toThrow(/a link lab0 is there already and nothing of linuxnet's owns it/);
    await machine.expectClean();
    const adopting = { ...args, adopt: true, macAddress: "02:00:00:00:00:05" };
    await lab0.up(adopting);
    expect(await lab0.refresh()).toEqual([]);
    expect(await addresses(machine)).toEqual(["10.7.0.1/24", ...args.addresses]);
    // One of ours drifts: the other's address is not ours to remove in the repair.
    await machine.sh("ip addr del 172.18.0.1/16 dev lab0");
    expect(await lab0.refresh()).toEqual(["addresses"]);
    await lab0.up(adopting);
    expect(await addresses(machine)).toEqual(expect.arrayContaining(["10.7.0.1/24", ...args.addresses]));
    await lab0.up({ ...adopting, addresses: ["fd00:18::1/64"] });
    expect(await addresses(machine)).toEqual(["10.7.0.1/24", "fd00:18::1/64"]);
    await lab0.destroy();
  });

  test("with a mark of its own, or of no bridge, or of another program of ours, is named", async ({ machine }) => {
    await machine.sh(
      "ip link add lab0 type bridge; ip link set lab0 alias 'rack 7'; ip link add lab1 type veth peer name p1",
    );
    const other = await make(machine, "Bridge", "other", { name: "lab2" });
    await machine.baseline();
    const lab0 = new Subject(machine, "Bridge", "lab0");
    await expect(lab0.up({ name: "lab0" })).rejects.toThrow(/carries the mark rack 7/);
    await expect(lab0.up({ name: "lab1", adopt: true })).rejects.toThrow(/lab1 is there and is no bridge/);
    await expect(lab0.up({ name: "lab2", adopt: true })).rejects.toThrow(new RegExp(`belongs to ${other.sealed}`));
    await expect(lab0.up({ name: "up0", adopt: true })).rejects.toThrow(/up0 is there and is no bridge/);
    await machine.expectClean();
  });
});

describe("is refused, with the host as it was:", () => {
  test("a subnet that the host uses already", async ({ machine }) => {
    await machine.sh("ip route add 10.8.0.0/16 via 203.0.113.1");
    await machine.baseline();
    const lab0 = new Subject(machine, "Bridge", "lab0");
    await expect(lab0.up({ name: "lab0", addresses: ["203.0.113.9/24"] })).rejects.toThrow(/203\.0\.113\.0\/24.*up0/);
    await expect(lab0.up({ name: "lab0", addresses: ["10.8.1.1/24"] })).rejects.toThrow(/overlaps 10\.8\.0\.0\/16/);
    await expect(lab0.up({ name: "lab0", addresses: ["2001:db8:203::9/64"] })).rejects.toThrow(/2001:db8:203::\/64/);
  });

  test("a subnet of another stack's network, and not one of the same program", async ({ machine }) => {
    const theirs = "linuxnet:shop/dev/Bridge/other@0123abcd";
    await machine.sh(
      `ip link add name other0 type bridge; ip link set other0 alias ${theirs} addrgenmode none up
       ip addr add 10.9.0.1/24 dev other0`,
    );
    await machine.baseline();
    const lab0 = new Subject(machine, "Bridge", "lab0");
    await expect(lab0.up({ name: "lab0", addresses: ["10.9.0.2/24"] })).rejects.toThrow(
      `the subnet of 10.9.0.2/24 overlaps 10.9.0.0/24, which this host uses on other0 for ${theirs}`,
    );
    const own = await make(machine, "Bridge", "own", { name: "own0", addresses: ["10.10.0.1/24"] });
    await lab0.up({ name: "lab0", addresses: ["10.10.0.2/24"] });
    await lab0.destroy();
    await own.destroy();
  });

  test("a namespace that does not exist", async ({ machine }) => {
    const lab0 = new Subject(machine, "Bridge", "lab0");
    await expect(lab0.up({ ...args, netns: "nope" })).rejects.toThrow(/there is no namespace nope.*Create it first/);
  });

  test("a machine without a tool that runs", async ({ machine }) => {
    await machine.sh("mount --bind /dev/null $(command -v ip)");
    await expect(make(machine, "Bridge", "lab0", args)).rejects.toThrow(/Bridge "lab0" on the machine: .*ip/);
    await machine.sh("umount $(command -v ip)");
  });
});

describe("whatever happens half-way:", () => {
  test("a script that is cut off after any step is resumed, and leaves nothing", async ({ machine }) => {
    expect(await cutEverywhere(machine, "Bridge", "lab0", args)).toBeGreaterThanOrEqual(6);
  });

  test("a script that fails after any step leaves nothing", async ({ machine }) => {
    expect(await failEverywhere(machine, "Bridge", "lab0", args)).toBeGreaterThanOrEqual(6);
  });
});
