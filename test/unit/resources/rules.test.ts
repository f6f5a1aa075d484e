// What a NatRule and a ForwardRule would do to a host that stands as a test says: the plans stand in __snapshots__, to be read there.
import { describe, expect, test } from "vitest";
import { forwardAcceptFact } from "../../../provider/kernel/forward-accept.ts";
import { bareRules, Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const routes = {
  routes4: [{ to: "default", via: "203.0.113.1", dev: "up0" }],
  routes6: [{ to: "default", via: "fd00::1", dev: "up6" }],
};
const nothing = { ...bareRules, ...routes };
const table = { ...bareRules.table, exists: true, whole: true };
const withoutNft = { ...bareRules.table, fault: "nft: not found" };
const nat = (args: Bag) => new Paper("NatRule", args, nothing);
const forward = (args: Bag) => new Paper("ForwardRule", { action: "accept", ...args }, nothing);

/** What is said to nft and iptables of a plan: the table that each of them needs is left out. */
const rulesOf = (text: string) =>
  text.split("\n").filter((line) => / rule |rule to |rule "|refused|nftables set|IP forwarding|FORWARD/.test(line));

/** A host whose admin keeps two links apart. */
const forbidding = (rule: string, tool = "iptables-nft") => {
  const fact = forwardAcceptFact();
  const stdout = `tool ${tool}\n:FORWARD ACCEPT\n-A FORWARD ${rule} -j DROP\n`;
  return { accept: fact.parse({ code: 0, stdout, stderr: "" }) };
};

const masquerade = { type: "masquerade", source: "10.9.0.0/24", outInterface: "uplink" };
const dnat = { type: "dnat", toAddress: "10.9.0.2" };

describe("a translation", () => {
  test("is made with forwarding, its guard, and what keeps its subnet closed", () => {
    expect(nat(masquerade).plan()).toMatchSnapshot();
  });

  test.each<Bag>([
    { ...masquerade, protect: false, forward: false },
    { ...masquerade, outInterface: undefined, notOutInterface: "lab0", protocol: "tcp", destinationPorts: "80-90" },
    { ...masquerade, source: ["10.9.0.0/24", "fd09::/64"] },
    { type: "snat", source: "10.9.0.0/24", destination: "10.7.0.0/16", toAddress: "203.0.113.2" },
    { type: "snat", source: "fd09::/64", toAddress: "fd00::2", outInterface: "uplink" },
    { ...dnat, inInterface: "uplink", protocol: "tcp", destinationPorts: 8080, toPorts: 80 },
    { ...dnat, notInInterface: "lab0", output: false, destination: "203.0.113.2" },
  ])("of %j says this, in nftables and in iptables", (args) => {
    expect(rulesOf(nat(args).plan())).toMatchSnapshot();
    expect(rulesOf(nat({ ...args, backend: "iptables" }).plan())).toMatchSnapshot();
    expect(rulesOf(nat(args).plan({ table: withoutNft }))).toEqual(
      rulesOf(nat({ ...args, backend: "iptables" }).plan({ table: withoutNft })),
    );
  });

  test("by a link of the default route is refused where there is none", () => {
    expect(nat(masquerade).plan({ routes4: [] })).toMatch(/^refused: /);
    expect(nat({ ...masquerade, outInterface: "up0" }).plan({ routes4: [] })).not.toMatch(/^refused/);
  });

  test("in a namespace turns forwarding on there", () => {
    expect(nat({ ...masquerade, netns: "ct1" }).plan()).toMatchSnapshot();
  });

  test("goes with all that was caused by it", () => {
    const paper = nat(masquerade);
    const elements = [{ set: "nets", key: "x", comment: paper.owner }];
    const forwarding = { on: [4], wereOff: [4], guarded: [4], noted: true, needs: true };
    expect(paper.teardown({ table: { ...table, elements }, forwarding })).toMatchSnapshot();
    expect([paper.present({ table: { ...table, elements } }), paper.present()]).toEqual([true, false]);
    const inside = nat({ ...masquerade, netns: "ct1" });
    const own = { table: { ...table, elements: [{ ...elements[0], comment: inside.owner }] } };
    expect(inside.teardown(own)).toContain("in ct1 delete element");
    expect(paper.teardown()).toBe("");
  });

  test("tells the backend and the link that it uses", () => {
    expect(nat(masquerade).outputs()).toEqual({ backend: "nftables", outInterface: "up0" });
    const six = nat({ ...masquerade, source: "fd09::/64" });
    expect(six.outputs({ table: withoutNft })).toEqual({ backend: "iptables", outInterface: "up6" });
    expect(nat(dnat).outputs()).toEqual({ backend: "nftables" });
  });

  test("has a name that says what is translated", () => {
    const snat = { type: "snat", destination: "10.7.0.0/16", toAddress: "203.0.113.2" };
    const six = { type: "masquerade", source: ["10.9.0.0/24", "fd09::/64"] };
    expect([masquerade, dnat, snat, six, { type: "masquerade" }].map((args) => nat(args).id)).toEqual([
      "masquerade:10.9.0.0/24",
      "dnat:10.9.0.2",
      "snat:10.7.0.0/16",
      "masquerade:10.9.0.0/24,fd09::/64",
      "masquerade:any",
    ]);
  });
});

test("what a firewall of others certainly stops is refused, where it is to pass", () => {
  const paper = nat(masquerade);
  expect(paper.plan(forbidding("-s 10.9.0.0/24"))).toMatch(/^refused: .* is stopped by the rule/);
  for (const args of [{ forward: false }, { netns: "ct1" }])
    expect(nat({ ...masquerade, ...args }).plan(forbidding("-s 10.9.0.0/24"))).not.toMatch(/^refused/);
  const one = { source: "10.9.0.0/24", destination: "10.8.0.5", protocol: "tcp", destinationPorts: 80 };
  const both = { ...one, inInterface: "lab0", outInterface: "uplink" };
  const rules = ["-s 10.9.0.0/24", "-d 10.8.0.5/32", "-p tcp -m tcp --dport 80", "-i lab0", "-o up0"];
  for (const rule of rules) expect(forward(both).plan(forbidding(rule))).toMatch(/^refused: what this rule accepts/);
  for (const args of [{ action: "drop" }, { netns: "ct1" }, { states: ["established"] }])
    expect(forward({ ...both, ...args }).plan(forbidding("-i lab0"))).not.toMatch(/^refused/);
  expect(forward({ ...both, states: ["established", "new"] }).plan(forbidding("-i lab0"))).toMatch(/^refused/);
  const ranged = forward({ ...both, destinationPorts: "80-90" });
  expect(ranged.plan(forbidding("-p tcp -m tcp --dport 80"))).not.toMatch(/^refused/);
  const six = forward({ source: "fd09::/64", inInterface: "lab0" });
  expect(six.plan(forbidding("-i lab0", "ip6tables-nft"))).toMatch(/^refused/);
  expect(six.plan(forbidding("-i lab0"))).not.toMatch(/^refused/);
  expect(forward({}).plan(forbidding("-i lab0"))).not.toMatch(/^refused/);
});

describe("a decision on what is forwarded", () => {
  test.each<Bag>([
    {},
    { action: "drop", source: "10.9.0.0/24" },
    { action: "reject", destination: ["10.9.0.0/24", "fd09::/64"], protocol: "tcp", destinationPorts: 80 },
    { inInterface: "uplink", outInterface: "lab0", states: ["new", "established"], priority: 5 },
    { source: "fd09::/64", outInterface: "uplink", protocol: "udp", sourcePorts: "1000-2000" },
    { protocol: "icmpv6" },
  ])("of %j says this, in nftables and in iptables", (args) => {
    expect(rulesOf(forward(args).plan())).toMatchSnapshot();
    expect(rulesOf(forward({ ...args, backend: "iptables" }).plan())).toMatchSnapshot();
  });

  test("is noted as one that needs our accept in FORWARD where it accepts, and not where it drops", () => {
    expect(forward({}).plan()).toContain("note who needs our accept in FORWARD");
    expect(forward({ action: "drop" }).plan()).not.toContain("note who needs");
  });

  test("goes from where it stands, and tells its backend", () => {
    const paper = forward({ netns: "ct1" });
    const rules = [{ chain: "user_forward", handle: 7, comment: `${paper.owner} #00000000`, expr: [] }];
    expect(paper.teardown({ table: { ...table, rules } })).toMatchSnapshot();
    expect([paper.present({ table: { ...table, rules } }), paper.present()]).toEqual([true, false]);
    expect([paper.outputs(), paper.outputs({ table: withoutNft })]).toEqual([
      { backend: "nftables" },
      { backend: "iptables" },
    ]);
    expect(forward({ source: "10.9.0.0/24", action: "drop" }).id).toBe("drop:10.9.0.0/24->any");
    expect(forward({ destination: ["10.9.0.0/24", "fd09::/64"] }).id).toBe("accept:any->10.9.0.0/24,fd09::/64");
  });
});
