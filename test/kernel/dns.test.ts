import { expect } from "vitest";
import { ownerKey } from "../../provider/kernel/owner.ts";
import { crud } from "../../provider/lifecycle/crud.ts";
import { definitionOf, make } from "../support/subject.ts";
import { test } from "../support/test.ts";
import { asked, dig, dnsLab, shop } from "./dns-lab.ts";

test("names in every form, both families and the way back, and the rest from the host's own name servers", async ({
  machine,
}) => {
  await dnsLab(machine);
  const resolver = await make(machine, "Resolver", "shop", shop);
  expect(resolver.outputs.upstreams).toEqual(["203.0.113.1"]);
  expect(await dig(machine, "web", "db")).toEqual(["NOERROR", "10.5.0.2"]);
  expect(await dig(machine, "WEB.Shop", "db")).toEqual(["NOERROR", "10.5.0.2"]);
  expect(await dig(machine, "www AAAA @fd00:5::1", "db")).toEqual(["NOERROR", "fd00:5::2"]);
  expect(await dig(machine, "+tcp www.shop", "db")).toEqual(["NOERROR", "10.5.0.2"]);
  expect(await dig(machine, "all", "db")).toEqual(["NOERROR", "10.5.0.2", "10.5.0.3"]);
  expect(await dig(machine, "-x 10.5.0.2", "db")).toEqual(["NOERROR", "web.shop."]);
  expect(await dig(machine, "-x fd00:5::2", "db")).toEqual(["NOERROR", "web.shop."]);
  // Nobody else is asked for what a name of ours has not, nor for names without a dot.
  for (const question of ["db AAAA", "db.shop AAAA", "db.shop MX"])
    expect(await dig(machine, question, "web")).toEqual(["NOERROR"]);
  for (const question of ["nosuch", "nosuch MX", "-x 10.5.0.77", "-x fd00:5::77"])
    expect(await dig(machine, question, "web")).toEqual(["NXDOMAIN"]);
  expect(await asked(machine)).toEqual([]);
  expect(await dig(machine, "up.test", "web")).toEqual(["NOERROR", "192.0.2.7"]);
  expect(await asked(machine)).toEqual(["A up.test"]);
  expect(await resolver.refresh()).toEqual([]);
  expect((await resolver.up(shop)).changes).toBe(false);
  await resolver.destroy();
});

test("it listens on the gateway's addresses alone, as a user without rights", async ({ machine }) => {
  await dnsLab(machine);
  const resolver = await make(machine, "Resolver", "shop", shop);
  const sockets = await machine.sh("ss -Hlnptu '( sport = :53 )' | awk '{ print $1, $5 }' | sort");
  expect(sockets.split("\n")).toEqual([
    "tcp 10.5.0.1:53",
    "tcp [fd00:5::1]:53",
    "udp 10.5.0.1:53",
    "udp [fd00:5::1]:53",
  ]);
  expect(await machine.sh(`stat -c %U /proc/${resolver.outputs.pid}`)).not.toBe("root");
  await resolver.destroy();
});

test("a change of its names is no restart", async ({ machine }) => {
  await dnsLab(machine);
  const resolver = await make(machine, "Resolver", "shop", shop);
  const { pid } = resolver.outputs;
  const more = { ...shop, domain: "lab.example", members: { ...shop.members, new: { addresses: ["10.5.0.9"] } } };
  expect((await resolver.up(more)).properties).toEqual(["domain", "members"]);
  expect(await dig(machine, "new.lab.example")).toEqual(["NOERROR", "10.5.0.9"]);
  expect(await dig(machine, "-x 10.5.0.9")).toEqual(["NOERROR", "new.lab.example."]);
  expect(await dig(machine, "other.lab.example")).toEqual(["NXDOMAIN"]);
  await resolver.up(shop);
  expect(await dig(machine, "new")).toEqual(["NXDOMAIN"]);
  expect(resolver.outputs.pid).toBe(pid);
  // Other addresses are another start.
  await resolver.up({ ...shop, addresses: ["10.5.0.1/24"] });
  expect(resolver.outputs.pid).not.toBe(pid);
  expect(await machine.sh("ss -Hlnu | grep -c '\\[fd00' || :")).toBe("0");
  expect(await dig(machine, "web", "db")).toEqual(["NOERROR", "10.5.0.2"]);
  await resolver.destroy();
});

test("questions are answered while names change", async ({ machine }) => {
  await dnsLab(machine);
  const resolver = await make(machine, "Resolver", "shop", shop);
  await machine.sh(
    "ip netns exec db sh -c 'n=0 bad=0; until [ -e /run/enough ]; do n=$((n+1)); [ \"$(dig +tries=1 +time=2 +short @10.5.0.1 web.shop)\" = 10.5.0.2 ] || bad=$((bad+1)); done; echo $n $bad >/run/count' </dev/null >/dev/null 2>&1 &",
  );
  for (let round = 1; round <= 10; round += 1)
    await resolver.up({
      ...shop,
      members: { ...shop.members, [`c${round}`]: { addresses: [`10.5.0.${100 + round}`] } },
    });
  await machine.sh("touch /run/enough; until [ -s /run/count ]; do sleep 0.05; done");
  const [count, bad] = (await machine.sh("cat /run/count")).split(" ").map(Number);
  expect(count).toBeGreaterThan(10);
  expect(bad).toBe(0);
  await resolver.destroy();
});

