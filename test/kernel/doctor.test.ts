// Causes that `linuxnet doctor` finds in a lab with names and a published port: each fault is made, found, and taken back.
import { expect } from "vitest";
import { test } from "../support/test.ts";
import { DoctorLab, type Fault, shop } from "./doctor-lab.ts";

/** The containers' namespaces, and their ports on the bridge. */
const words = `cd /sys/class/net; W=$(ls /run/netns | grep ^web-); C=$(ls /run/netns | grep ^client-)
WV=$(ls | grep ^web-); CV=$(ls | grep ^client-); mac() { ip -n $1 link show eth0 | sed -n 's/.*ether \\(\\S*\\).*/\\1/p'; }`;
const toWorld = "ip -n $C route add default via 10.5.0.1";

const inLinks: Fault[] = [
  { cause: "bridge-down", make: "ip link set br-shop down", undo: "ip link set br-shop up" },
  { cause: "bridge-gone", make: "ip link del br-shop" },
  { cause: "netns-gone", make: "ip netns del $C", more: true },
  { cause: "link-gone", make: "ip link del $CV", more: true },
  { cause: "link-down", make: "ip link set $CV down", undo: "ip link set $CV up" },
  {
    cause: "link-down",
    make: "ip -n $C link set eth0 down",
    undo: `ip -n $C link set eth0 up; ${toWorld}`,
    more: true,
  },
  { cause: "port-detached", make: "ip link set $CV nomaster", more: true },
  { cause: "port-blocked", make: "bridge link set dev $CV state 0", undo: "bridge link set dev $CV state 3" },
  {
    cause: "port-blocked",
    make: "ip link set br-shop type bridge stp_state 1; ip link set $CV down; ip link set $CV up; until grep -q '[12]' $CV/brport/state; do sleep 0.05; done",
    // The port goes on listening, then learning.
    undo: "ip link set br-shop type bridge stp_state 0",
    says: /is (listening|learning), by the spanning tree: .*\n.*\n.*\n.*stp_state 0, or pulumi up --refresh/,
    more: true,
  },
  {
    cause: "port-blocked",
    make: ":",
    undo: "bridge link set dev $CV state 3",
    says: /is (listening|learning), by the spanning tree, which was on until just now/,
    more: true,
  },
  { cause: "mtu", make: "ip link set $CV mtu 1400", undo: "ip link set $CV mtu 1500", says: /more than 1400 bytes/ },
  { cause: "mtu", make: "ip link set up0 mtu 1400", undo: "ip link set up0 mtu 1500", more: true },
  {
    cause: "drift",
    make: "ip link set br-shop mtu 1400",
    undo: "ip link set br-shop mtu 1500",
    says: /mtu is 1400/,
    more: true,
  },
];

const inAddresses: Fault[] = [
  {
    cause: "duplicate-mac",
    make: "mac $C >/media/mac; ip -n $C link set eth0 address $(mac $W)",
    undo: "ip -n $C link set eth0 address $(cat /media/mac)",
  },
  {
    cause: "duplicate-address",
    make: "ip -n $C addr add 10.5.0.3/24 dev eth0",
    undo: "ip -n $C addr del 10.5.0.3/24 dev eth0",
    says: /^eth0 in \w+ and eth0 in \w+ have the same address, 10.5.0.3/,
  },
  {
    cause: "subnet-overlap",
    make: "ip route add 10.5.0.128/25 via 203.0.113.1",
    undo: "ip route del 10.5.0.128/25",
    says: /10\.5\.0\.128\/25 via 203\.0\.113\.1 dev up0/,
  },
  { cause: "gateway-address", make: "ip addr flush dev br-shop", undo: "ip addr add 10.5.0.1/24 dev br-shop" },
  {
    cause: "address-missing",
    make: "ip -n $C addr del 10.5.0.2/24 dev eth0",
    undo: `ip -n $C addr add 10.5.0.2/24 dev eth0; ${toWorld}`,
    more: true,
  },
  { cause: "default-route", make: "ip -n $C route del default", undo: toWorld },
  { cause: "no-uplink", make: "ip route del default", undo: "ip route add default via 203.0.113.1", more: true },
];

/** Programs by their words, but not the shell that looks for them. */
const server = "pgrep -f '[h]ttp.server 80'";
const resolver = "$(pgrep -f '[d]nsmasq .*10.5.0.1')";

const inPrograms: Fault[] = [
  {
    cause: "program-down",
    make: `kill $(${server}); while ${server}; do sleep 0.05; done`,
    says: /The program web\S* does not run/,
  },
  { cause: "dns-unreachable", make: `kill -STOP ${resolver}`, undo: `kill -CONT ${resolver}` },
  { cause: "tool-missing", make: "mount --bind /dev/null /usr/sbin/conntrack", undo: "umount /usr/sbin/conntrack" },
  {
    cause: "conntrack-full",
    make: "echo 1 >/media/max; mount --bind /media/max /proc/sys/net/netfilter/nf_conntrack_max",
    undo: "umount /proc/sys/net/netfilter/nf_conntrack_max",
  },
  {
    cause: "port-held",
    make: "setsid python3 -m http.server 8080 </dev/null >/dev/null 2>&1 & while ! ss -Hlnt | grep -q :8080; do sleep 0.05; done",
    undo: "pkill -f '[h]ttp.server 8080'; while ss -Hlnt | grep -q :8080; do sleep 0.05; done",
    says: /python3 \(pid \d+\)/,
  },
];

test("faults in the links and addresses of a lab are found by their cause, and nothing beside it", async ({
  machine,
}) => {
  const lab = await DoctorLab.make(machine, [shop]);
  await lab.triesAll([...inLinks, ...inAddresses], words);
  await lab.destroy();
});

test("faults in the programs and tools of a lab are found by their cause, and nothing beside it", async ({
  machine,
}) => {
  const lab = await DoctorLab.make(machine, [shop]);
  await lab.triesAll(inPrograms, words);
  await lab.destroy();
});

test("a host without a lab is healthy, or its fault is found", async ({ machine }) => {
  const lab = await DoctorLab.make(machine, []);
  expect(await lab.foundOnHost()).toEqual([]);
  await machine.sh(
    "mount --bind /dev/null /usr/sbin/nft; for t in iptables iptables-save; do mount --bind /dev/null /usr/sbin/$t; done",
  );
  expect((await lab.foundOnHost()).map(({ cause }) => cause)).toEqual(["tool-missing"]);
  await machine.sh("umount /usr/sbin/nft /usr/sbin/iptables /usr/sbin/iptables-save");
});

test("a host that lacks what every script needs is told so, and nothing else of it", async ({ machine }) => {
  const lab = await DoctorLab.make(machine, []);
  await machine.sh("tc=$(command -v tc); mount --bind /dev/null $tc");
  const found = await lab.foundOnHost();
  expect(found.map(({ cause, says, remedy }) => ({ cause, says, remedy }))).toEqual([
    {
      cause: "host-unfit",
      says: "This host cannot be used: tc is missing.",
      remedy: "Install there: apt-get install iproute2.",
    },
  ]);
  await machine.sh("umount $(command -v ip | sed 's/ip$/tc/')");
});
