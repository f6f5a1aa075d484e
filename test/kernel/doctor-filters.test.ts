// Causes that `linuxnet doctor` finds in packet filters and settings of the kernel: each fault is made, found, and taken back.
import { test } from "../support/test.ts";
import { DoctorLab, type Fault, shop } from "./doctor-lab.ts";

const forget = "nft delete table ip filter";
const bridgeSwitch = "/proc/sys/net/bridge/bridge-nf-call-iptables";

/** Runs iptables-nft on several rules. */
const iptables = (...lines: string[]) => lines.map((line) => `iptables-nft ${line}`).join("; ");
const admin = (policy: string, rule: string) =>
  `nft 'add table inet admin; add chain inet admin f { type filter hook forward priority 0; policy ${policy}; }; add rule inet admin f ${rule}'`;

const faults: Fault[] = [
  { cause: "forwarding-off", make: "echo 0 >/proc/sys/net/ipv4/ip_forward", says: /sysctl -w net.ipv4.ip_forward=1/ },
  {
    cause: "forwarding-off",
    make: "echo 0 >/proc/sys/net/ipv4/conf/br-shop/forwarding",
    undo: "echo 1 >/proc/sys/net/ipv4/conf/br-shop/forwarding",
    says: /net\.ipv4\.conf\.br-shop\.forwarding=1/,
    more: true,
  },
  { cause: "rules-gone", make: "nft flush ruleset", says: /no such table/ },
  { cause: "rules-gone", make: "nft flush chain inet linuxnet post_nat", says: /another number of rules/, more: true },
  {
    cause: "masquerade-missing",
    make: "nft flush chain inet linuxnet user_post",
    says: /The masquerade of 10\.5\.0\.0\/24/,
    more: true,
  },
  { cause: "publish-gone", make: "nft flush map inet linuxnet all4", says: /8080\/tcp/, more: true },
  {
    cause: "forward-policy",
    make: iptables("-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-P FORWARD DROP"),
    undo: forget,
    says: /The policy of FORWARD \(Docker\)[\s\S]*iptables-nft filter FORWARD: policy DROP/,
  },
  { cause: "forward-policy", make: iptables("-P FORWARD DROP"), undo: forget, says: /\(an admin\)/, more: true },
  { cause: "forward-policy", make: admin("drop", "counter"), undo: "nft delete table inet admin", more: true },
  {
    cause: "forward-rule",
    make: iptables(
      "-N ufw-user-forward",
      "-A ufw-user-forward -s 10.5.0.0/24 -j REJECT",
      "-I FORWARD -j ufw-user-forward",
    ),
    undo: forget,
    says: /A rule of ufw[\s\S]*FORWARD → ufw-user-forward: -A ufw-user-forward -s 10.5.0.0\/24[\s\S]*ufw delete NUMBER/,
  },
  {
    cause: "forward-rule",
    make: iptables("-I FORWARD -s 10.5.0.3 -j DROP"),
    undo: forget,
    says: /drops what web sends to the world\.\n/,
    more: true,
  },
  {
    cause: "forward-rule",
    make: iptables("-I FORWARD -i br-shop -j DROP"),
    undo: forget,
    says: /an admin[\s\S]*iptables-nft -t filter -D FORWARD -i br-shop -j DROP/,
    more: true,
  },
  {
    cause: "forward-rule",
    make: iptables("-A FORWARD -o br-shop -p tcp --dport 80 -m conntrack --ctstate NEW -j DROP"),
    undo: forget,
    says: /drops what comes in by the published port 8080/,
    more: true,
  },
  {
    cause: "forward-rule",
    make: admin("accept", 'iifname "br-shop" ct state new drop'),
    undo: "nft delete table inet admin",
    says: /nft table inet admin f: .*iifname br-shop/,
    more: true,
  },
  {
    cause: "br-netfilter",
    make: `echo 1 >${bridgeSwitch}; ${iptables("-I FORWARD -i br-shop -o br-shop -j DROP")}`,
    undo: forget,
    says: /bridge-nf-call-iptables: 1/,
  },
  {
    cause: "input-rule",
    make: iptables("-P INPUT DROP"),
    undo: forget,
    says: /questions to the resolver 10\.5\.0\.1/,
  },
  {
    cause: "iptables-mixed",
    make: "for t in nft legacy; do iptables-$t -A INPUT -p tcp --dport 9 -j ACCEPT; done",
    undo: `iptables-legacy -F INPUT; ${forget}`,
  },
  {
    cause: "route-localnet-on",
    make: "echo 1 >/proc/sys/net/ipv4/conf/up0/route_localnet",
    undo: "echo 0 >/proc/sys/net/ipv4/conf/up0/route_localnet",
  },
];

test("faults in packet filters and settings are found by their cause, and nothing beside it", async ({ machine }) => {
  // A table of the legacy rule set stays once it was asked for.
  await machine.sh("iptables-legacy -L >/dev/null");
  await machine.baseline();
  const lab = await DoctorLab.make(machine, [shop]);
  await lab.triesAll(faults, ":");
  await lab.destroy();
});
