// What somebody has deleted by hand, and a refresh has told as deleted, is unknown to the engine: nothing of it stays all the same.
import { expect } from "vitest";
import type { Machine } from "../support/machine.ts";
import { make, type Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

/** A bridge, its way out and a published port, in the order in which they are made. */
async function lab(machine: Machine): Promise<Subject[]> {
  return [
    await make(machine, "Bridge", "lab0", { name: "lab0", addresses: ["10.9.0.1/24"] }),
    await make(machine, "NatRule", "out", { type: "masquerade", source: "10.9.0.0/24", outInterface: "uplink" }),
    await make(machine, "PortPublish", "web", { hostPort: 8080, targetAddress: "10.9.0.2", targetPort: 80 }),
  ];
}

/** What `destroy --refresh` does. */
async function destroy(subjects: readonly Subject[]): Promise<string[]> {
  const told: string[] = [];
  for (const subject of subjects)
    if ((await subject.refresh()) === "gone") told.push(subject.owner.split("/")[2] ?? "");
  for (const subject of subjects.toReversed()) if (subject.exists) await subject.destroy();
  return told;
}

test("a bridge that somebody deleted leaves nothing when the rest goes", async ({ machine }) => {
  const subjects = await lab(machine);
  await machine.sh("ip link del lab0");
  expect(await destroy(subjects)).toEqual(["Bridge"]);
});

test("behind a FORWARD that drops its accept goes too", async ({ machine }) => {
  await machine.sh("iptables -P FORWARD DROP");
  await machine.baseline();
  const subjects = await lab(machine);
  await machine.sh("ip link del lab0");
  expect(await destroy(subjects)).toEqual(["Bridge"]);
});

test("after nft flush ruleset a destroy leaves forwarding as it was", async ({ machine }) => {
  const subjects = await lab(machine);
  await machine.sh("nft flush ruleset");
  expect(await destroy(subjects)).toEqual(["NatRule", "PortPublish"]);
});

test("a cable without a bridge that went with its namespace leaves nothing", async ({ machine }) => {
  const subjects = await lab(machine);
  for (const name of ["green", "blue"]) subjects.push(await make(machine, "Netns", name, { name }));
  subjects.push(
    await make(machine, "VethPair", "cable", {
      name: "web0",
      addresses: ["10.29.0.1/30"],
      peer: { name: "eth0", netns: "blue", addresses: ["10.29.0.2/30"] },
    }),
  );
  await machine.sh("ip netns del blue");
  expect(await destroy(subjects)).toEqual(["Netns", "VethPair"]);
});

test("DNS files that somebody took away leave no folder of theirs when the namespace goes", async ({ machine }) => {
  const subjects = [
    await make(machine, "Netns", "blue", { name: "blue" }),
    await make(machine, "ResolvConf", "dns", { netns: "blue", nameservers: ["10.0.0.1"] }),
  ];
  await machine.sh("rm /etc/netns/blue/resolv.conf");
  expect(await destroy(subjects)).toEqual(["ResolvConf"]);
});

test("another program's are left alone, and so is what stands of one's own", async ({ machine }) => {
  const [bridge, nat, publish] = (await lab(machine)) as [Subject, Subject, Subject];
  const others = ["linuxnet:other/dev/Bridge/lab9@89abcdef", "linuxnet:test/dev/Bridge/lab8@89abcdef"];
  for (const [index, owner] of others.entries())
    await machine.sh(`nft 'add element inet linuxnet nets { "gone${index}" comment "${owner}" }'
      echo '${owner} accept' >/run/linuxnet/forward/${index}`);
  const theirs = () =>
    machine.sh("nft list set inet linuxnet nets; cat /run/linuxnet/forward/*; cat /proc/sys/net/ipv4/ip_forward");
  await publish.destroy();
  expect(await nat.refresh()).toEqual([]);
  expect(await bridge.refresh()).toEqual([]);
  await nat.destroy();
  await bridge.destroy();
  for (const owner of others) expect((await theirs()).split(owner)).toHaveLength(3);
  expect(await theirs()).not.toContain(bridge.owner);
  await machine.sh("nft delete table inet linuxnet; rm -r /run/linuxnet");
});

test("a lab's note stays as long as the lab, whatever else leaves", async ({ machine }) => {
  const networks = { shop: { subnet: "10.5.0.0/24" } };
  const whole = await make(machine, "Lab", "whole", { networks, containers: { web: { network: "shop" } } });
  const subjects = await lab(machine);
  for (const subject of subjects.toReversed()) await subject.destroy();
  expect(await machine.sh("cat /proc/sys/net/ipv4/ip_forward; cat /run/linuxnet/forward/*")).toMatch(
    /^1\n(.*\n)*.*\/Lab\/whole@/,
  );
  expect(await whole.refresh()).toEqual([]);
  await whole.destroy();
});
