// PortPublish in nftables, by packets.
import { describe, expect } from "vitest";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";
import { adoptBridges, foreignRules, get, neighbourLab } from "./nft-lab.ts";

const web = { hostPort: 8080, targetAddress: "172.18.0.11", targetPort: 80 };
const outside = "http://203.0.113.2:8080/";

describe("a port on every address", () => {
  for (const policy of ["ACCEPT", "DROP"] as const)
    test(`answers from everywhere, with FORWARD ${policy}`, async ({ machine }) => {
      await neighbourLab(machine, policy);
      const before = await foreignRules(machine);
      const bridges = await adoptBridges(machine);
      const publish = await make(machine, "PortPublish", "web", web);
      expect(publish.outputs).toMatchObject({ url: "http://127.0.0.1:8080/", backend: "nftables" });
      expect(await get(machine, outside, "world")).toBe("203.0.113.1");
      expect(await get(machine, outside)).toBe("203.0.113.2");
      for (const url of ["http://127.0.0.1:8080/", "http://172.18.0.1:8080/"])
        expect(await get(machine, url)).toBe("172.18.0.1");
      for (const from of ["ct1", "ct2"] as const) expect(await get(machine, outside, from)).toBe("172.18.0.1");
      expect(await get(machine, outside, "ct3")).not.toBe("nothing");
      expect(await machine.sh("cat /proc/sys/net/ipv4/conf/*/route_localnet | sort -u")).toBe("0");
      for (const one of [publish, ...bridges]) await one.destroy();
      expect(await get(machine, outside, "world", "nothing")).toBe("nothing");
      expect(await foreignRules(machine)).toBe(before);
    });

  test("is no way to any other port, nor to 127.0.0.1, for a neighbour", async ({ machine }) => {
    await neighbourLab(machine);
    await machine.world(
      "ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via 203.0.113.2; echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet",
    );
    await machine.baseline();
    const bridges = await adoptBridges(machine);
    const publish = await make(machine, "PortPublish", "web", web);
    const six = await make(machine, "PortPublish", "six", { ...web, targetAddress: "fd00:18::11" });
    for (const url of ["http://172.18.0.11/", "http://[fd00:18::11]/"])
      expect(await get(machine, url, "world", "nothing")).toBe("nothing");
    for (const from of ["host", "ct3"] as const)
      expect(await get(machine, "http://172.18.0.11/", from)).not.toBe("nothing");
    const local = await make(machine, "PortPublish", "local", { ...web, hostPort: 8081, hostAddress: "127.0.0.1" });
    expect(await get(machine, "http://127.0.0.1:8081/")).toBe("172.18.0.1");
    for (const url of ["http://127.0.0.1:8080/", "http://127.0.0.1:8081/", "http://203.0.113.2:8081/"])
      expect(await get(machine, url, "world", "nothing")).toBe("nothing");
    // Not because nothing came: without our table in the way, the very same packets are seen to arrive.
    await machine.sh(
      `nft 'add table ip seen; add chain ip seen in { type filter hook prerouting priority -500; };
      add rule ip seen in iifname up0 ip daddr 127.0.0.1 tcp dport 8081 counter'`,
    );
    expect(await get(machine, "http://127.0.0.1:8081/", "world", "nothing")).toBe("nothing");
    expect(await machine.sh("nft list table ip seen; nft delete table ip seen")).not.toContain("counter packets 0 ");
    expect(await get(machine, outside, "world")).toBe("203.0.113.1");
    for (const one of [local, six, publish, ...bridges]) await one.destroy();
  });
});

test("a port on one address answers there alone", async ({ machine }) => {
  await neighbourLab(machine);
  const one = { ...web, hostAddress: "203.0.113.2" };
  const publish = await make(machine, "PortPublish", "web", one);
  expect(await get(machine, outside, "world")).toBe("203.0.113.1");
  for (const url of ["http://127.0.0.1:8080/", "http://172.18.0.1:8080/"])
    expect(await get(machine, url, "host", "nothing")).toBe("nothing");
  await publish.up({ ...one, localhost: true });
  expect(await get(machine, "http://127.0.0.1:8080/")).toBe("172.18.0.1");
  await publish.destroy();
});

test("IPv6, with ::1 on the host", async ({ machine }) => {
  await neighbourLab(machine);
  const bridges = await adoptBridges(machine);
  const publish = await make(machine, "PortPublish", "web", { ...web, targetAddress: "fd00:18::11" });
  expect(await get(machine, "http://[2001:db8:203::2]:8080/", "world")).toBe("2001:db8:203::1");
  expect(await get(machine, "http://[::1]:8080/")).toBe("fd00:18::1");
  expect(await get(machine, "http://[2001:db8:203::2]:8080/", "ct2")).toBe("fd00:18::1");
  expect(await get(machine, "http://[fd00:18::11]:81/", "world", "nothing")).toBe("nothing");
  for (const one of [publish, ...bridges]) await one.destroy();
});

