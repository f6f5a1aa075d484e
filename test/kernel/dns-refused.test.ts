import { expect } from "vitest";
import { ownerKey } from "../../provider/kernel/owner.ts";
import { crud } from "../../provider/lifecycle/crud.ts";
import { definitionOf, make } from "../support/subject.ts";
import { test } from "../support/test.ts";
import { dig, dnsLab, shop } from "./dns-lab.ts";

test("a port that is held is refused with its holder", async ({ machine }) => {
  await dnsLab(machine);
  const pid = await machine.spawn(["dnsmasq", "-k", "-C", "/dev/null", "--pid-file=", "--user=root"]);
  await machine.sh("until ss -Hlnt | grep -q ':53 '; do sleep 0.05; done");
  await machine.baseline();
  await expect(make(machine, "Resolver", "shop", shop)).rejects.toThrow(
    /^Resolver "shop" on the machine: port 53 of 10\.5\.0\.1 is in use by dnsmasq \(pid \d+\), which listens on every address\. Nothing was changed\. Bind that program to other addresses/,
  );
  await machine.sh(`kill ${pid}; until ! ss -Hlnt | grep -q ':53 '; do sleep 0.05; done`);
  await machine.baseline();
  await (await make(machine, "Resolver", "shop", shop)).destroy();
});

test("a host without dnsmasq is told what to install", async ({ machine }) => {
  await dnsLab(machine);
  await machine.sh("touch /run/nothing; mount --bind /run/nothing /usr/sbin/dnsmasq");
  await machine.baseline();
  await expect(make(machine, "Resolver", "shop", shop)).rejects.toThrow(
    /there is no dnsmasq, which resolves the names of a network\. Nothing was changed\. Install it there: apt-get install dnsmasq-base\.$/,
  );
  await machine.sh("umount /usr/sbin/dnsmasq");
  await machine.baseline();
});

test("a bridge that is not there, or has not the address, is named", async ({ machine }) => {
  await dnsLab(machine);
  await expect(make(machine, "Resolver", "shop", { ...shop, bridge: "nosuch" })).rejects.toThrow(
    "there is no bridge nosuch",
  );
  await expect(make(machine, "Resolver", "shop", { ...shop, addresses: ["10.5.0.4/24"] })).rejects.toThrow(
    "bridge shop0 does not have the address 10.5.0.4/24",
  );
});

test("a firewall of the host's that lets nobody ask it is named, with what lets them in", async ({ machine }) => {
  await dnsLab(machine);
  await machine.sh("iptables -P INPUT DROP; iptables -A INPUT -i lo -j ACCEPT");
  await machine.baseline();
  const error = await make(machine, "Resolver", "shop", shop).catch((thrown: Error) => thrown.message);
  expect(error).toContain("what containers on shop0 ask of its resolver is stopped by the policy drop of INPUT");
  const remedy = /`(iptables-nft -I INPUT [^`]*)`/.exec(`${error}`)?.[1];
  await machine.sh(`${remedy}`);
  await machine.baseline();
  await (await make(machine, "Resolver", "shop", shop)).destroy();
});

test("one that cannot start under its new name answers under its former one", async ({ machine }) => {
  await dnsLab(machine);
  const resolver = await make(machine, "Resolver", "before", shop);
  const owner = `${resolver.outputs.owner}`.replace("/before@", "/after@");
  const inTheWay = `/run/linuxnet/process/${ownerKey(owner)}`;
  await machine.sh(`touch ${inTheWay}; mount --bind /dev/null ${inTheWay}`);
  const { update } = crud(definitionOf("Resolver"), () => machine.host);
  await expect(update(resolver.outputs, { ...resolver.outputs, owner })).rejects.toThrow("The host is as it was.");
  expect(await dig(machine, "web", "db")).toEqual(["NOERROR", "10.5.0.2"]);
  await machine.sh(`umount ${inTheWay}; rm -f ${inTheWay}`);
  await resolver.destroy();
});

test.for([
  ["none", "", []],
  ["a stub that is dead", "nameserver 127.0.0.53", []],
  ["a stub that is dead beside one that is not", "nameserver 127.0.0.53\\nnameserver 203.0.113.1", ["203.0.113.1"]],
  ["itself", "nameserver 10.5.0.1\\nnameserver fe80::1%up0", ["fe80::1%up0"]],
] as const)("the host's name servers: %s", async ([, text, upstreams], { machine }) => {
  await dnsLab(machine);
  await machine.sh(`printf '%b\\n' '${text}' >/etc/resolv.conf`);
  await machine.baseline();
  const resolver = await make(machine, "Resolver", "shop", shop);
  expect(resolver.outputs.upstreams).toEqual(upstreams);
  expect(await dig(machine, "web")).toEqual(["NOERROR", "10.5.0.2"]);
  await resolver.destroy();
});

test("a stub on the loopback is asked when it is there, and what systemd-resolved knows when it is not", async ({
  machine,
}) => {
  await dnsLab(machine);
  await machine.sh("echo 'nameserver 127.0.0.53' >/etc/resolv.conf");
  await machine.sh("mkdir -p /run/systemd/resolve; echo 'nameserver 203.0.113.1' >/run/systemd/resolve/resolv.conf");
  await machine.baseline();
  const resolver = await make(machine, "Resolver", "shop", shop);
  expect(resolver.outputs.upstreams).toEqual(["203.0.113.1"]);
  const stub = ["--bind-interfaces", "--listen-address=127.0.0.53", "--address=/up.test/192.0.2.8", "--user=root"];
  const pid = await machine.spawn(["dnsmasq", "-k", "-C", "/dev/null", "--pid-file=", "--no-resolv", ...stub]);
  await machine.sh("until ss -Hlnu | grep -qF 127.0.0.53:53; do sleep 0.05; done");
  expect(await resolver.refresh()).toEqual(["drift"]);
  await resolver.up(shop);
  expect(resolver.outputs.upstreams).toEqual(["127.0.0.53"]);
  expect(await dig(machine, "up.test", "db")).toEqual(["NOERROR", "192.0.2.8"]);
  await machine.sh(`kill ${pid}; while [ -e /proc/${pid} ]; do sleep 0.02; done`);
  await resolver.destroy();
});
