// ForwardRule in nftables, by packets.
import { expect } from "vitest";
import type { Machine } from "../support/machine.ts";
import { make, type Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";
import { get, neighbourLab } from "./nft-lab.ts";

const straight = "http://172.18.0.11/";
const out = { type: "masquerade", source: "172.18.0.0/16", notOutInterface: "br0", backend: "nftables" };
const accept = { action: "accept", destination: "172.18.0.11", protocol: "tcp", destinationPorts: 80 };
const drop = { action: "drop", source: "203.0.113.0/24", states: ["new"] };

/** The lab with a way out, behind which unpublished ports are closed. */
async function closedLab(machine: Machine, policy?: "DROP"): Promise<Subject> {
  await neighbourLab(machine, policy);
  const nat = await make(machine, "NatRule", "out", out);
  expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
  return nat;
}

test("accept opens just what it says, also where FORWARD drops", async ({ machine }) => {
  const nat = await closedLab(machine, "DROP");
  const open = await make(machine, "ForwardRule", "open", accept);
  expect(await get(machine, straight, "world")).toBe("203.0.113.1");
  expect(await get(machine, "http://172.18.0.11:81/", "world", "nothing")).toBe("nothing");
  expect(await machine.world("ping -c 1 -W 1 172.18.0.11 || :")).toContain("100% packet loss");
  expect((await open.up({ ...accept, destinationPorts: "81-90" })).properties).toEqual(["destinationPorts"]);
  expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
  await open.destroy();
  await nat.destroy();
});

test("the lower priority is asked first, and the resource's name where two are equal", async ({ machine }) => {
  const nat = await closedLab(machine);
  const b = await make(machine, "ForwardRule", "b", accept);
  const c = await make(machine, "ForwardRule", "c", { ...drop, action: "reject" });
  expect(await get(machine, straight, "world")).toBe("203.0.113.1");
  const a = await make(machine, "ForwardRule", "a", drop);
  expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
  await a.up({ ...drop, priority: 1 });
  expect(await get(machine, straight, "world")).toBe("203.0.113.1");
  await b.up({ ...accept, priority: 2 });
  expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
  for (const one of [a, b, c]) expect(await one.refresh()).toEqual([]);
  for (const one of [a, b, c, nat]) await one.destroy();
});

test("reject tells the sender, drop does not", async ({ machine }) => {
  const nat = await closedLab(machine);
  const toWorld = { action: "reject", outInterface: "uplink", protocol: "tcp", destinationPorts: 7000 };
  const rule = await make(machine, "ForwardRule", "no", toWorld);
  const code = "ip netns exec ct1 curl -s -m 3 http://203.0.113.1:7000/ || echo $?";
  expect(await machine.sh(code)).toBe("7");
  await rule.up({ ...toWorld, action: "drop" });
  expect(await machine.sh(code)).toBe("28");
  await rule.destroy();
  expect(await get(machine, "http://203.0.113.1:7000/", "ct1")).toBe("203.0.113.2");
  await nat.destroy();
});

test("what is established goes on under a rule for new connections", async ({ machine }) => {
  const nat = await closedLab(machine);
  const rule = await make(machine, "ForwardRule", "no", { action: "drop", inInterface: "br0", states: ["new"] });
  expect(await get(machine, "http://203.0.113.1:7000/", "ct1", "nothing")).toBe("nothing");
  const open = await make(machine, "ForwardRule", "open", accept);
  expect(await get(machine, straight, "world")).toBe("203.0.113.1");
  for (const one of [rule, open, nat]) await one.destroy();
});

test("icmp and icmpv6 are protocols of their own", async ({ machine }) => {
  const nat = await closedLab(machine);
  const six = await make(machine, "ForwardRule", "six", { action: "accept", protocol: "icmpv6", outInterface: "br0" });
  const four = await make(machine, "ForwardRule", "four", { action: "accept", protocol: "icmp", outInterface: "br0" });
  expect(await machine.world("ping -c 1 -W 5 172.18.0.11")).toContain(" 0% packet loss");
  expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
  for (const one of [four, six, nat]) await one.destroy();
});

test("drift: a rule that was deleted, and one that was moved", async ({ machine }) => {
  const nat = await closedLab(machine);
  const a = await make(machine, "ForwardRule", "a", drop);
  const b = await make(machine, "ForwardRule", "b", accept);
  await machine.sh("nft flush chain inet linuxnet user_forward");
  expect(await a.refresh()).toBe("gone");
  expect(await b.refresh()).toBe("gone");
  await b.up(accept);
  await a.up(drop);
  expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
  const [text = "", ...rest] = (
    await machine.sh("nft -a list chain inet linuxnet user_forward | grep 'ForwardRule/a'")
  ).split("\n");
  expect(rest).toEqual([]);
  const [, rule = "", handle = ""] = /^\s*(.*) # handle (\d+)$/.exec(text) ?? [];
  await machine.sh(
    `nft -f - <<'NFT'\ndelete rule inet linuxnet user_forward handle ${handle}\nadd rule inet linuxnet user_forward ${rule}\nNFT`,
  );
  expect(await get(machine, straight, "world")).toBe("203.0.113.1");
  expect(await a.refresh()).toEqual(["drift"]);
  await a.up(drop);
  expect(await a.refresh()).toEqual([]);
  expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
  for (const one of [a, b, nat]) await one.destroy();
});

test("of addresses of both families, those count that fit together", async ({ machine }) => {
  const both = ["10.0.0.0/24", "fd00::/64"];
  const rule = await make(machine, "ForwardRule", "mixed", {
    action: "drop",
    source: both,
    destination: "203.0.113.1",
  });
  const nat = await make(machine, "NatRule", "mixed", { type: "snat", source: both, toAddress: "203.0.113.2" });
  expect([await rule.refresh(), await nat.refresh()]).toEqual([[], []]);
  expect(await machine.sh("nft list chain inet linuxnet user_forward")).toContain(
    "ip saddr 10.0.0.0/24 ip daddr 203.0.113.1 drop",
  );
  await nat.destroy();
  await rule.destroy();
});
