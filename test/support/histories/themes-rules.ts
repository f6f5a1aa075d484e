import type { Slot, Theme } from "./theme.ts";
import { admin, bridge } from "./themes-links.ts";

const tables = {
  "delete the table": "nft delete table inet linuxnet",
  "flush the table": "nft flush table inet linuxnet",
};

const nat = (more: object): Slot => ({
  kind: "NatRule",
  variants: {
    out: { type: "masquerade", source: "10.9.0.0/24", outInterface: "uplink", ...more },
    open: { type: "masquerade", source: "10.9.0.0/24", notOutInterface: "lab0", protect: false, ...more },
    two: { type: "masquerade", source: ["10.9.0.0/24", "10.19.0.0/16"], outInterface: "uplink", ...more },
    snat: { type: "snat", source: "10.9.0.0/24", outInterface: "up0", toAddress: "203.0.113.2", ...more },
    dnat: { type: "dnat", protocol: "tcp", destinationPorts: "8000-8010", toAddress: "10.9.0.2", ...more },
    still: {
      type: "dnat",
      protocol: "udp",
      destinationPorts: 53,
      toAddress: "10.9.0.2",
      toPorts: 5353,
      forward: false,
      output: false,
      ...more,
    },
  },
  drifts: {
    "no forwarding": "sysctl -qw net.ipv4.ip_forward=0",
    "foreign redirects": "sysctl -qw net.ipv4.conf.all.accept_redirects=1",
  },
});

const forward = (number: number, more: object): Slot => ({
  kind: "ForwardRule",
  variants: {
    drop: { action: "drop", source: "10.9.0.0/24", destination: "192.0.2.0/24", ...more },
    first: {
      action: "accept",
      inInterface: "lab0",
      outInterface: "uplink",
      protocol: "tcp",
      destinationPorts: 80,
      priority: -number,
      ...more,
    },
    last: { action: "reject", source: `10.9.0.${number}`, states: ["new"], priority: 10 * number, ...more },
  },
});

const publish = (port: number, more: object): Slot => ({
  kind: "PortPublish",
  needs: ["lab"],
  variants: {
    web: { hostPort: port, targetAddress: "10.9.0.2", targetPort: 80, ...more },
    other: { hostPort: port, targetAddress: "10.9.0.3", targetPort: 8000, hairpin: false, ...more },
    near: { hostPort: port, targetAddress: "10.9.0.2", targetPort: 80, hostAddress: "127.0.0.1", ...more },
    far: {
      hostPort: port,
      targetAddress: "10.9.0.2",
      targetPort: 80,
      hostAddress: "203.0.113.2",
      localhost: true,
      ...more,
    },
    udp: { hostPort: port, targetAddress: "10.9.0.2", targetPort: 53, protocol: "udp", localhost: false, ...more },
    moved: { hostPort: port + 1000, targetAddress: "10.9.0.2", targetPort: 80, ...more },
  },
});

/** Deletes a rule of a chain by its number in it, and with `back` sets it again as the last. */
const nftRule = (chain: string, number: number, back = "") =>
  `r=$(nft -a list chain inet linuxnet ${chain} | grep '# handle' | sed 1d | sed -n ${number}p); [ -n "$r" ] || exit 0
   nft delete rule inet linuxnet ${chain} handle \${r##* }; ${back && `echo "add rule inet linuxnet ${chain} \${r%% # handle*}" | nft -f -`}`;

