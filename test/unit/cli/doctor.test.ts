// What `linuxnet doctor` makes of packet filters, as data; and that each of its causes is in the docs.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { causes } from "../../../provider/cli/doctoring/causes.ts";
import { iptablesChains, nftChains, stopIn, whoseRule } from "../../../provider/cli/doctoring/filter-chains.ts";
import type { Packet } from "../../../provider/kernel/passage.ts";

const out: Packet = {
  family: 4,
  inDevice: "br0",
  outDevice: "up0",
  source: "10.5.0.0/24",
  state: "new",
  passed: true,
  dnat: false,
};

/** What stops the packet in a table `filter` of iptables with such a policy and such rules. */
function stopped(policy: string, rules: readonly string[], packet: Packet = out): string | undefined {
  const chains = ["C", "ufw-x", "DOCKER-USER"].map((name) => `:${name} - [0:0]`);
  const lines = ["*filter", `:FORWARD ${policy} [0:0]`, ":INPUT ACCEPT [0:0]", ...chains, ...rules, "COMMIT"];
  const [chain] = iptablesChains("iptables-nft", lines);
  const stop = chain && stopIn(chain, packet);
  return stop && `${whoseRule(stop)}: ${stop.rule?.text ?? "policy"}`;
}

test.each<[string, string, string[], string | undefined]>([
  ["an open chain", "ACCEPT", [], undefined],
  ["a policy", "DROP", [], "an admin: policy"],
  ["a policy behind our accept", "DROP", ["-A FORWARD -m mark --mark 0x10000000/0x10000000 -j ACCEPT"], undefined],
  ["a policy behind an accept for another link", "DROP", ["-A FORWARD -i br1 -j ACCEPT"], "an admin: policy"],
  ["a policy behind what may let it through", "DROP", ["-A FORWARD -m set --match-set a src -j ACCEPT"], undefined],
  [
    "a policy behind a return that may be taken",
    "DROP",
    ["-A FORWARD -j C", "-A C -p tcp -j RETURN", "-A C -j ACCEPT"],
    undefined,
  ],
  ["a rule", "ACCEPT", ["-A FORWARD -i br+ -j DROP"], "an admin: -A FORWARD -i br+ -j DROP"],
  ["a rule for another subnet", "ACCEPT", ["-A FORWARD -s 10.6.0.0/24 -j DROP"], undefined],
  [
    "a rule with a not",
    "ACCEPT",
    ["-A FORWARD ! -s 10.6.0.0/16 -j REJECT"],
    "an admin: -A FORWARD ! -s 10.6.0.0/16 -j REJECT",
  ],
  ["a rule that may be about another packet", "ACCEPT", ["-A FORWARD -p tcp -j DROP"], undefined],
  ["a rule for what is established", "ACCEPT", ["-A FORWARD -m conntrack --ctstate ESTABLISHED -j DROP"], undefined],
  ["a rule of ufw's", "ACCEPT", ["-A FORWARD -j ufw-x", "-A ufw-x -j DROP"], "ufw: -A ufw-x -j DROP"],
  ["a rule behind a goto", "DROP", ["-A FORWARD -g C", "-A FORWARD -j ACCEPT"], "an admin: policy"],
  ["a chain that leads into itself", "ACCEPT", ["-A FORWARD -j C", "-A C -j C"], undefined],
  ["Docker's policy", "DROP", ["-A FORWARD -j DOCKER-USER"], "Docker: policy"],
  ["a rule that only notes", "ACCEPT", ["-A FORWARD -j LOG --log-prefix 'a b'"], undefined],
])("iptables: %s", (_name, policy, rules, expected) => expect(stopped(policy, rules)).toBe(expected));

const inNft = (policy: string, ...rules: object[][]) =>
  nftChains(
    JSON.stringify({
      nftables: [
        { chain: { family: "inet", table: "t", name: "f", type: "filter", hook: "forward", policy } },
        ...rules.map((expr, handle) => ({ rule: { family: "inet", table: "t", chain: "f", handle, expr } })),
      ],
    }),
  )[0];

const match = (left: object, right: unknown, op = "==") => ({ match: { op, left, right } });
const iifname = { meta: { key: "iifname" } };
const saddr = { payload: { protocol: "ip", field: "saddr" } };

test.each<[string, ReturnType<typeof inNft>, string | undefined]>([
  ["a policy", inNft("drop"), "policy"],
  [
    "a rule for a link of a set",
    inNft("accept", [match(iifname, { set: ["br0", "br1"] }), { counter: {} }, { drop: null }]),
    "chain f, handle 0: iifname { br0, br1 } drop",
  ],
  ["a rule for any other link", inNft("accept", [match(iifname, "br0", "!="), { drop: null }]), undefined],
  [
    "a subnet",
    inNft("accept", [match(saddr, { prefix: { addr: "10.5.0.0", len: 16 } }), { reject: {} }]),
    "chain f, handle 0: ip saddr 10.5.0.0/16 reject",
  ],
  ["a set by its name is not known", inNft("accept", [match(saddr, "@bad"), { drop: null }]), undefined],
  ["a policy behind a map of verdicts is not known", inNft("drop", [{ vmap: {} }]), undefined],
  [
    "a policy behind an accept for established ones",
    inNft("drop", [match({ ct: { key: "state" } }, ["established"], "in"), { accept: null }]),
    "policy",
  ],
])("nftables: %s", (_name, chain, expected) => {
  const stop = chain && stopIn(chain, out);
  expect(stop && (stop.rule?.text ?? "policy")).toBe(expected);
});

test("what is no listing of nft's has no chains", () => expect(nftChains("nonsense")).toEqual([]));

test("each cause has a name of its own, and a row in docs/cli.md that says what it looks at", () => {
  const docs = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
  const names = causes.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, looksAt } of causes) expect(docs.replaceAll(/ +/g, " ")).toContain(`| \`${name}\` | ${looksAt} |`);
});
