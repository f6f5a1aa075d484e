import type { Slot, Theme } from "./theme.ts";

/** What an admin has on the machine: a bridge with a namespace behind it, a route, rules of both tools, DNS files, a program. */
export const admin = `
ip link add adm0 address 02:00:00:00:00:77 type bridge; ip addr add 10.77.0.1/24 dev adm0
ip link set adm0 addrgenmode none up; ip netns add theirs
ip link add t0 address 02:00:00:00:00:78 type veth peer name eth0 address 02:00:00:00:00:79 netns theirs
ip link set t0 master adm0 addrgenmode none up; ip -n theirs link set lo up
ip -n theirs link set eth0 addrgenmode none up; ip -n theirs addr add 10.77.0.2/24 dev eth0
ip -n theirs route add default via 10.77.0.1; ip route add 10.78.0.0/16 via 10.77.0.2
nft 'add table inet admin; add chain inet admin c { type filter hook input priority 50; }; add rule inet admin c tcp dport 9999 drop comment "admin"'
mkdir -p /etc/netns/theirs; echo 'nameserver 10.77.0.1' >/etc/netns/theirs/resolv.conf
setsid sleep 100000 </dev/null >/dev/null 2>&1 &
ip netns exec theirs nft 'add table ip t'`;

/** A namespace by a slot's name. */
export const netns = (name: string): Slot => ({
  kind: "Netns",
  variants: {
    plain: { name },
    routing: { name, sysctls: { "net.ipv4.ip_forward": "1", "net.ipv4.conf.all.rp_filter": "0" } },
    quiet: { name, loopback: false },
    other: { name: `${name}2` },
  },
  drifts: {
    delete: `ip netns del @${name}`,
    "lo down": `ip -n @${name} link set lo down`,
    "lo up": `ip -n @${name} link set lo up`,
    "foreign settings": `ip netns exec @${name} sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2`,
    "foreign routing": `ip netns exec @${name} sysctl -qw net.ipv4.ip_forward=0`,
  },
});

/** A bridge of the slot `lab`. */
export const bridge: Slot = {
  kind: "Bridge",
  variants: {
    plain: { name: "lab0", addresses: ["10.9.0.1/24"] },
    both: { name: "lab0", addresses: ["10.9.0.1/24", "fd09::1/64"], mtu: 1400 },
    many: { name: "lab0", addresses: ["10.9.0.1/24", "10.9.0.9/24", "10.19.0.1/16"] },
    closed: { name: "lab0", addresses: ["10.9.0.1/24"], isolate: true, stp: true },
    inner: { name: "lab0", addresses: ["10.9.0.1/24"], internal: true, macAddress: "02:00:00:00:09:01" },
    other: { name: "lab1", addresses: ["10.9.0.1/24"] },
  },
  drifts: {
    delete: "ip link del @lab",
    down: "ip link set @lab down",
    mtu: "ip link set @lab mtu 1300",
    mac: "ip link set @lab address 02:00:00:00:09:99",
    stp: "ip link set @lab type bridge stp_state 1",
    "flush addresses": "ip addr flush dev @lab",
    "another address": "ip addr add 10.9.0.200/24 dev @lab",
    "another order of addresses":
      "set -- $(ip -4 -o addr show dev @lab | awk '{ print $4 }'); ip addr flush dev @lab; for a in 10.9.0.9/24 \"$@\"; do ip addr add $a dev @lab; done",
    "flush routes": "ip route flush dev @lab; ip -6 route flush dev @lab",
    "flush nets": "nft flush set inet linuxnet nets",
    "flush isolated": "nft flush set inet linuxnet isolated",
    "delete the table": "nft delete table inet linuxnet",
    "flush a chain": "nft flush chain inet linuxnet forward",
    "foreign advertisements": "sysctl -qw net.ipv6.conf.@lab.accept_ra=2 net.ipv4.conf.@lab.send_redirects=1",
  },
};

const peer = { name: "eth0", netns: "@blue", addresses: ["10.9.0.2/24"], gateway: "10.9.0.1" };
const one = { name: "web0", bridge: "@lab" };

/** A cable from the slot `blue` to the slot `lab`. */
export const cable: Slot = {
  kind: "VethPair",
  needs: ["blue", "lab"],
  variants: {
    plain: { ...one, peer },
    port: { ...one, hairpin: true, isolated: true, mtu: 1400, peer },
    routes: {
      ...one,
      peer: { ...peer, routes: [{ to: "10.7.0.0/16", via: "10.9.0.7", metric: 50 }, { to: "10.6.0.0/16" }] },
    },
    both: {
      ...one,
      peer: { ...peer, addresses: ["10.9.0.2/24", "10.9.0.3/24", "fd09::2/64"], gateway: ["10.9.0.1", "fd09::1"] },
    },
    slow: { ...one, impairment: { rate: "10mbit" }, peer: { ...peer, impairment: { rate: "1mbit" } } },
    loose: {
      name: "web0",
      addresses: ["10.29.0.1/30"],
      peer: { ...peer, addresses: ["10.29.0.2/30"], gateway: "10.29.0.1" },
    },
    bare: { ...one, peer: { name: "eth0", netns: "@blue" } },
    other: { ...one, peer: { ...peer, name: "eth1" } },
  },
  leaves: ["loose"],
  unless: { detach: ["loose"] },
  drifts: {
    delete: "ip link del web0",
    down: "ip link set web0 down",
    "far end down": "ip -n @blue link set eth0 down",
    "one mtu": "ip link set web0 mtu 1280",
    mac: "ip -n @blue link set eth0 address 02:00:00:00:09:98",
    detach: "ip link set web0 nomaster",
    "to another bridge": "ip link set web0 master adm0",
    "flip port flags": "bridge link set dev web0 hairpin on isolated on",
    "flush addresses": "ip -n @blue addr flush dev eth0",
    "another address": "ip -n @blue addr add 10.9.0.77/24 dev eth0",
    "flush routes": "ip -n @blue route flush all; ip -n @blue -6 route flush all",
    "another gateway": "ip -n @blue route replace default via 10.9.0.250",
    "foreign route": "ip -n @blue route add 10.5.0.0/16 via 10.9.0.5",
    "rename here": "ip link set web0 down; ip link set web0 name away0; ip link set away0 up",
    "rename there": "ip -n @blue link set eth0 down; ip -n @blue link set eth0 name away1",
    "move here": "ip link set web0 netns theirs",
    "move there": "ip -n @blue link set eth0 netns theirs",
    // Where no impairment is declared nobody asks for one.
    "foreign rate": "tc qdisc replace dev web0 root tbf rate 5mbit burst 10k latency 50ms",
    fast: "tc qdisc del dev web0 root; ip netns exec @blue tc qdisc del dev eth0 root",
  },
};

