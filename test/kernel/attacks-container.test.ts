// What a container tries against its host and its neighbours, by packets; and what of a container outlives it.
import { expect } from "vitest";
import { machineAddress, worldAddress } from "../support/machine.ts";
import { make, type Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";
import { at } from "../support/transfer.ts";
import { attackedLab, container, countRepelled, leave, open, serve, type Target } from "./attacks-lab.ts";
import { asked, worldResolver } from "./dns-lab.ts";

countRepelled();

const web = { hostPort: 8080, targetAddress: "10.9.0.2", targetPort: 80 };
const out = { type: "masquerade", source: ["10.9.0.0/24", "fd00:9::/64"], notOutInterface: "br9" };

/** Says to all nodes: I am your router, and fd66::/64 is your network (RFC 4861, 4.2), as often as it takes. */
const advertise = `
import socket, struct, sys, time
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 1800, 1800, 0) + socket.inet_pton(socket.AF_INET6, "fd66::")
for _ in range(5):
    s.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + prefix, ("ff02::1", 0)); time.sleep(0.1)
`;

test("a container that advertises itself as a router steers no route of the host's, also where it forwards (CVE-2020-13401)", async ({
  machine,
}) => {
  // A bridge of another's, which believes what it hears: there the very same packets are seen to work.
  const believing = `ip link add br66 address 02:00:00:00:66:01 type bridge; echo 2 >/proc/sys/net/ipv6/conf/br66/accept_ra
    ip link add v66 address 02:00:00:00:66:02 type veth peer name eth0 netns ct3; ip link set v66 master br66; ip -n ct3 link set eth0 up
    ip link set v66 up; ip link set br66 up; until ip -6 addr show dev br66 scope link -tentative | grep -q fe80; do sleep 0.05; done`;
  const lab = await attackedLab(machine, "nftables", believing);
  lab.unshift(await make(machine, "NatRule", "out", out));
  await machine.sh("until ip -n ct2 -6 addr show dev eth0 scope link -tentative | grep -q fe80; do sleep 0.05; done");
  const routes = "ip -6 route show table all | grep -e ra -e fd66 || :; ip -6 addr | grep fd66 || :";
  for (const from of ["ct2", "ct3"]) {
    expect(await machine.sh(routes)).toBe("");
    await machine.sh(`ip netns exec ${from} /usr/bin/python3 -c '${advertise}'`);
  }
  expect(await machine.sh(routes)).toMatch(/default via fe80::\S+ dev br66 proto ra/);
  expect(await machine.sh(routes)).not.toContain("br9");
  await machine.sh("ip -6 route flush proto ra; ip -6 addr flush dev br66 scope global; ip -6 route del fd66::/64");
  await leave(machine, lab);
});

test("a container of an internal network reaches of its host the resolver alone, and nothing outside (CVE-2024-29018)", async ({
  machine,
}) => {
  const lab = await attackedLab(machine, "nftables", async () => {
    await worldResolver(machine);
    // The host's own resolver listens on the loopback, and is asked by those that ask the resolver of the network.
    await serve(machine, "host", "stub", [53], ["127.0.0.53"]);
    await serve(machine, "host", "host", [9002], ["0.0.0.0", "::"]);
    await machine.sh("echo 'nameserver 127.0.0.53' >/etc/resolv.conf");
  });
  const addresses = ["10.10.0.1/24", "fd00:10::1/64"];
  lab.unshift(await make(machine, "PortPublish", "web", web));
  lab.unshift(await make(machine, "Bridge", "br10", { name: "br10", addresses, internal: true }));
  lab.unshift(await container(machine, "ct3", "br10", ["10.10.0.2/24", "fd00:10::2/64"], ["10.10.0.1", "fd00:10::1"]));
  const members = { ct3: { addresses: ["10.10.0.2"] } };
  lab.unshift(
    await make(machine, "Resolver", "inner", {
      network: "inner",
      bridge: "br10",
      addresses: ["10.10.0.1/24"],
      members,
      forward: false,
    }),
  );
  const own: Target[] = ["10.10.0.1", "fd00:10::1", machineAddress, "10.9.0.1"].flatMap((to): Target[] => [
    ["tcp", to, 9002],
    ["udp", to, 9002],
    ["tcp", to, 8080],
  ]);
  expect(
    await open(
      machine,
      "host",
      own.filter(([, , port]) => port === 9002),
      5,
    ),
  ).toHaveLength(8);
  const elsewhere: Target[] = [
    ...["10.9.0.2", "fd00:9::2"].flatMap((to): Target[] => [
      ["tcp", to, 80],
      ["udp", to, 53],
      ["ping", to, 0],
    ]),
    ["tcp", worldAddress, 8080],
    ["udp", worldAddress, 53],
    ["ping", worldAddress, 0],
    ["ping", "2001:db8:203::1", 0],
  ];
  expect(await open(machine, "ct3", [...own, ...elsewhere])).toEqual([]);
  const beyond =
    "ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via 10.10.0.1; echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet";
  await machine.sh(`ip netns exec ct3 sh -c '${beyond}'`);
  const loopback: Target[] = [
    ["tcp", "127.0.0.1", 9001],
    ["udp", "127.0.0.53", 53],
    ["tcp", "127.0.0.1", 8080],
  ];
  expect(await open(machine, "ct3", loopback)).toEqual([]);
  const names = await machine.sh(
    "ip netns exec ct3 dig +tries=1 +time=2 +short ct3 @10.10.0.1; ip netns exec ct3 dig +tries=1 +time=2 +short up.test @10.10.0.1",
  );
  expect(names).toBe("10.10.0.2");
  expect(await asked(machine)).toEqual([]);
  await machine.sh(
    "ip netns exec ct3 sh -c 'ip route del 127.0.0.0/8; ip addr add 127.0.0.1/8 dev lo; echo 0 >/proc/sys/net/ipv4/conf/all/route_localnet'",
  );
  await leave(machine, lab);
});

/** The flows of an address or a port that the host still knows. */
const flows = (what: string) => `conntrack -L 2>/dev/null | grep -c '${what}' || :`;

/** Talks on one connection or socket, again and again, and notes what came back. */
const talk = (kind: "tcp" | "udp", to: string, port: number) => `
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_${kind === "tcp" ? "STREAM" : "DGRAM"}); s.settimeout(1); s.connect(("${to}", ${port}))
${kind === "tcp" ? "s.recv(99)" : ""}
n = 0
while True:
    try: s.send(b"?"); n += len(s.recv(99)) > 0
    except OSError as e: pass
    open("/run/talk-${port}-${to}", "w").write(str(n)); time.sleep(0.05)
`;

test("flows end with what let them in, and go on with what stays", async ({ machine }) => {
  const lab = await attackedLab(machine, "nftables", "ip addr add 203.0.113.3/24 dev up0");
  const dns = { ...web, hostPort: 5353, targetPort: 53, protocol: "udp" };
  const tcp = await make(machine, "PortPublish", "web", web);
  const udp = await make(machine, "PortPublish", "dns", dns);
  const nat = await make(machine, "NatRule", "out", out);
  const talking = [
    ["world", "tcp", machineAddress, 8080],
    ["world", "tcp", "203.0.113.3", 8080],
    ["world", "udp", machineAddress, 5353],
    ["ct2", "tcp", worldAddress, 7000],
  ] as const;
  const pids: number[] = [];
  for (const [from, kind, to, port] of talking)
    pids.push(await machine.spawn([...at(from), "/usr/bin/python3", "-c", talk(kind, to, port)]));
  const count = async (port: number, to: string) =>
    Number(await machine.sh(`cat /run/talk-${port}-${to} 2>/dev/null || echo 0`));
  const goesOn = async (port: number, to: string) => {
    const before = await count(port, to);
    await expect.poll(() => count(port, to), { timeout: 10_000 }).toBeGreaterThan(before + 2);
  };
  const ended = async (port: number, to: string) => {
    const before = await count(port, to);
    await machine.sh("sleep 0.5");
    expect(await count(port, to)).toBeLessThanOrEqual(before + 1);
  };
  for (const [, , to, port] of talking) await goesOn(port, to);
  // Narrowed to one address: the flows to the other one end, those to this one go on.
  const narrow = { ...web, hostAddress: machineAddress };
  await tcp.up(narrow);
  await ended(8080, "203.0.113.3");
  await goesOn(8080, machineAddress);
  expect(await machine.sh(flows("dst=203.0.113.3 .*dport=8080 .*ASSURED"))).toBe("0");
  // A change that moves nothing touches no flow: the kernel's own is the same one.
  const id = "conntrack -L -p udp --orig-port-dst 5353 -o id 2>/dev/null | sed 's/.*id=//'";
  const before = await machine.sh(id);
  await udp.up({ ...dns, hairpin: false });
  expect(await machine.sh(id)).toBe(before);
  await goesOn(5353, machineAddress);
  // Unpublished: nothing comes in any more on what was open.
  await udp.destroy();
  await tcp.destroy();
  await ended(5353, machineAddress);
  await ended(8080, machineAddress);
  // A container that goes takes its flows with it: the next one at its address inherits none.
  await goesOn(7000, worldAddress);
  const [two, ...others] = lab as [Subject, ...Subject[]];
  expect(await machine.sh(flows("10.9.0.3"))).not.toBe("0");
  await two.destroy();
  expect(await machine.sh(flows("10.9.0.3"))).toBe("0");
  await machine.sh(`kill -9 ${pids.join(" ")} 2>/dev/null; rm -f /run/talk-*`);
  await leave(machine, [nat, ...others]);
});

test("where nft does not work, a resolver answers its own network and the host, and no neighbour", async ({
  machine,
}) => {
  const lab = await attackedLab(machine, "iptables without nft");
  const args = {
    network: "shop",
    bridge: "br9",
    addresses: ["10.9.0.1/24", "fd00:9::1/64"],
    members: { web: { addresses: ["10.9.0.2"] } },
  };
  const resolver = await make(machine, "Resolver", "shop", args);
  const ask = (server: string, how = "") => `dig ${how} +tries=1 +time=2 +short web @${server}`;
  for (const server of ["10.9.0.1", "fd00:9::1"])
    for (const how of ["", "+tcp"]) {
      expect(await machine.sh(`ip netns exec ct2 ${ask(server, how)}`)).toBe("10.9.0.2");
      expect(await machine.sh(ask(server, how))).toBe("10.9.0.2");
      await expect(machine.world(ask(server, how))).rejects.toThrow();
    }
  expect(await resolver.refresh()).toEqual([]);
  await machine.sh("iptables -t raw -F LINUXNET-RAW");
  expect(await resolver.refresh()).toEqual(["drift"]);
  await resolver.up(args);
  await expect(machine.world(ask("10.9.0.1"))).rejects.toThrow();
  await leave(machine, [resolver, ...lab]);
});