test("an internal network reaches its resolver, which asks nobody", async ({ machine }) => {
  await dnsLab(machine, { internal: true });
  const resolver = await make(machine, "Resolver", "shop", { ...shop, forward: false });
  expect(resolver.outputs.upstreams).toEqual([]);
  expect(await dig(machine, "web", "db")).toEqual(["NOERROR", "10.5.0.2"]);
  expect(await dig(machine, "+tcp web @fd00:5::1", "db")).toEqual(["NOERROR", "10.5.0.2"]);
  for (const question of ["up.test", "web.other", ". NS", "-x 8.8.8.8"])
    expect(await dig(machine, question, "db")).toEqual(["NXDOMAIN"]);
  expect(await asked(machine)).toEqual([]);
  await resolver.destroy();
});

test("those of other networks, and neighbours, are not answered", async ({ machine }) => {
  await dnsLab(machine);
  await machine.sh(
    "ip netns add far; ip link add br-far address 02:00:00:00:00:99 type bridge; ip addr add 10.6.0.1/24 dev br-far; ip link set br-far up; ip link add v-far type veth peer name eth0 netns far; ip link set v-far master br-far up; ip -n far addr add 10.6.0.2/24 dev eth0; ip -n far link set eth0 up; ip -n far route add default via 10.6.0.1; sleep 2",
  );
  await machine.baseline();
  const resolver = await make(machine, "Resolver", "shop", shop);
  expect(await dig(machine, "web")).toEqual(["NOERROR", "10.5.0.2"]);
  await expect(dig(machine, "+tries=1 +time=1 web", "far")).rejects.toThrow();
  await machine.world("ip route add 10.5.0.0/24 via 203.0.113.2");
  await expect(machine.world("dig +tries=1 +time=1 @10.5.0.1 web")).rejects.toThrow();
  await machine.world("ip route del 10.5.0.0/24");
  await resolver.destroy();
});

test("what was done to it is seen and repaired", async ({ machine }) => {
  await dnsLab(machine);
  const resolver = await make(machine, "Resolver", "shop", shop);
  const files = await machine.sh("echo /run/linuxnet/dns/*");
  await machine.sh(`echo 10.5.0.66 web >>${files}/hosts`);
  expect(await resolver.refresh()).toEqual(["drift"]);
  await resolver.up(shop);
  await machine.sh("nft flush ruleset; ip link del v-web; sed -i s/113.1/113.9/ /etc/resolv.conf");
  expect(await resolver.refresh()).toEqual(["drift"]);
  await resolver.up(shop);
  expect(resolver.outputs.upstreams).toEqual(["203.0.113.9"]);
  await machine.sh(`rm -r ${files}`);
  expect(await resolver.refresh()).toEqual(["drift"]);
  await resolver.up(shop);
  expect(await resolver.refresh()).toEqual([]);
  expect(await dig(machine, "db")).toEqual(["NOERROR", "10.5.0.3"]);
  await resolver.destroy();
  await machine.baseline();
});

test("it is known as itself after a crash of the engine, and what is gone is deleted with success", async ({
  machine,
}) => {
  await dnsLab(machine);
  const resolver = await make(machine, "Resolver", "shop", shop);
  const { pid } = resolver.outputs;
  resolver.forget();
  await resolver.up(shop);
  expect(resolver.outputs.pid).toBe(pid);
  await resolver.destroy();
  await resolver.destroyAs(shop);
});

test("a resolver that was renamed answers under its new name, once; one that dies starts again by itself", async ({
  machine,
}) => {
  await dnsLab(machine);
  const { update, delete: remove } = crud(definitionOf("Resolver"), () => machine.host);
  const before = await make(machine, "Resolver", "before", shop);
  const owner = `${before.outputs.owner}`.replace("/before@", "/after@");
  const { outs } = await update(before.outputs, { ...before.outputs, owner });
  expect(await machine.sh("ls /run/linuxnet/dns /run/linuxnet/process")).toBe(
    `/run/linuxnet/dns:\n${ownerKey(owner)}\n\n/run/linuxnet/process:\n${ownerKey(owner)}`,
  );
  expect(await dig(machine, "web", "db")).toEqual(["NOERROR", "10.5.0.2"]);
  await machine.sh(`kill -KILL ${outs.pid}`);
  await expect
    .poll(() => dig(machine, "db", "web").catch(() => []), { timeout: 20_000 })
    .toEqual(["NOERROR", "10.5.0.3"]);
  await remove(outs);
});