/** Translations, filters and published ports, by nftables. */
export const rules: Theme = {
  looks: ({ hairpin }) => hairpin === false,
  ground: admin,
  slots: {
    lab: bridge,
    nat: {
      ...nat({}),
      drifts: {
        ...nat({}).drifts,
        ...tables,
        "flush translations": "for c in user_pre user_out user_post; do nft flush chain inet linuxnet $c; done",
        "flush protection": "nft flush chain inet linuxnet protected; nft flush chain inet linuxnet guard",
        "delete a rule": nftRule("user_post", 1),
        "flush outward": "nft flush chain inet linuxnet outward",
        "foreign rule": "nft add rule inet linuxnet user_post counter",
      },
    },
    one: {
      ...forward(1, {}),
      drifts: { "delete the rule": nftRule("user_forward", 1), flush: "nft flush chain inet linuxnet user_forward" },
    },
    two: {
      ...forward(2, {}),
      drifts: {
        reorder: nftRule("user_forward", 1, "again"),
        "a copy": `${nftRule("user_forward", 1, "again")}\n echo "add rule inet linuxnet user_forward \${r%% # handle*}" | nft -f -`,
        "foreign rule": "nft insert rule inet linuxnet user_forward counter accept",
      },
    },
    web: {
      ...publish(8080, {}),
      drifts: {
        "delete the port": "nft delete element inet linuxnet all4 '{ tcp . 8080 }'",
        "another target": `c=$(nft list map inet linuxnet all4 | grep -o 'tcp . 8080 comment "[^"]*"') &&
          nft "delete element inet linuxnet all4 { tcp . 8080 }; add element inet linuxnet all4 { $c : 10.9.0.66 . 80 }"`,
        "flush maps": "for m in all4 one4 lo4 lo4src; do nft flush map inet linuxnet $m; done",
      },
    },
    dns: {
      ...publish(8053, {}),
      drifts: {
        "flush loopback": "nft flush map inet linuxnet lo4",
        "flush unpublish": "nft flush chain inet linuxnet unpublish",
      },
    },
  },
};

const chains = (command: string) =>
  `for t in nat filter raw mangle; do for c in $(iptables -t $t -S | sed -n 's/^-N \\(LINUXNET.*\\|linuxnet.*\\)/\\1/p'); do ${command}; done; done`;
const jumps = (command: string) =>
  `iptables -t $t -S | sed -n "s/^-A \\(.* -j $c\\)$/\\1/p" | while read -r r; do ${command}; done`;
const legacy = { backend: "iptables" };

/** The same by iptables. */
export const iptablesRules: Theme = {
  looks: ({ hostPort }) => hostPort !== undefined,
  ground: `${admin}\niptables -N admin; iptables -A admin -j RETURN; iptables -A FORWARD -s 192.0.2.99 -j admin; ip6tables -A INPUT -s 2001:db8::99 -j DROP
    iptables -t nat -A POSTROUTING -s 192.0.2.98 -j ACCEPT; iptables -t raw -S >/dev/null; iptables -t mangle -S >/dev/null; ip6tables -t nat -S >/dev/null; ip6tables -t raw -S >/dev/null`,
  slots: {
    lab: bridge,
    nat: {
      ...nat(legacy),
      drifts: {
        ...nat({}).drifts,
        "flush chains": chains("iptables -t $t -F $c"),
        // Who leaves nothing that says what was made for us takes that away too (docs/trust.md, What is not shown).
        "delete chains": chains(
          `iptables -t $t -F $c; ${jumps(`eval iptables -t $t -D $r; iptables -t $t -X \${r%% *} 2>/dev/null`)}; iptables -t $t -X $c
          nft list table ip $t 2>/dev/null | grep -q chain || nft delete table ip $t 2>/dev/null || :`,
        ),
        "delete jumps": chains(jumps("eval iptables -t $t -D $r")),
      },
    },
    one: { ...forward(1, legacy), drifts: { "delete first rules": chains("iptables -t $t -D $c 1") } },
    two: {
      ...forward(2, legacy),
      drifts: {
        reorder: chains(
          'r=$(iptables -t $t -S $c | sed -n 2p); [ -z "$r" ] || { eval iptables -t $t -D $(echo $r | sed s/-A//); eval iptables -t $t $r; }',
        ),
        "a copy": chains('r=$(iptables -t $t -S $c | sed -n 2p); [ -z "$r" ] || eval iptables -t $t $r'),
      },
    },
    web: publish(8080, legacy),
    dns: {
      ...publish(8053, legacy),
      drifts: {
        "no localnet": "sysctl -qw net.ipv4.conf.lab0.route_localnet=0; sysctl -qw net.ipv4.conf.all.route_localnet=0",
      },
    },
  },
};
