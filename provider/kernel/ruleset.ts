/** The name of our table of the family `inet`: everything of ours that nftables holds lies in it. */
export const table = "linuxnet";

/** The chain of iptables that keeps closed what our forwarding would open. */
export const guard = "LINUXNET-GUARD";

/** The bit of a packet's mark that says that our table has passed it. */
export const passMark = "0x10000000";

/** The bit that says that a packet came from one of our bridges: a bridged one no longer shows it after routing. */
const netMark = "0x20000000";

/** What an owner adds are elements of these sets and maps: the cost for a packet does not grow with their number. */
const sets = {
  nets: "type ifname;", // our bridges
  same: "type ifname . ifname;", // a bridge and itself
  internal: "type ifname;",
  isolated: "type ifname;",
  dns4: "type ifname . ipv4_addr;", // a bridge and its gateway with a resolver on it
  dns6: "type ifname . ipv6_addr;",
  src4: "type ifname . ipv4_addr;", // other addresses of a container in two networks
  src6: "type ifname . ipv6_addr;",
} as const;

/** Those whose elements have a value. */
export const maps = {
  all4: "type inet_proto . inet_service : ipv4_addr . inet_service;",
  one4: "type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service;",
  lo4: "type inet_proto . inet_service : ipv4_addr . inet_service;",
  lo4src: "type inet_proto . inet_service : ipv4_addr;",
  all6: "type inet_proto . inet_service : ipv6_addr . inet_service;",
  one6: "type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service;",
  lo6: "type inet_proto . inet_service : ipv6_addr . inet_service;",
  lo6src: "type inet_proto . inet_service : ipv6_addr;",
} as const;

/** A set or map of our table. */
export type SetName = keyof typeof sets | keyof typeof maps;

/** The chains in which an owner's rules stand, where a set cannot say what is wanted; all else of the table never changes. */
export const ownerChains = [
  "user_pre",
  "user_out",
  "user_post",
  "user_forward",
  "protected",
  "outward",
  "unpublish",
  "tunnels",
  "tunnels_out",
  "guard",
] as const;

/** A chain of owners' rules. */
export type OwnerChain = (typeof ownerChains)[number];

interface Chain {
  hook?: string;
  rules: readonly string[];
}

const icmp6Start = "{ nd-neighbor-solicit, nd-router-solicit, mld2-listener-report, mld-listener-report }";
const loopback4 = "ct original ip saddr 127.0.0.0/8";

/** Destination NAT: the first packet of a flow, only when it is for this host itself, never on its way to another. */
const natChains: Record<string, Chain> = {
  pre_nat: {
    hook: "type nat hook prerouting priority dstnat; policy accept;",
    rules: [
      "iifname @internal return",
      "ip daddr 127.0.0.0/8 return",
      "jump user_pre",
      "fib daddr type != local return",
      "iifname . ip daddr @dns4 th dport 53 return",
      "iifname . ip6 daddr @dns6 th dport 53 return",
      "jump unpublish",
      `iifname @nets meta mark set meta mark or ${netMark}`,
      "goto publish",
    ],
  },
  out_nat: {
    hook: "type nat hook output priority -100; policy accept;",
    rules: [
      "ip daddr 127.0.0.1 dnat ip to meta l4proto . th dport map @lo4",
      "ip6 daddr ::1 dnat ip6 to meta l4proto . th dport map @lo6",
      "jump user_out",
      'oifname != "lo" return',
      "ip daddr 127.0.0.0/8 return",
      "fib daddr type local goto publish",
    ],
  },
  publish: {
    rules: [
      "dnat ip to meta l4proto . ip daddr . th dport map @one4",
      "dnat ip to meta l4proto . th dport map @all4",
      "dnat ip6 to meta l4proto . ip6 daddr . th dport map @one6",
      "dnat ip6 to meta l4proto . th dport map @all6",
    ],
  },
  post_nat: {
    hook: "type nat hook postrouting priority srcnat; policy accept;",
    rules: [
      // A container, or this host's loopback, to a publish: the reply must come back through here.
      `ct status dnat meta mark and ${netMark} != 0 meta mark set meta mark and 0xdfffffff masquerade`,
      `${loopback4} ct status dnat masquerade`,
      "ct original ip6 saddr ::1 ct status dnat masquerade",
      "jump user_post",
    ],
  },
};

/** 127.0.0.1 and ::1 publishes without route_localnet: addresses are rewritten before routing looks at them. */
const loopbackChains: Record<string, Chain> = {
  lo_out: {
    hook: "type filter hook output priority mangle; policy accept;",
    rules: [
      "ct direction original ip saddr 127.0.0.0/8 ip daddr 127.0.0.1 ip saddr set meta l4proto . th dport map @lo4src",
      "ct direction original ip6 saddr ::1 ip6 daddr ::1 ip6 saddr set meta l4proto . th dport map @lo6src",
    ],
  },
  lo_pre: {
    hook: "type filter hook prerouting priority -50; policy accept;",
    rules: [
      'iifname != "lo" ct status dnat ct direction reply ip daddr 127.0.0.0/8 ip daddr set ct reply ip daddr',
      'iifname != "lo" ct status dnat ct direction reply ip6 daddr ::1 ip6 daddr set ct reply ip6 daddr',
    ],
  },
  lo_in: {
    hook: "type filter hook input priority 150; policy accept;",
    rules: [
      `iifname != "lo" ct status dnat ct direction reply ${loopback4} ip daddr set ct original ip saddr`,
      'iifname != "lo" ct status dnat ct direction reply ct original ip6 saddr ::1 ip6 daddr set ::1',
    ],
  },
};