test("udp answers outside, on the host and to a sibling, with the address that was asked", async ({ machine }) => {
  await neighbourLab(machine);
  const echo =
    "import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 53))\nwhile 1: d, a = s.recvfrom(99); s.sendto(a[0].encode(), a)";
  await machine.spawn(["/usr/bin/python3", "-c", echo], "ct1");
  await machine.sh("until ip netns exec ct1 ss -Hlun | grep -q :53; do sleep 0.05; done");
  await machine.baseline();
  // A connected socket takes an answer only from the address that it asked.
  const ask = (to: string) =>
    `/usr/bin/python3 -c "import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.connect(('${to}', 5353)); s.send(b'x'); print(s.recv(99).decode())"`;
  const bridges = await adoptBridges(machine);
  const dns = { hostPort: 5353, targetAddress: "172.18.0.11", targetPort: 53, protocol: "udp" };
  const publish = await make(machine, "PortPublish", "dns", dns);
  expect(publish.outputs).not.toHaveProperty("url");
  expect(await machine.world(ask("203.0.113.2"))).toBe("203.0.113.1");
  expect(await machine.sh(ask("127.0.0.1"))).toBe("172.18.0.1");
  expect(await machine.sh(`ip netns exec ct2 ${ask("203.0.113.2")}`)).toBe("172.18.0.1");
  for (const one of [publish, ...bridges]) await one.destroy();
});

test("a change of the target is made in place, and the flows of the former one end", async ({ machine }) => {
  await neighbourLab(machine);
  await machine.spawn(["/usr/bin/python3", "-m", "http.server", "--directory", "/media", "82"], "ct1");
  await machine.sh("until ip netns exec ct1 ss -Hlnt | grep -q :82; do sleep 0.05; done");
  await machine.baseline();
  const established = "conntrack -L -p tcp --orig-port-dst 8080 2>/dev/null | grep -c ESTABLISHED || :";
  const former = { ...web, targetPort: 82 };
  const publish = await make(machine, "PortPublish", "web", former);
  const held = `exec 3<>/dev/tcp/203.0.113.2/8080; echo $$; exec sleep 60`;
  const pid = await machine.world(`bash -c '${held}' 2>/dev/null </dev/null | { read pid; echo $pid; } &`);
  await machine.sh(`until [ "$(${established})" = 1 ]; do sleep 0.05; done`);
  expect((await publish.up(web)).properties).toEqual(["targetPort"]);
  expect(await machine.sh(established)).toBe("0");
  expect(await get(machine, outside, "world")).toBe("203.0.113.1");
  await publish.destroy();
  await machine.sh(`kill ${pid}`);
});

test("a port that is taken is refused by its holder's name, and nothing is changed", async ({ machine }) => {
  await neighbourLab(machine);
  const pid = await machine.spawn(["/usr/bin/python3", "-m", "http.server", "8080"]);
  await machine.sh("until ss -Hlnt | grep -q :8080; do sleep 0.05; done");
  await expect(make(machine, "PortPublish", "web", web)).rejects.toThrow(/port 8080\/tcp is in use by python3/);
  await machine.sh(`kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.05; done`);
  const first = await make(machine, "PortPublish", "first", web);
  const other = await machine.spawn(["/usr/bin/python3", "-m", "http.server", "2222"]);
  await machine.sh("until ss -Hlnt | grep -q :2222; do sleep 0.05; done");
  await expect(first.up({ ...web, hostPort: 2222 })).rejects.toThrow(/port 2222\/tcp is in use by python3/);
  // One that listens where it is published already, from later on, is no reason not to repair it.
  const late = await machine.spawn(["/usr/bin/python3", "-m", "http.server", "8080"]);
  await machine.sh("until ss -Hlnt | grep -q :8080; do sleep 0.05; done");
  await first.up({ ...web, targetPort: 81 });
  await machine.sh(`kill ${other} ${late}; while kill -0 ${other} || kill -0 ${late}; do sleep 0.05; done 2>/dev/null`);
  await expect(make(machine, "PortPublish", "second", { ...web, targetPort: 81 })).rejects.toThrow(
    "port tcp 8080 is held by linuxnet:test/dev/PortPublish/first",
  );
  await first.destroy();
});

test("drift: an element that was deleted, or leads elsewhere; the table gone", async ({ machine }) => {
  await neighbourLab(machine);
  const publish = await make(machine, "PortPublish", "web", web);
  const keeper = await make(machine, "PortPublish", "keeper", { ...web, hostPort: 8090 });
  const element = "inet linuxnet all4";
  await machine.sh(`nft delete element ${element} '{ tcp . 8080 }'`);
  expect(await publish.refresh()).toEqual(["drift"]);
  await publish.up(web);
  expect(await get(machine, outside, "world")).toBe("203.0.113.1");
  await machine.sh("nft delete table inet linuxnet");
  expect(await publish.refresh()).toBe("gone");
  await publish.up(web);
  expect(await get(machine, outside, "world")).toBe("203.0.113.1");
  await publish.destroy();
  await keeper.destroy();
});
