// What a neighbour on the host's segment tries, by packets, on each ground that our rules stand on.
import { describe, expect } from "vitest";
import { long } from "../support/long.ts";
import { machineAddress, worldAddress } from "../support/machine.ts";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";
import {
  attackedLab,
  backendOn,
  container,
  countRepelled,
  type Ground,
  grounds,
  knock,
  leave,
  open,
  type Target,
} from "./attacks-lab.ts";

countRepelled();

/** Everything of a container's, the port too to which one is published: its own address is no way to it. */
const all = (...addresses: string[]): Target[] =>
  addresses.flatMap((to): Target[] => [
    ["tcp", to, 80],
    ["tcp", to, 81],
    ["udp", to, 80],
    ["udp", to, 53],
    ["ping", to, 0],
  ]);

const published: Target[] = [
  ["tcp", machineAddress, 8080],
  ["udp", machineAddress, 5353],
];

const loopback: Target[] = [
  ["tcp", "127.0.0.1", 8080],
  ["tcp", "127.0.0.1", 8081],
  ["tcp", "127.0.0.1", 9001],
  ["udp", "127.0.0.1", 9001],
  ["tcp", "127.0.0.2", 9001],
];

/** Makes 127.0.0.0/8 a network beyond the wire (CVE-2020-8558's way). */
const beyond = (via: string) =>
  `ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via ${via}; echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet`;
const back =
  "ip route del 127.0.0.0/8; ip addr add 127.0.0.1/8 dev lo; echo 0 >/proc/sys/net/ipv4/conf/all/route_localnet";

/** An admin's own translations: of a service's address, and of another port of the host's. */
const admin = `nft 'add table ip admin; add chain ip admin pre { type nat hook prerouting priority dstnat + 10; }
  add rule ip admin pre ip daddr 10.96.0.1 tcp dport 8080 dnat to ${worldAddress}:7000
  add rule ip admin pre ip daddr ${machineAddress} tcp dport 9090 dnat to 10.9.0.3:81'`;

const policies = long ? ["ACCEPT", "DROP"] : ["ACCEPT"];
/** Of iptables beside nft, the long run alone tries what it shares with the other two grounds. */
const tried = long ? grounds : grounds.filter((ground) => ground !== "iptables");

/** What is made on a ground. */
function madeOn(ground: Ground) {
  const backend = backendOn(ground);
  const web = { hostPort: 8080, targetAddress: "10.9.0.2", targetPort: 80, localhost: false, backend };
  const dns = { ...web, hostPort: 5353, targetPort: 53, protocol: "udp" };
  const six = { ...web, hostPort: 8086, targetAddress: "fd00:9::2" };
  const out = { type: "masquerade", source: ["10.9.0.0/24", "fd00:9::/64"], notOutInterface: "br9", backend };
  return { web, dns, six, out };
}

describe.each(tried)("by %s", (ground) => {
  const { web, dns, six, out } = madeOn(ground);

  test.for(policies)(
    "what is published is reached, and straight to containers nothing, with FORWARD %s",
    async (policy, { machine }) => {
      const lab = await attackedLab(machine, ground, `iptables -P FORWARD ${policy}; ip6tables -P FORWARD ${policy}`);
      for (const [name, args] of Object.entries({ web, dns, six }))
        lab.unshift(await make(machine, "PortPublish", name, args));
      expect(await knock(machine, "world", published, 5)).toEqual(["ct1", "ct1"]);
      const inside = all("10.9.0.2", "fd00:9::2");
      expect(await open(machine, "host", inside, 5)).toHaveLength(inside.length);
      expect(await open(machine, "world", inside)).toEqual([]);
      // A network that comes when forwarding is on already.
      const addresses = ["10.10.0.1/24", "fd00:10::1/64"];
      lab.unshift(await make(machine, "Bridge", "br10", { name: "br10", addresses }));
      const ways = ["10.10.0.1", "fd00:10::1"];
      lab.unshift(await container(machine, "ct3", "br10", ["10.10.0.2/24", "fd00:10::2/64"], ways));
      const later = all("10.10.0.2", "fd00:10::2");
      expect(await open(machine, "host", later, 5)).toHaveLength(later.length);
      expect(await open(machine, "world", later)).toEqual([]);
      for (const one of lab) expect(await one.refresh()).toEqual([]);
      // The host is no router for others, and one that is behind it gets nowhere.
      const behind = all("10.11.0.2", "fd00:11::2").filter(([kind, , port]) => kind === "ping" || port === 80);
      expect(await open(machine, "host", behind, 5)).toHaveLength(behind.length);
      expect(await open(machine, "world", behind)).toEqual([]);
      expect(await open(machine, "lan", all(worldAddress, "2001:db8:203::1"))).toEqual([]);
      lab.unshift(await make(machine, "NatRule", "out", out));
      expect(await open(machine, "world", [...inside, ...later, ...behind])).toEqual([]);
      expect(await knock(machine, "world", published, 5)).toEqual(["ct1", "ct1"]);
      await leave(machine, lab);
    },
  );
});

describe.each(tried)("by %s,", (ground) => {
  const { web, out } = madeOn(ground);

  test("nothing on 127.0.0.0/8 is reached, and what goes elsewhere is not taken, where forwarding was on before", async ({
    machine,
  }) => {
    const on = "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding";
    const lab = await attackedLab(machine, ground, `${on}; ${admin}`);
    lab.unshift(await make(machine, "PortPublish", "every", { ...web, localhost: true }));
    lab.unshift(await make(machine, "PortPublish", "own", { ...web, hostPort: 8081, hostAddress: "127.0.0.1" }));
    lab.unshift(await make(machine, "NatRule", "out", out));
    expect(await knock(machine, "host", loopback, 5)).toEqual(["ct1", "ct1", "daemon", "daemon", "daemon"]);
    const inside = all("10.9.0.2", "fd00:9::2");
    expect(await open(machine, "world", [...inside, ["tcp", machineAddress, 8081]])).toEqual([]);
    // To that number on another host, to a service's address that an admin translates, and to an admin's own port.
    const through: Target[] = [
      ["tcp", worldAddress, 8080],
      ["tcp", "10.96.0.1", 8080],
    ];
    expect(await knock(machine, "ct2", through, 5)).toEqual(["world", "world"]);
    const asked: Target[] = [
      ["tcp", machineAddress, 8080],
      ["tcp", machineAddress, 9090],
    ];
    expect(await knock(machine, "world", asked, 5)).toEqual(["ct1", "ct2"]);
    await machine.world(beyond(machineAddress));
    await machine.sh(`ip netns exec ct2 sh -c '${beyond("10.9.0.1")}'`);
    for (const from of ["world", "ct2"]) expect([from, await open(machine, from, loopback)]).toEqual([from, []]);
    await machine.sh(`ip netns exec ct2 sh -c '${back}'`);
    await leave(machine, lab);
  });
});
