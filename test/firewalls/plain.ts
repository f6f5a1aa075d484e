import type { Firewall } from "./matrix.ts";

const filter = "/etc/nftables.conf";

/** As Debian's own /etc/nftables.conf begins, with a policy that drops. */
const dropping = `cat >${filter} <<'NFT'
flush ruleset
table inet filter {
	chain input {
		type filter hook input priority filter; policy accept;
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
	}
}
NFT
nft -f ${filter}`;

const toWeb = "-d 10.9.0.2 -p tcp --dport 80 -j DROP";

/** What an admin of iptables writes, kept as netfilter-persistent does: one file, which is loaded as a whole. */
const persistent = (tool: string): Firewall => ({
  start: `${tool} -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; ${tool} -A FORWARD -p icmp -j ACCEPT
    ${tool} -P FORWARD DROP; ${tool}-save >/etc/rules.v4`,
  reload: `${tool}-restore </etc/rules.v4`,
  restart: `${tool} -F; ${tool} -P FORWARD ACCEPT; ${tool}-restore </etc/rules.v4`,
  deny: {
    add: `${tool} -A FORWARD ${toWeb}`,
    stops: "published",
    remove: `${tool} -D FORWARD ${toWeb}`,
    refuses: /stopped by the rule `-A FORWARD -d 10.9.0.2/,
  },
  remedies: 0,
});

/** Firewalls that need no program but what every test has. */
export const plain: Record<string, Firewall> = {
  "no firewall": { start: ":", reload: ":", restart: ":", remedies: 0 },
  "iptables with a policy that drops": persistent("iptables"),
  "iptables-legacy with a policy that drops": persistent("iptables-legacy"),
  "an admin's nftables table with a policy that drops": {
    start: dropping,
    reload: `nft -f ${filter}`,
    restart: `nft flush ruleset; nft -f ${filter}`,
    deny: {
      add: "nft insert rule inet filter forward ip daddr 10.9.0.2 tcp dport 80 drop",
      stops: "published",
      refuses: /stopped by a rule of the chain forward of the nftables table inet filter/,
      remove: `nft delete rule inet filter forward handle $(nft -a list chain inet filter forward | sed -n 's/.*drop # handle //p')`,
    },
    remedies: 1,
    keep: `{ echo flush ruleset; nft list table inet filter; } >${filter}`,
  },
};
