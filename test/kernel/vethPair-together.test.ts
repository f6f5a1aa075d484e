import { expect } from "vitest";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";

test("both ends of a pair may be in one namespace, the host's or another", async ({ machine }) => {
  const here = await make(machine, "VethPair", "here", { name: "va", peer: { name: "vb" } });
  expect(await here.refresh()).toEqual([]);
  const blue = await make(machine, "Netns", "blue", { name: "blue" });
  const inside = { name: "va", netns: "blue", addresses: ["10.1.0.1/24"], peer: { name: "vb", netns: "blue" } };
  const there = await make(machine, "VethPair", "there", inside);
  expect(await there.refresh()).toEqual([]);
  await machine.sh("ip link set vb mtu 1400; ip -n blue link set vb down");
  expect(await here.refresh()).toEqual(["drift", "mtu"]);
  expect(await there.refresh()).toEqual(["drift"]);
  await here.up({ name: "va", peer: { name: "vb" } });
  await there.up(inside);
  expect([await here.refresh(), await there.refresh()]).toEqual([[], []]);
  for (const one of [there, blue, here]) await one.destroy();
});