const filterChains: Record<string, Chain> = {
  raw_pre: {
    hook: "type filter hook prerouting priority raw; policy accept;",
    rules: ["iifname @nets ip daddr 127.0.0.0/8 drop", "iifname @nets ip saddr 127.0.0.0/8 drop"],
  },
  spoof: {
    rules: [
      "fib saddr . iif oif != 0 return",
      "ip saddr 0.0.0.0 udp dport 67 return",
      `ip6 saddr :: icmpv6 type ${icmp6Start} return`,
      "iifname . ip saddr @src4 return",
      "iifname . ip6 saddr @src6 return",
      "drop",
    ],
  },
  input: {
    hook: "type filter hook input priority filter - 5; policy accept;",
    rules: ["jump tunnels", "iifname @nets jump host_in"],
  },
  host_in: {
    rules: [
      "jump spoof",
      "icmp type redirect drop",
      "icmpv6 type { nd-router-advert, nd-redirect } drop",
      "iifname @internal goto internal_in",
    ],
  },
  internal_in: {
    rules: [
      "ct state established,related return",
      "iifname . ip daddr @dns4 meta l4proto { tcp, udp } th dport 53 return",
      "iifname . ip6 daddr @dns6 meta l4proto { tcp, udp } th dport 53 return",
      "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } return",
      "drop",
    ],
  },
  output: {
    hook: "type filter hook output priority filter - 5; policy accept;",
    // A redirect after a hairpin would send the container straight to its sibling.
    rules: ["oifname @nets icmp type redirect drop", "oifname @nets icmpv6 type nd-redirect drop"],
  },
  forward: {
    hook: "type filter hook forward priority filter - 5; policy accept;",
    rules: [
      "iifname . oifname @same ct status dnat jump spoof",
      "iifname . oifname @same goto pass",
      "jump tunnels_out",
      "iifname @internal drop",
      "oifname @internal drop",
      "iifname @nets jump spoof",
      "iifname @nets ct state invalid drop",
      "jump user_forward",
      "jump protected",
      "oifname @isolated jump apart",
      "iifname @isolated oifname . oifname @same jump apart",
      "jump outward",
      "iifname @nets ct status dnat ct state established,related goto pass",
      "oifname @nets jump to_net",
      "goto guard",
    ],
  },
  inward: { rules: ["ct state established,related goto pass", "ct status dnat goto pass", "drop"] },
  // A translation of one network lets out what it has, and not into another one that is closed.
  apart: { rules: ["ct state established,related return", "ct status dnat return", "drop"] },
  to_net: {
    rules: ["ct state established,related goto pass", "ct status dnat goto pass", "iifname @isolated drop"],
  },
  // One rule of iptables lets this mark through a FORWARD chain that drops: losing our table closes, never opens.
  pass: { rules: [`meta mark set meta mark or ${passMark} accept`] },
  forward_end: {
    hook: "type filter hook forward priority filter + 5; policy accept;",
    rules: [`meta mark and ${passMark} != 0 meta mark set meta mark and 0xefffffff`],
  },
};

const chains: Record<string, Chain> = { ...natChains, ...loopbackChains, ...filterChains };

/** How many rules each of the table's own chains has: another number means that somebody changed it. */
export const ruleCounts: ReadonlyMap<string, number> = new Map(
  Object.entries(chains).map(([name, { rules }]) => [name, rules.length]),
);

/** Makes the table with all its chains; fails where it is there already, so that two programs cannot fill it twice. */
export function createTable(): string {
  return [
    `create table inet ${table}`,
    ...declarations(),
    ...Object.entries(chains).flatMap(([name, { rules }]) => ruleLines(name, rules)),
  ].join("\n");
}

/** Puts back the table's own chains, and what else of it is missing; the owners' elements and rules stay. */
export function mendTable(): string {
  const refill = Object.entries(chains).flatMap(([name, { rules }]) => [
    `flush chain inet ${table} ${name}`,
    ...ruleLines(name, rules),
  ]);
  return [`add table inet ${table}`, ...declarations(), ...refill].join("\n");
}

function declarations(): string[] {
  return [
    ...Object.entries(sets).map(([name, type]) => `add set inet ${table} ${name} { ${type} }`),
    ...Object.entries(maps).map(([name, type]) => `add map inet ${table} ${name} { ${type} }`),
    ...ownerChains.map((name) => `add chain inet ${table} ${name}`),
    ...Object.entries(chains).map(([name, { hook }]) => `add chain inet ${table} ${name}${hook ? ` { ${hook} }` : ""}`),
  ];
}

function ruleLines(name: string, rules: readonly string[]): string[] {
  return rules.map((rule) => `add rule inet ${table} ${name} ${rule}`);
}
