import { describe, expect, test } from "vitest";
import { restStopOf, stopOf } from "../../../provider/kernel/passage.ts";
import { iptablesPassage } from "../../../provider/kernel/passage-iptables.ts";
import { nftPassages } from "../../../provider/kernel/passage-nft.ts";

const packet = {
  family: 4,
  outDevice: "br9",
  destination: "10.9.0.2",
  protocol: "tcp",
  destinationPort: 80,
  dnat: true,
} as const;

/** What stops the packet behind these rules of FORWARD, whose policy drops. */
const stopped = (...rules: string[]) =>
  stopOf(
    iptablesPassage([
      ":FORWARD DROP",
      ":sub -",
      ...rules.map((rule) => (/^sub/.test(rule) ? `-A ${rule}` : `-A FORWARD ${rule}`)),
    ]),
    {
      ...packet,
      passed: true,
    },
  )?.text;

describe("what rules of iptables do with a packet", () => {
  const policy = "the policy drop of FORWARD";

  test.each([
    ["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", policy],
    ["-m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT", undefined],
    ["-p tcp -m tcp --dport 80 -j ACCEPT", undefined],
    ["-p tcp -m tcp --dport 8000:8100 -j ACCEPT", policy],
    ["-p udp -j ACCEPT", policy],
    ["! -d 10.9.0.0/24 -j ACCEPT", policy],
    ["-d 10.9.0.0/24 -j LOG", policy],
    ["-o br+ -j ACCEPT", undefined],
    ["! -o br9 -j ACCEPT", policy],
    ["-m mark --mark 0x10000000/0x10000000 -j ACCEPT", undefined],
    ["-m mark --mark 0x0/0x10000000 -j ACCEPT", policy],
    ["-j NFQUEUE --queue-num 0", undefined],
  ])("%s", (rule, text) => {
    expect(stopped(rule)).toBe(text);
  });

  test("what may match some packets only is no certainty, neither as an accept nor as a drop", () => {
    expect(stopped("-s 192.0.2.0/24 -j ACCEPT")).toBeUndefined();
    expect(stopped("-m limit --limit 1/sec -j DROP", "-j ACCEPT")).toBeUndefined();
    expect(stopped("-i eth0 -j DROP", "-j ACCEPT")).toBeUndefined();
  });

  test("a chain that is led to, and one that is gone to, and the way back", () => {
    expect(stopped("-j sub", "sub -d 10.9.0.2/32 -j DROP")).toBe("-A sub -d 10.9.0.2/32 -j DROP");
    expect(stopped("-j sub", "sub -j RETURN", "sub -j DROP", "-j ACCEPT")).toBeUndefined();
    expect(stopped("-g sub", "-j ACCEPT")).toBe(policy);
    expect(stopped("-j sub", "sub -s 192.0.2.1/32 -j RETURN", "sub -j DROP", "-j ACCEPT")).toBeUndefined();
    expect(stopped("-i eth0 -j sub", "sub -j ACCEPT")).toBeUndefined();
  });
});

const rule = (...expr: unknown[]) => ({ rule: { family: "inet", table: "t", chain: "c", handle: 1, expr } });
const match = (left: unknown, right: unknown, op = "==") => ({ match: { op, left, right } });
const meta = (key: string) => ({ meta: { key } });
const field = (protocol: string, name: string) => ({ payload: { protocol, field: name } });
const accept = { accept: null };

/** Whether a table of nftables, whose policy drops, stops the packet. */
function stops(...rules: unknown[]): boolean {
  const chain = { family: "inet", table: "t", name: "c", type: "filter", hook: "forward", prio: 0, policy: "drop" };
  const [passage] = nftPassages(JSON.stringify({ nftables: [{ chain }, ...rules] }), "forward");
  if (!passage) throw new Error("no chain was read");
  return stopOf(passage, { ...packet, passed: true }) !== undefined;
}

describe("what rules of nftables do with a packet", () => {
  test.each([
    ["an answer", rule(match({ ct: { key: "state" } }, ["established", "related"], "in"), accept), true],
    ["a new one", rule(match({ ct: { key: "state" } }, ["established", "new"], "in"), accept), false],
    ["a translated one", rule(match({ ct: { key: "status" } }, "dnat", "in"), accept), false],
    ["our mark", rule(match({ "&": [meta("mark"), 0x10000000] }, 0, "!="), accept), false],
    ["no mark of ours", rule(match({ "&": [meta("mark"), 0x10000000] }, 0), accept), true],
    ["the bridge", rule(match(meta("oifname"), "br9"), accept), false],
    ["bridges", rule(match(meta("oifname"), "br*"), accept), false],
    ["another bridge", rule(match(meta("oifname"), { set: ["a", "b"] }), accept), true],
    ["any other", rule(match(meta("oifname"), "eth0", "!="), accept), false],
    ["a named set", rule(match(meta("oifname"), "@ok"), accept), false],
    ["the port", rule(match(field("tcp", "dport"), { set: [22, { range: [79, 81] }] }), accept), false],
    ["another port", rule(match(field("tcp", "dport"), 22), accept), true],
    ["another protocol", rule(match(field("udp", "dport"), 80), accept), true],
    ["the subnet", rule(match(field("ip", "daddr"), { prefix: { addr: "10.9.0.0", len: 24 } }), accept), false],
    ["another family", rule(match(field("ip6", "daddr"), "fd00::1"), accept), true],
    ["a limit", rule({ limit: { rate: 5, per: "second" } }, accept), false],
    ["a counter", rule({ counter: { packets: 0, bytes: 0 } }, accept), false],
    ["a map", rule({ vmap: { key: meta("oifname"), data: { set: [["br9", accept]] } } }), false],
    ["a map without it", rule({ vmap: { key: meta("oifname"), data: { set: [["br8", accept]] } } }), true],
    ["an extension of iptables", rule({ xt: { type: "target", name: "ACCEPT" } }), false],
  ])("an accept of %s", (_name, one, stopping) => {
    expect(stops(one)).toBe(stopping);
  });

  test("a text that is no JSON holds no chain", () => {
    expect(nftPassages("Error: syntax", "forward")).toEqual([]);
  });
});

test("what stops the rest is not what stops some", () => {
  const some = iptablesPassage([":FORWARD ACCEPT", "-A FORWARD -d 10.9.0.2/32 -j DROP"]);
  expect(restStopOf(some, { family: 4, passed: true })).toBeUndefined();
  const rest = iptablesPassage([":FORWARD ACCEPT", "-A FORWARD -p icmp -j ACCEPT", "-A FORWARD -j REJECT"]);
  expect(restStopOf(rest, { family: 4, passed: true })?.places).toEqual([{ chain: "FORWARD", index: 1 }]);
});
