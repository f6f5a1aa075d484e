// What nft's monitor and listing say, as data.
import { expect, test } from "vitest";
import { readRuleset, readTraceLine } from "../../../provider/kernel/nft-trace.ts";

const of = (rest: string) => readTraceLine(`trace id 98f34263 ip filter FORWARD ${rest}`);

test("a packet is read with its links, addresses and ports", () => {
  const packet = `packet: iif "v0" oif "up0" ether saddr de:9b:a5:d8:1b:1f ip saddr 10.9.0.2 ip daddr 203.0.113.1 ip ttl 63 ip protocol tcp tcp sport 40001 tcp dport 80 tcp flags == syn `;
  const expected = { in: "v0", out: "up0", source: "10.9.0.2", destination: "203.0.113.1", sourcePort: 40_001 };
  expect(of(packet)?.packet).toMatchObject({ ...expected, destinationPort: 80, protocol: "tcp", icmp: undefined });
  const echo = `packet: iif "v0" ip6 saddr fd00::2 ip6 daddr fd00::1 icmpv6 type echo-request icmpv6 code no-route icmpv6 id 7 `;
  expect(of(echo)?.packet).toMatchObject({
    source: "fd00::2",
    protocol: "icmpv6",
    icmp: "echo-request",
    id: 7,
    out: undefined,
  });
  // As nft 1.0 writes it.
  expect(of(echo.replace("icmpv6 id 7", "icmpv6 parameter-problem 278003713"))?.packet).toMatchObject({ id: 4242 });
});

test("a rule is read with its handle and verdict, also one that the monitor does not know", () => {
  expect(of('rule tcp dport 81 comment "a # handle 3" drop # handle 5 (verdict drop)')).toMatchObject({
    rule: { text: 'tcp dport 81 comment "a # handle 3" drop', handle: 5 },
    verdict: "drop",
  });
  expect(of("rule jump sub # handle 4 (verdict jump sub)")).toMatchObject({ verdict: "jump sub" });
  expect(of("unknown rule handle 4 (verdict continue)")).toMatchObject({ rule: { text: "", handle: 4 } });
});

test("a policy is read without the mark that may follow it; other lines are none of the trace's", () => {
  expect(of("policy drop meta mark 0x10000000 ")).toMatchObject({ verdict: "drop", policy: true });
  expect(of("verdict continue ")).toMatchObject({ verdict: "continue", policy: false });
  expect(readTraceLine("add table inet t")).toBeUndefined();
});

test("a listing is read by chain, with whose tables iptables-nft manages", () => {
  const text = [
    "# Warning: table ip filter is managed by iptables-nft, do not touch!",
    "table ip filter { # handle 2",
    "\tchain FORWARD { # handle 1",
    "\t\ttype filter hook forward priority filter; policy drop;",
    "\t\tmeta l4proto icmp counter packets 2 bytes 168 accept # handle 2",
    "\t}",
    "}",
    "table inet own { # handle 3",
    "\tchain sub { # handle 1",
    "\t\tip daddr 1.2.3.4 drop # handle 9",
    "\t}",
    "}",
  ].join("\n");
  expect(readRuleset(text)).toEqual([
    {
      family: "ip",
      table: "filter",
      chain: "FORWARD",
      iptables: true,
      rules: [{ text: "meta l4proto icmp counter packets 2 bytes 168 accept", handle: 2 }],
    },
    {
      family: "inet",
      table: "own",
      chain: "sub",
      iptables: false,
      rules: [{ text: "ip daddr 1.2.3.4 drop", handle: 9 }],
    },
  ]);
});
