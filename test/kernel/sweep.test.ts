// What `linuxnet ls` finds on a host, and what `linuxnet sweep` removes: against the real kernel, of every kind of resource.
import { expect } from "vitest";
import { inventory, inWords, type Owned } from "../../provider/cli/inventory.ts";
import { stackOf } from "../../provider/cli/stack.ts";
import { knownBy } from "../../provider/cli/sweeping/known.ts";
import { removeOwned } from "../../provider/cli/sweeping/removal.ts";
import { sorted, usedBy } from "../../provider/cli/sweeping/sorted.ts";
import type { Machine } from "../support/machine.ts";
import { samples } from "../support/samples.ts";
import { make, type Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

/** One of each kind, and some that stand in other ways: in a namespace, in iptables, in a Lab. */
async function everything(machine: Machine): Promise<Subject[]> {
  const subjects: Subject[] = [];
  const add = async (kind: string, name: string, more: object = {}) =>
    void subjects.push(await make(machine, kind, name, { ...samples[kind], ...more }));
  await add("Netns", "ct1");
  await add("Bridge", "lab0");
  await add("VethPair", "cable");
  await add("NatRule", "out");
  await add("ForwardRule", "let");
  await add("PortPublish", "web");
  await add("PortPublish", "by-iptables", { hostPort: 8081, backend: "iptables" });
  await add("ResolvConf", "dns", { hosts: { db: "172.18.0.12" } });
  await add("Resolver", "names");
  await add("Vxlan", "tunnel", { local: "203.0.113.2", remotes: ["203.0.113.1"], bridge: undefined });
  await add("Lab", "bench", { containers: { web: { network: "shop", publish: ["8082:80"] } } });
  await add("Process", "sleeper", { command: ["sleep", "1000"] });
  await add("Bridge", "inside", { name: "br-in", addresses: ["10.9.0.1/24"], netns: "ct1" });
  await add("NatRule", "inside", { source: "10.9.0.0/24", outInterface: undefined, netns: "ct1" });
  return subjects;
}

const words = (owned: readonly Owned[]) => owned.map(inWords);

/** A stack whose state knows some owners. */
function stackWith(owners: readonly string[]) {
  const urn = "urn:pulumi:dev::test::pulumi:pulumi:Stack::test-dev";
  const resource = (owner: string) => {
    const kind = owner.split("/")[2] ?? "";
    return { urn: `${urn}${owner}`, type: `pulumi-nodejs:dynamic/linuxnet:${kind}`, outputs: { owner } };
  };
  return stackOf("dev", owners.map(resource), urn);
}

test("everything that is ours is found, each with its owner; all of it is removed, and nothing else", async ({
  machine,
}) => {
  // What stands there of others carries no owner, or a text that only looks like one.
  await machine.sh(
    "ip link add other0 type bridge; ip link set other0 alias 'not linuxnet:x'; ip netns add theirs; nft add table inet theirs; mkdir -p /etc/netns/theirs; echo nameserver 9.9.9.9 >/etc/netns/theirs/resolv.conf",
  );
  await machine.baseline();
  const subjects = await everything(machine);
  const owned = await inventory(machine.host);
  const sealed = new Set(subjects.map(({ sealed }) => sealed));
  const lab = subjects.find(({ owner }) => owner.includes("/Lab/"))?.sealed.split("@")[0];
  const found = new Set(
    owned.map(({ owner }) => (owner.startsWith(`${lab}/`) ? `${lab}@${owner.split("@")[1]}` : owner)),
  );
  expect([...found].toSorted()).toEqual([...sealed].toSorted());
  expect(words(owned)).toEqual(
    expect.arrayContaining(["namespace ct1", "bridge lab0", "veth eth0 in ct1", "bridge br-in in ct1"]),
  );

  // A state that knows all: nothing is an orphan, the parts of a Lab neither.
  const all = knownBy([stackWith([...sealed])], false);
  expect(owned.filter(({ owner }) => all.relationOf(owner) !== "known")).toEqual([]);
  const none = knownBy([stackWith([])], false);
  expect(new Set(owned.map(({ owner }) => none.relationOf(owner)))).toEqual(new Set(["orphan"]));

  expect(await removeOwned(machine.host, owned)).toEqual([]);
  expect(words(await inventory(machine.host))).toEqual([]);
  await machine.expectClean();
});

test("what a state knows stays as it is, while what it does not know goes", async ({ machine }) => {
  const kept = [await make(machine, "Netns", "ct1", { name: "ct1" })];
  kept.push(await make(machine, "Bridge", "lab0", samples.Bridge ?? {}));
  kept.push(await make(machine, "PortPublish", "web", samples.PortPublish ?? {}));
  const gone = [await make(machine, "VethPair", "cable", samples.VethPair ?? {})];
  gone.push(await make(machine, "PortPublish", "other", { ...samples.PortPublish, hostPort: 8081 }));
  const known = knownBy([stackWith(kept.map(({ sealed }) => sealed))], false);
  const orphans = (await inventory(machine.host)).filter(({ owner }) => known.relationOf(owner) === "orphan");
  expect(new Set(orphans.map(({ owner }) => owner))).toEqual(new Set(gone.map(({ sealed }) => sealed)));
  expect(await removeOwned(machine.host, orphans)).toEqual([]);
  for (const subject of kept) expect(await subject.refresh()).toEqual([]);
  for (const subject of kept.toReversed()) await subject.destroy();
});

test("what was taken over is released as it was; what cannot be removed does not keep the rest from going", async ({
  machine,
}) => {
  await machine.sh(
    "ip link add br7 address 02:00:00:00:00:77 type bridge; ip link set br7 mtu 1400 alias mine; ip link set br7 up; ip link set br7 down",
  );
  await machine.baseline();
  await make(machine, "Bridge", "taken", { name: "br7", addresses: ["10.8.0.1/24"], adopt: true });
  await make(machine, "Netns", "gone", { name: "gone" });
  const owned = await inventory(machine.host);
  const odd = { ...(owned.find(({ what }) => what === "namespace") as Owned), name: "no such name!" } as Owned;
  const failures = await removeOwned(machine.host, [odd, ...owned]);
  expect(failures).toMatchObject([{ what: "namespace no such name!", why: expect.stringContaining("name must") }]);
  await machine.expectClean();
});

test("a namespace and a bridge stay as long as what a state knows is in them", async ({ machine }) => {
  const netns = await make(machine, "Netns", "ct1", { name: "ct1" });
  const bridge = await make(machine, "Bridge", "lab0", samples.Bridge ?? {});
  const cable = await make(machine, "VethPair", "cable", samples.VethPair ?? {});
  const owned = await inventory(machine.host);
  const stack = stackWith([cable.sealed]);
  const known = knownBy([stack], false);
  const found = sorted(owned, known, await usedBy([stack]), false);
  expect(found.going).toEqual([]);
  expect(new Set(found.needed.map(({ owner }) => owner))).toEqual(new Set([netns.sealed, bridge.sealed]));
  // By its inputs alone too, when the cable is gone.
  for (const resource of stack.resources) Object.assign(resource.outputs, samples.VethPair);
  await cable.destroy();
  const left = await inventory(machine.host);
  expect(sorted(left, known, await usedBy([stack]), false).going).toEqual([]);
  expect(words(sorted(left, knownBy([stackWith([])], false), await usedBy([]), false).going)).toContain("bridge lab0");
  await bridge.destroy();
  await netns.destroy();
});

test("owners of other projects, stacks and people are not orphans", () => {
  const seal = "linuxnet:test/dev/Bridge/a@11111111";
  const { relationOf } = knownBy([stackWith([seal])], false);
  expect(relationOf(seal)).toBe("known");
  expect(relationOf("linuxnet:test/dev/Bridge/b@11111111")).toBe("orphan");
  expect(relationOf("linuxnet:test/dev/Bridge/b@22222222")).toBe("other");
  expect(relationOf("linuxnet:test/prod/Bridge/b@11111111")).toBe("other");
  expect(relationOf("linuxnet:shop/dev/Bridge/b@11111111")).toBe("other");
  const whole = knownBy([stackWith([seal])], true);
  expect(whole.relationOf("linuxnet:test/gone/Bridge/b@11111111")).toBe("orphan");
});
