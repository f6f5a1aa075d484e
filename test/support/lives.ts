/** One resource, and what becomes of it. */
export interface Life {
  args: Record<string, unknown>;
  /** What is changed in place. */
  change: Record<string, unknown>;
  /** What is done to it by hand. */
  drift: string;
  /** What refresh tells of that. */
  told: string[] | "gone";
}

/** What the lives need: the namespace `ct1` and the bridge `fixed0`, in bash. */
export const fixedGround =
  "ip netns add ct1; ip link add fixed0 address 02:00:00:00:00:05 type bridge; ip addr add 10.9.9.1/24 dev fixed0; ip link set fixed0 addrgenmode none up";

/** Ends all of a name, and waits until they have: a process that has been sent KILL runs until the kernel gets to it. */
const killed = (name: string) =>
  `pkill -KILL -x ${name}; while pgrep -x -r D,R,S ${name} >/dev/null; do sleep 0.02; done`;

/** Ends what would start a program again before anybody has looked: it waits a tenth of a second only. */
const unsupervised =
  "for one in /run/linuxnet/process/*/supervisor; do read -r keeper _ <$one; kill -KILL $keeper; done";

/** A life of each kind that stands on a host, on {@link fixedGround}: a new kind is one entry here. */
export const lives: Record<string, Life> = {
  Netns: {
    args: { name: "blue", sysctls: { "net.ipv4.ip_forward": "1" } },
    change: { sysctls: { "net.ipv4.ip_forward": "0" } },
    drift: "nsenter --net=/run/netns/blue sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'",
    told: ["sysctls"],
  },
  Bridge: {
    args: { name: "lab0", addresses: ["10.9.0.1/24"] },
    change: { mtu: 1400 },
    drift: "ip addr del 10.9.0.1/24 dev lab0",
    told: ["addresses"],
  },
  VethPair: {
    args: { name: "v0", bridge: "fixed0", peer: { name: "eth0", netns: "ct1", addresses: ["10.9.9.3/24"] } },
    change: { hairpin: true },
    drift: "ip -n ct1 addr del 10.9.9.3/24 dev eth0",
    told: ["peer"],
  },
  Vxlan: {
    args: { name: "vx0", vni: 42, local: "203.0.113.2", remotes: ["203.0.113.1"] },
    change: { remotes: ["203.0.113.1", "203.0.113.3"] },
    drift: "ip link set vx0 mtu 1300",
    told: ["mtu"],
  },
  NatRule: {
    args: { type: "masquerade", source: "10.9.9.0/24", outInterface: "uplink" },
    change: { protect: false },
    drift: "nft flush chain inet linuxnet user_post",
    told: ["drift"],
  },
  ForwardRule: {
    args: { action: "drop", source: "10.9.9.0/24" },
    change: { action: "reject" },
    drift: "nft delete table inet linuxnet",
    told: "gone",
  },
  PortPublish: {
    args: { hostPort: 8080, targetAddress: "10.9.9.2", targetPort: 80 },
    change: { targetPort: 8000 },
    drift: "nft delete table inet linuxnet",
    told: "gone",
  },
  ResolvConf: {
    args: { netns: "ct1", nameservers: ["10.9.9.1"] },
    change: { nameservers: ["10.9.9.2"] },
    drift: "echo nameserver 10.9.9.4 >>/etc/netns/ct1/resolv.conf",
    told: ["nameservers"],
  },
  Resolver: {
    args: {
      network: "shop",
      bridge: "fixed0",
      addresses: ["10.9.9.1/24"],
      members: { web: { addresses: ["10.9.9.2"] } },
    },
    change: { members: { db: { addresses: ["10.9.9.2"] } } },
    drift: `${unsupervised}; ${killed("dnsmasq")}`,
    told: ["drift"],
  },
  Process: {
    args: { netns: "ct1", command: ["sleep", "1000"] },
    change: { command: ["sleep", "2000"] },
    drift: killed("sleep"),
    told: ["drift"],
  },
  Lab: {
    args: { networks: { shop: { bridgeName: "shop0" } }, containers: { web: { network: "shop" } } },
    change: { containers: { web: { network: "shop" }, db: { network: "shop" } } },
    drift: "ip link set shop0 mtu 1400",
    told: ["networks"],
  },
};