const wire: Slot = {
  kind: "VethPair",
  needs: ["blue", "red"],
  variants: {
    plain: {
      name: "w0",
      netns: "@blue",
      addresses: ["10.8.0.1/30"],
      peer: { name: "w1", netns: "@red", addresses: ["10.8.0.2/30"] },
    },
    routed: {
      name: "w0",
      netns: "@blue",
      addresses: ["10.8.0.1/30", "fd08::1/64"],
      routes: [{ to: "10.50.0.0/16", via: "10.8.0.2" }],
      peer: { name: "w1", netns: "@red", addresses: ["10.8.0.2/30", "fd08::2/64"], gateway: ["10.8.0.1", "fd08::1"] },
    },
    swapped: { name: "w0", netns: "@red", peer: { name: "w1", netns: "@blue" } },
  },
  drifts: {
    delete: "ip -n @blue link del w0 || ip -n @red link del w0",
    down: "ip -n @blue link set w0 down; ip -n @red link set w1 down",
    // The pair is made anew, and the one that was moved stays (docs/trust.md, What is not shown).
    "foreign swap": "ip -n @blue link set w0 netns @red; ip -n @red link set w1 netns @blue",
    "flush addresses": "ip -n @blue addr flush dev w0; ip -n @red addr flush dev w1",
  },
};

/** The DNS files of the slot `blue`. */
export const dns: Slot = {
  kind: "ResolvConf",
  needs: ["blue"],
  variants: {
    plain: { netns: "@blue", nameservers: ["10.9.0.1"] },
    full: {
      netns: "@blue",
      nameservers: ["10.9.0.1", "fd09::1"],
      search: ["lab.test"],
      options: ["ndots:2"],
      hosts: { web: "10.9.0.2" },
    },
    hosts: { netns: "@blue", nameservers: ["10.9.0.9"], hosts: { web: ["10.9.0.2", "fd09::2"], db: "10.9.0.3" } },
  },
  drifts: {
    delete: "rm -f /etc/netns/@blue/resolv.conf",
    "delete all": "rm -rf /etc/netns/@blue",
    "one more line": "echo nameserver 10.9.0.99 >>/etc/netns/@blue/resolv.conf",
    "other hosts": "sed -i 's/web/wob/' /etc/netns/@blue/hosts",
    mode: "chmod 600 /etc/netns/@blue/*",
  },
};

/** Namespaces and cables, on a machine of an admin. */
export const cables: Theme = {
  ground: admin,
  slots: { blue: netns("blue"), red: netns("red"), lab: bridge, cable, wire, dns },
};

const tunnel = { name: "vx0", vni: 42, bridge: "@lab", local: "203.0.113.2", remotes: ["203.0.113.1"] };

const vx: Slot = {
  kind: "Vxlan",
  needs: ["lab"],
  variants: {
    plain: tunnel,
    more: { ...tunnel, remotes: ["203.0.113.1", "203.0.113.3", "203.0.113.4"], mtu: 1400 },
    none: { ...tunnel, remotes: [] },
    loose: { ...tunnel, bridge: undefined },
    anycast: { ...tunnel, anycastGateway: { macAddress: "02:00:00:00:00:31", addresses: ["10.9.0.1"] } },
    "other port": { ...tunnel, port: 4790 },
    "other name": { ...tunnel, name: "vx1" },
  },
  unless: { detach: ["loose"] },
  drifts: {
    delete: "ip link del @vx",
    down: "ip link set @vx down",
    mtu: "ip link set @vx mtu 1300",
    detach: "ip link set @vx nomaster",
    "flush remotes": "bridge fdb flush dev @vx",
    "another remote": "bridge fdb append 00:00:00:00:00:00 dev @vx dst 203.0.113.9",
    "delete the rules": "nft delete table inet linuxnet; nft delete table bridge linuxnet-@vx",
    "flush the rules": "nft flush chain inet linuxnet tunnels; nft flush table bridge linuxnet-@vx",
  },
};

/** A bridge with a tunnel in it, on a bare machine. */
export const overlay: Theme = { ground: ":", slots: { lab: bridge, vx } };
