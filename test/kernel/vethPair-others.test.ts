// What a pair does to links of others, what it refuses, and what is left when it is cut off.
import { describe, expect } from "vitest";
import { cutEverywhere, failEverywhere } from "../support/faults.ts";
import { link } from "../support/link.ts";
import { make, Subject } from "../support/subject.ts";
import { args, peer, test } from "./vethPair-lab.ts";

describe("a link of another's", () => {
  test("under either name is refused and untouched", async ({ lab }) => {
    await lab.sh("ip link add veth1 type veth peer name other; ip -n ct2 link add eth0 type bridge");
    await lab.baseline();
    const pair = new Subject(lab, "VethPair", "one");
    await expect(pair.up(args)).rejects.toThrow(/a link veth1 is there already and nothing of linuxnet's owns it/);
    await expect(pair.up({ ...args, name: "veth2", peer: { ...peer, netns: "ct2" } })).rejects.toThrow(
      /a link eth0 is there/,
    );
    await expect(pair.up({ ...args, name: "veth2", peer: { ...peer, netns: "ct2" }, adopt: true })).rejects.toThrow(
      /eth0/,
    );
    await lab.expectClean();
  });

  test("is taken over with adopt, whole, and released as it was", async ({ lab }) => {
    const mac = { macAddress: "02:00:00:00:00:31" };
    await lab.sh(
      "ip link add veth1 address 02:00:00:00:00:31 type veth peer name eth0 address 02:00:00:00:00:32 netns ct1",
    );
    await lab.sh("ip link set veth1 addrgenmode none; ip -n ct1 link set eth0 addrgenmode none");
    await lab.sh("ip link set veth1 up; ip -n ct1 link set eth0 up; ip -n ct1 addr add 172.18.0.11/16 dev eth0");
    await lab.sh("ip link set veth1 master br0");
    await lab.baseline();
    const same = {
      ...args,
      ...mac,
      peer: { name: "eth0", netns: "ct1", addresses: ["172.18.0.11/16"], macAddress: "02:00:00:00:00:32" },
    };
    const pair = await make(lab, "VethPair", "one", { ...same, adopt: true });
    expect((await link(lab, "veth1")).ifalias).toBe(`${pair.sealed}+adopted`);
    expect(await pair.refresh()).toEqual([]);
    await pair.destroy();
  });
});

test("says nothing of IPv6 by itself where that is wanted; its link-local address is drift", async ({ lab }) => {
  const pair = await make(lab, "VethPair", "one", { ...args, peer: { ...peer, addrgenmode: "none" } });
  const local = () => lab.sh("ip -n ct1 -6 -o addr show dev eth0 scope link");
  expect(await local()).toBe("");
  expect(await lab.sh("ip -n ct1 -d -j link show eth0")).toContain('"inet6_addr_gen_mode":"none"');
  expect(await pair.refresh()).toEqual([]);
  await lab.sh("ip -n ct1 addr add fe80::5/64 dev eth0 nodad");
  expect(await local()).toContain("fe80::");
  expect(await pair.refresh()).toEqual(["peer"]);
  await pair.up({ ...args, peer: { ...peer, addrgenmode: "none" } });
  expect(await local()).toBe("");
  await pair.destroy();
});

describe("is refused, with the host as it was:", () => {
  test("a bridge or a namespace that does not exist, or is none", async ({ lab }) => {
    const pair = new Subject(lab, "VethPair", "one");
    await expect(pair.up({ ...args, bridge: "nope" })).rejects.toThrow(
      /^VethPair "veth1" on the machine: there is no bridge nope/,
    );
    await expect(pair.up({ ...args, bridge: "up0" })).rejects.toThrow(/up0 is no bridge/);
    await expect(pair.up({ ...args, peer: { ...peer, netns: "nope" } })).rejects.toThrow(/there is no namespace nope/);
  });
});

describe("whatever happens half-way:", () => {
  test("a script that is cut off after any step is resumed, and leaves nothing", async ({ lab }) => {
    expect(await cutEverywhere(lab, "VethPair", "one", args)).toBeGreaterThanOrEqual(8);
  });

  test("a script that fails after any step leaves nothing", async ({ lab }) => {
    expect(await failEverywhere(lab, "VethPair", "one", args)).toBeGreaterThanOrEqual(8);
  });
});
