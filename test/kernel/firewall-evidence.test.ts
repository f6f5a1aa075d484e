// What is no evidence that packet rules are gone.
import { expect } from "vitest";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";

const tools = { nftables: "nft", iptables: "iptables-save" } as const;

for (const [backend, tool] of Object.entries(tools)) {
  test(`rules whose tool cannot be asked are not gone: ${backend}`, async ({ machine }) => {
    const rule = await make(machine, "ForwardRule", "drop", { action: "drop", source: "10.9.0.0/24", backend });
    await machine.sh(`mount --bind /dev/null $(command -v ${tool})`);
    await expect(rule.refresh()).rejects.toThrow(`cannot ask ${backend}`);
    await expect(rule.destroy()).rejects.toThrow(`cannot ask ${backend}`);
    await machine.sh(`umount $(command -v ${tool})`);
    expect(await rule.refresh()).toEqual([]);
    await rule.destroy();
  });
}

test("rules in a namespace that is gone are gone", async ({ machine }) => {
  await machine.sh("ip netns add lab");
  const rule = await make(machine, "NatRule", "out", { type: "masquerade", source: "10.9.0.0/24", netns: "lab" });
  await machine.sh("ip netns del lab");
  expect(await rule.refresh()).toBe("gone");
  await rule.destroy();
  await machine.sh("umount /run/netns; rmdir /run/netns; rm -rf /run/linuxnet");
});
