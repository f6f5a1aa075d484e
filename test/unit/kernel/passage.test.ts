import { describe, expect, test } from "vitest";
import { restStopOf, stopOf } from "../../../provider/kernel/passage.ts";
import { iptablesPassage, iptablesPassages } from "../../../provider/kernel/passage-iptables.ts";
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
    ["-p tcp -m tcp -j SYNPROXY", undefined],
    ["-p tcp -m multiport --dports 22,79:81 -j ACCEPT", undefined],
    ["-p tcp -m multiport --dports 22,81:90 -j ACCEPT", policy],
    ["-p tcp -m multiport ! --dports 80 -j ACCEPT", policy],
    ["-m addrtype --dst-type LOCAL -j ACCEPT", policy],
    ["-m addrtype --dst-type LOCAL,UNICAST -j ACCEPT", undefined],
    ["-m addrtype --dst-type MULTICAST -j ACCEPT", policy],
    ["-m addrtype --src-type LOCAL -j ACCEPT", policy],
    ["-s 0.0.0.0/0 -j ACCEPT", undefined],
    ["-m socket -j ACCEPT", undefined],
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
    expect(stopped("-i eth0 -g sub", "-j ACCEPT")).toBeUndefined();
    // Whether it goes to `sub` or not, it is dropped: by the policy, or by the rule.
    expect(stopped("-i eth0 -g sub", "-j DROP")).toBe(policy);
    expect(stopped("-j sub", "sub -j sub")).toBeUndefined();
  });
});

const answers = "-A FORWARD -m conntrack --ctstate ESTABLISHED -j DROP";

test.each([
  ["the first packet of a connection", {}, undefined],
  ["the first packet, told as that", { state: "new" }, undefined],
  ["an answer", { state: "established" }, answers],
] as const)("a rule for answers drops %s: %j", (_name, more, text) => {
  expect(stopOf(iptablesPassage([":FORWARD ACCEPT", answers]), { ...packet, ...more })?.text).toBe(text);
});

test.each([
  ["-m addrtype ! --dst-type LOCAL -j ACCEPT", true],
  ["-m addrtype --dst-type LOCAL -j ACCEPT", false],
  ["-o br9 -j ACCEPT", true],
  ["! -o br9 -j ACCEPT", false],
])("what is for the host itself has no link to leave by, and an address of its own: %s", (text, stopping) => {
  const passage = iptablesPassage([":INPUT DROP", `-A INPUT ${text}`]);
  expect(stopOf(passage, { family: 4, inDevice: "br9", outDevice: "" }) !== undefined).toBe(stopping);
});

test("a source of this host's own is possible only where the link is not known", () => {
  const passage = iptablesPassage([":INPUT DROP", "-A INPUT -m addrtype --src-type LOCAL -j ACCEPT"]);
  expect(stopOf(passage, { family: 4, outDevice: "" })).toBeUndefined();
  expect(stopOf(passage, { family: 4, inDevice: "br9", outDevice: "" })).toBeDefined();
});

test("all tables that filter are read, each with its rules alone; a stop by a rule tells it, one by the policy has none", () => {
  const table = (name: string, ...lines: string[]) => [`*${name}`, ...lines, "COMMIT", "# Completed"];
  const found = iptablesPassages(
    [
      ...table("nat", ":INPUT DROP [0:0]"),
      ...table(
        "mangle",
        ":PREROUTING ACCEPT [0:0]",
        ":INPUT ACCEPT [0:0]",
        ":FORWARD ACCEPT [0:0]",
        "-A FORWARD -j DROP",
      ),
      ...table("filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", "-A INPUT -j DROP"),
      ...table("raw", ":PREROUTING ACCEPT [0:0]"),
    ],
    "FORWARD",
  );
  expect(found.map(({ table: name, base, policy }) => [name, base, policy])).toEqual([
    ["mangle", "FORWARD", "accept"],
    ["filter", "FORWARD", "drop"],
  ]);
  expect(found.map((one) => stopOf(one, packet)?.rule?.text)).toEqual(["-A FORWARD -j DROP", undefined]);
  expect(found.map((one) => stopOf(one, packet)?.text)).toEqual(["-A FORWARD -j DROP", "the policy drop of FORWARD"]);
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
    ["no address of another family", rule(match(field("ip6", "daddr"), "fd00::1", "!="), accept), true],
    ["no port of another protocol", rule(match(field("udp", "dport"), 22, "!="), accept), true],
    ["another port than one", rule(match(field("tcp", "dport"), 22, "!="), accept), false],
    ["an element that counts", rule(match(meta("oifname"), { set: [{ elem: { val: "br9" } }] }), accept), false],
    ["a range of addresses", rule(match(field("ip", "daddr"), { range: ["10.9.0.1", "10.9.0.9"] }), accept), false],
    ["a helper", rule({ "ct helper": "ftp" }, accept), false],
    ["what no other element is about", rule({ vmap: { key: meta("mark"), data: { set: [["*", accept]] } } }), false],
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

const nft = (family: string, ...expr: unknown[]) => {
  const chain = { family, table: "t", name: "c", type: "filter", hook: "forward", prio: 0 };
  const found = { family, table: "t", chain: "c", handle: 7, expr };
  return nftPassages(JSON.stringify({ nftables: [{ chain }, { rule: found }] }), "forward");
};

test.each([
  [[match(meta("oifname"), { set: ["br8", "br9"] }), { counter: {} }], "oifname { br8, br9 } drop"],
  [[match(field("ip", "daddr"), { prefix: { addr: "10.9.0.0", len: 24 } })], "ip daddr 10.9.0.0/24 drop"],
  [[match(field("tcp", "dport"), { set: [22, { range: [79, 81] }] })], "tcp dport { 22, 79-81 } drop"],
  [[match({ ct: { key: "state" } }, ["established"], "!=")], "ct state != established drop"],
  [[match({ "&": [meta("mark"), 16777216] }, 0, "!=")], undefined],
])("a rule of nftables is told with its chain and handle, in words: %j", (expr, words) => {
  const [passage] = nft("inet", ...expr, { drop: null });
  expect(passage && stopOf(passage, packet)?.text).toBe(words && `chain c, handle 7: ${words}`);
});

test("an element of a map of verdicts is told with what is done", () => {
  const [passage] = nft("ip", { vmap: { key: meta("oifname"), data: { set: [["br9", { drop: null }]] } } });
  expect(passage && stopOf(passage, packet)?.text).toBe("chain c, handle 7: oifname vmap { br9 : drop }");
});

test("a table of the family bridge does not see what is routed", () => {
  expect(nft("bridge", { drop: null })).toEqual([]);
});

test("what stops the rest is not what stops some", () => {
  const some = iptablesPassage([":FORWARD ACCEPT", "-A FORWARD -d 10.9.0.2/32 -j DROP"]);
  expect(restStopOf(some, { family: 4, passed: true })).toBeUndefined();
  const rest = iptablesPassage([":FORWARD ACCEPT", "-A FORWARD -p icmp -j ACCEPT", "-A FORWARD -j REJECT"]);
  expect(restStopOf(rest, { family: 4, passed: true })?.places).toEqual([{ chain: "FORWARD", index: 1 }]);
});
