import type { Slot, Theme } from "./theme.ts";
import { admin, bridge, cable, dns, netns } from "./themes-links.ts";

/** Ends all programs of a name, and waits until they have ended. */
const ended = (name: string) =>
  `pkill -KILL -x ${name}; while pgrep -x -r D,R,S ${name} >/dev/null; do sleep 0.01; done`;

const program: Slot = {
  kind: "Process",
  needs: ["blue"],
  variants: {
    plain: { netns: "@blue", command: ["tail", "-f", "/dev/null"] },
    ready: {
      netns: "@blue",
      command: ["sh", "-c", "echo up; exec tail -f /dev/null"],
      ready: { log: "up", timeout: "10s" },
    },
    other: {
      netns: "@blue",
      command: ["tail", "-F", "/dev/null"],
      environment: { WORD: "a b" },
      cwd: "/run",
      user: "nobody",
    },
    always: { netns: "@blue", command: ["tail", "-f", "/dev/null"], restart: "always" },
    host: { command: ["tail", "-f", "/dev/null"] },
  },
  drifts: {
    kill: ended("tail"),
    stop: "pkill -STOP -x tail; pkill -CONT -x tail",
    "remove the log": "rm -rf /run/linuxnet/log*",
    "another namespace": "ip netns del @blue; ip netns add @blue; ip netns del @blue",
  },
};

const shop = { network: "shop", bridge: "@lab", addresses: ["10.9.0.1/24"] };

const resolver: Slot = {
  kind: "Resolver",
  needs: ["lab"],
  variants: {
    plain: { ...shop, members: { web: { addresses: ["10.9.0.2"] } } },
    more: {
      ...shop,
      members: { web: { addresses: ["10.9.0.2"], aliases: ["www"] }, db: { addresses: ["10.9.0.3"] } },
      domain: "lab.test",
    },
    closed: { ...shop, members: {}, forward: false },
    asking: { ...shop, members: { web: { addresses: ["10.9.0.4"] } }, upstreams: ["203.0.113.1"] },
  },
  drifts: {
    kill: ended("dnsmasq"),
    "other names": "sed -i s/web/wob/ /run/linuxnet/dns/*",
    "delete the files": "rm -rf /run/linuxnet/dns",
    "flush its rules": "nft flush set inet linuxnet dns4",
    "delete the table": "nft delete table inet linuxnet",
  },
};

const expected: Slot = {
  kind: "Expect",
  needs: ["blue", "lab", "cable"],
  variants: {
    none: { from: "host", to: "203.0.113.1" },
    blocked: { from: "host", to: "203.0.113.1", port: 9, reachable: false, within: "100ms" },
  },
};

/** Programs, resolvers and what is expected, on a machine of an admin. */
export const programs: Theme = {
  ground: admin,
  slots: { blue: netns("blue"), lab: bridge, cable, dns, program, resolver, expected },
};

const networks = { shop: { subnet: "10.5.0.0/24", bridgeName: "shop0" } };
const web = { network: "shop", address: "10.5.0.2" };
const run = { command: ["tail", "-f", "/dev/null"] };

const lab: Slot = {
  kind: "Lab",
  variants: {
    one: { networks, containers: { web } },
    two: { networks, containers: { web, db: { network: "shop", address: "10.5.0.3", ...run } } },
    published: {
      networks,
      containers: {
        web: { ...web, publish: ["8080:80", "127.0.0.1:8081:80"], extraHosts: { db: "10.5.0.7" } },
      },
    },
    networks: {
      networks: {
        shop: { ...networks.shop, mtu: 1400 },
        inner: { subnet: "10.6.0.0/24", bridgeName: "inner0", internal: true },
      },
      containers: {
        web: { network: ["shop", "inner"], address: "10.5.0.2" },
        db: { network: "inner", address: "10.6.0.3" },
        side: { netns: "web" },
      },
    },
    names: {
      networks: { shop: { ...networks.shop, dns: true } },
      containers: { web: { ...web, hostname: "www" } },
    },
    expected: { networks, containers: { web }, expect: [{ from: "web", to: "10.5.0.1" }] },
    closed: { networks: { shop: { ...networks.shop, masquerade: false, isolate: false } }, containers: {} },
  },
  drifts: {
    "delete a bridge": "ip link del shop0",
    "delete a namespace": 'n=$(ls /run/netns | grep -m 1 web); [ -n "$n" ] && ip netns del $n',
    "delete all namespaces": "for n in $(ls /run/netns | grep -v theirs); do ip netns del $n; done",
    "delete the ports": "for l in $(ls /sys/class/net/shop0/brif); do ip link del $l; done",
    "detach the ports": "for l in $(ls /sys/class/net/shop0/brif); do ip link set $l nomaster; done",
    "flush addresses":
      "ip addr flush dev shop0; for n in $(ls /run/netns | grep -v theirs); do ip -n $n addr flush dev eth0; done",
    "flush routes": "for n in $(ls /run/netns | grep -v theirs); do ip -n $n route flush all; done",
    mtu: "ip link set shop0 mtu 1300",
    "delete the table": "nft delete table inet linuxnet",
    "flush maps": "for m in all4 lo4; do nft flush map inet linuxnet $m; done",
    "flush sets": "for m in nets same src4 internal isolated; do nft flush set inet linuxnet $m; done",
    "delete the files": "for n in $(ls /etc/netns | grep -v theirs); do rm -rf /etc/netns/$n; done",
    kill: ended("tail"),
    "kill the resolver": ended("dnsmasq"),
    "rename in a namespace":
      "for n in $(ls /run/netns | grep -v theirs); do ip -n $n link set eth0 down; ip -n $n link set eth0 name away1; done",
    "no forwarding": "sysctl -qw net.ipv4.ip_forward=0",
  },
};

/** A whole lab in one resource, on a machine of an admin. */
export const labs: Theme = { ground: admin, slots: { lab } };
