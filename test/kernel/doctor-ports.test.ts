// Causes that `linuxnet doctor` finds in uplinks, published ports and name servers, in a lab of single resources: each fault is
// made, found, and taken back.
import { expect } from "vitest";
import type { Machine } from "../support/machine.ts";
import { test } from "../support/test.ts";
import { DoctorLab, type Entry, type Fault, textOf } from "./doctor-lab.ts";

const cable = (name: string, address: string): Entry => [
  "VethPair",
  name,
  {
    name: `v-${name}`,
    bridge: "lab0",
    peer: {
      name: "eth0",
      netns: name,
      addresses: [`10.6.0.${address}/24`, `fd06::${address}/64`],
      gateway: "10.6.0.1",
    },
  },
];

const lab: Entry[] = [
  ["Netns", "ct1", { name: "ct1" }],
  ["Netns", "ct2", { name: "ct2" }],
  ["Bridge", "lab0", { name: "lab0", addresses: ["10.6.0.1/24", "fd06::1/64"] }],
  cable("ct1", "11"),
  cable("ct2", "12"),
  // Before those by nft, which let their own through its chains.
  [
    "PortPublish",
    "own",
    { hostPort: 8082, hostAddress: "127.0.0.1", targetAddress: "10.6.0.11", targetPort: 82, backend: "iptables" },
  ],
  ["NatRule", "out", { type: "masquerade", source: "10.6.0.0/24", outInterface: "uplink" }],
  ["PortPublish", "web", { hostPort: 8081, targetAddress: "10.6.0.11", targetPort: 81 }],
  ["ResolvConf", "dns1", { netns: "ct1", nameservers: ["203.0.113.1"] }],
  ["ResolvConf", "dns2", { netns: "ct2", nameservers: ["10.6.0.1"] }],
];

/** Programs that the faults start and end: what listens, and name servers. */
const words = `
serve() { nsenter --net=/run/netns/ct1 setsid python3 -m http.server $1 --bind $2 </dev/null >/dev/null 2>&1 & until nsenter --net=/run/netns/ct1 ss -Hlnt | grep -q ":$1 "; do sleep 0.05; done; }
unserve() { kill $(pgrep -f "http.server $1 "); while nsenter --net=/run/netns/ct1 ss -Hlnt | grep -q ":$1 "; do sleep 0.05; done; }
names() { dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --bind-interfaces --listen-address=$1 $2; until ss -Hlnu | grep -q "$1:53 "; do sleep 0.05; done; }
unnames() { kill $(pgrep -f "listen-address=$1"); while ss -Hlnu | grep -q "$1:53 "; do sleep 0.05; done; }
second() { ip link add up1 type veth peer name far1; ip addr add 198.51.100.2/24 dev up1; ip link set up1 up; ip link set far1 up; }
`;

const faults: Fault[] = [
  {
    cause: "nothing-listens",
    make: "unserve 81",
    undo: "serve 81 0.0.0.0",
    says: /In ct1 nothing listens on port 81\/tcp, which port 8081/,
  },
  {
    cause: "listens-on-loopback",
    make: "unserve 81; serve 81 127.0.0.1",
    undo: "unserve 81; serve 81 0.0.0.0",
    says: /port 81 is listened on at 127.0.0.1 only/,
  },
  {
    cause: "route-localnet-off",
    make: "echo 0 >/proc/sys/net/ipv4/conf/lab0/route_localnet",
    undo: "echo 1 >/proc/sys/net/ipv4/conf/lab0/route_localnet",
  },
  {
    cause: "ipv6-off",
    make: "echo 1 >/proc/sys/net/ipv6/conf/lab0/disable_ipv6",
    undo: "echo 0 >/proc/sys/net/ipv6/conf/lab0/disable_ipv6; ip addr add fd06::1/64 dev lab0 nodad",
  },
  {
    cause: "dns-loopback",
    make: "unnames 10.6.0.1; names 127.0.0.1",
    undo: "unnames 127.0.0.1; names 10.6.0.1",
    says: /ct2 asks 10.6.0.1, and the host's name server listens on 127.0.0.1 only[\s\S]*127.0.0.1:53 dnsmasq/,
  },
  {
    cause: "dns-loopback",
    make: "cp /etc/netns/ct2/resolv.conf /media/; sed -i 's/10.6.0.1/127.0.0.53/' /etc/netns/ct2/resolv.conf",
    undo: "cat /media/resolv.conf >/etc/netns/ct2/resolv.conf",
    says: /nameserver 127.0.0.53/,
    more: true,
  },
  {
    cause: "masquerade-uplink",
    make: "second; ip route del default; ip route add default via 203.0.113.1 metric 200; ip route add default via 198.51.100.1 metric 100",
    undo: "ip link del up1; ip route del default; ip route add default via 203.0.113.1",
    says: /NatRule out: outInterface up0[\s\S]*dev up1/,
  },
  {
    cause: "two-uplinks",
    make: "second; ip route replace default nexthop via 203.0.113.1 nexthop via 198.51.100.1",
    undo: "ip link del up1; ip route replace default via 203.0.113.1",
    says: /default over up0 and up1/,
  },
  {
    cause: "rp-filter",
    make: "second; ip route add default via 198.51.100.1 metric 100; echo 1 >/proc/sys/net/ipv4/conf/up1/rp_filter",
    undo: "ip link del up1",
    says: /rp_filter is strict on up1/,
  },
];

/** What the lab is for: programs that serve, and name servers here and in the world. */
async function begin(machine: Machine): Promise<void> {
  await machine.sh(`${words}\nserve 81 0.0.0.0; serve 82 0.0.0.0; names 10.6.0.1`);
  await machine.world("dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --listen-address=203.0.113.1");
}

test("faults in uplinks, ports and names are found by their cause, and nothing beside it", async ({ machine }) => {
  const doctor = await DoctorLab.make(machine, lab);
  await begin(machine);
  await doctor.triesAll(faults, words);

  // What one container asks for is not told when only the other one is asked about.
  await machine.sh(`${words}\nunserve 81; unserve 82`);
  expect((await doctor.found("ct2")).map(textOf)).toEqual([]);
  expect((await doctor.found("ct1")).map(({ cause }) => cause)).toEqual(["nothing-listens", "nothing-listens"]);
  await expect(doctor.found("ct3")).rejects.toThrow(
    "there is no container and no network ct3 in lab/dev. Did you mean ct1? There are ct1, ct2, lab0.",
  );

  await machine.world("pkill -f '[l]isten-address=203.0.113.1'");
  expect((await doctor.found()).map(({ cause }) => cause)).toEqual([
    "nothing-listens",
    "nothing-listens",
    "dns-unreachable",
  ]);
  await machine.sh(`${words}\nunnames 10.6.0.1`);
  await doctor.destroy();
});

test("a kernel that lacks what a lab needs is the cause of what differs by it", async ({ machine }) => {
  const doctor = await DoctorLab.make(machine, lab.slice(0, 5));
  // As the state of another host would have it, where the kernel has netem.
  for (const { kind, outputs, inputs } of doctor.stack.resources)
    if (kind === "VethPair") for (const bag of [outputs, inputs]) bag.impairment = { delay: "50ms" };
  const found = await doctor.found();
  const there = (await machine.exec("tc qdisc add dev lo root netem delay 1ms && tc qdisc del dev lo root")).code === 0;
  expect(found.map(({ cause }) => cause)).toEqual(there ? ["drift", "drift"] : ["kernel-feature"]);
  await doctor.destroy();
});
