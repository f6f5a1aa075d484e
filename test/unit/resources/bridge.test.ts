// What a Bridge would do to a host that stands as a test says: the plans stand in __snapshots__, to be read there. That a kernel
// takes them is shown by test/kernel/bridge.test.ts.
import { describe, expect, test } from "vitest";
import { ownerText } from "../../../provider/kernel/owner.ts";
import { bareRules, linkOf, noLink, Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const loud = {
  "net/ipv4/conf/lab0/accept_redirects": "1",
  "net/ipv4/conf/lab0/send_redirects": "1",
  "net/ipv6/conf/lab0/accept_ra": "1",
  "net/ipv6/conf/lab0/accept_redirects": "1",
};
const quiet = Object.fromEntries(Object.keys(loud).map((key) => [key, "0"]));
const empty = { closed: {}, quiet: {}, former: undefined, routes4: [], routes6: [], links: [] };
const nothing = { ...bareRules, ...empty, bridge: noLink };
const bridgeOf = (more: Bag = {}) =>
  new Paper("Bridge", { name: "lab0", addresses: ["10.9.0.1/24"], ...more }, nothing);
const route = { to: "10.9.0.0/24", dev: "lab0", connected: true };

/** How a bridge of these inputs stands when nothing is missing. */
function standing({ args, owner }: Paper, more: Bag = {}) {
  const { name, macAddress, mtu = 1500, addresses, stp } = args;
  const elements = [
    { set: "nets", key: name, comment: owner },
    { set: "same", key: `${name} . ${name}`, comment: owner },
  ];
  return {
    bridge: linkOf(`${name}`, { kind: "bridge", macAddress, mtu, addresses, stp, alias: owner, ...more }),
    quiet,
    table: { ...bareRules.table, exists: true, whole: true, elements },
    forwarding: { ...bareRules.forwarding, noted: true },
    routes4: [route],
  };
}

/** A bridge of somebody's, and what was noted of it when it was taken over. */
const theirs = { macAddress: "02:00:00:00:00:99", mtu: 1450, stp: true, up: false, addresses: ["10.8.0.1/24"] };
const former = { ...theirs, quiet: loud };
const adopted = (paper: Paper, addresses: string[], more: Bag = {}) => ({
  ...standing(paper, { alias: ownerText(paper.owner, true), macAddress: theirs.macAddress, addresses, ...more }),
  former,
});

describe("a bridge", () => {
  test("that is missing is made with all that it is to have, after its subnet was found to be free", () => {
    expect(bridgeOf().plan()).toMatchSnapshot();
    const taken = { routes4: [{ to: "10.9.0.0/16", dev: "eth0" }] };
    expect(bridgeOf().plan(taken)).toMatch(/^refused: the subnet of 10.9.0.1\/24 overlaps 10.9.0.0\/16/);
    expect(bridgeOf({ netns: "ct1" }).plan(taken)).not.toContain("refused");
  });

  test("in a namespace is made there, with what differs from a bridge by default", () => {
    const own = { mtu: 1400, stp: true, netns: "ct1", macAddress: "02:00:00:00:00:01" };
    expect(bridgeOf({ ...own, addresses: [], isolate: true }).plan()).toMatchSnapshot();
    expect(bridgeOf({ netns: "ct1" }).plan({ bridge: { link: undefined, netns: false } })).toMatch(
      /^refused: there is no namespace ct1/,
    );
  });

  test("that is internal is closed to the others too, and needs nftables", () => {
    const internal = bridgeOf({ internal: true });
    expect(internal.plan(standing(internal))).toMatchSnapshot();
    const without = { table: { ...bareRules.table, fault: "nft: not found" } };
    expect(internal.plan({ ...standing(internal), ...without })).toMatch(/^refused: nftables does not work here/);
  });

  test("that stands as it is wanted is left alone", () => {
    const paper = bridgeOf();
    expect(paper.plan(standing(paper))).toBe("");
    expect([paper.present(standing(paper)), paper.present()]).toEqual([true, false]);
    expect(paper.present(standing(paper, { alias: "linuxnet:other/dev/Bridge/x@00000000" }))).toBe(false);
  });

  test.each<[string, Bag, Bag?]>([
    ["another MTU", { mtu: 1400 }],
    ["another MAC address", { macAddress: "02:00:00:00:00:99" }],
    ["spanning tree", { stp: true }],
    ["its link down", { up: false }],
    ["another address", { addresses: ["10.7.0.1/24"] }, { routes4: [] }],
    ["no mark, since it was cut off while it was made,", { alias: undefined }],
    ["redirects", {}, { quiet: loud }],
    ["no route to its subnet", {}, { routes4: [] }],
    ["rules in our table that are another's", {}, { table: { ...bareRules.table, exists: true, whole: true } }],
  ])("that stands with %s gets back what it is to have", (_what, link, seen = {}) => {
    const paper = bridgeOf();
    const context = { claims: new Set(["link:lab0"]) };
    expect(paper.plan({ ...standing(paper, link), ...seen }, context)).toMatchSnapshot();
  });

  test("of a stranger's is not touched, unless it is to be taken over: then it is noted how it stood", () => {
    const paper = bridgeOf();
    const seen = { ...nothing, bridge: linkOf("lab0", { ...theirs, kind: "bridge", alias: "hers" }), quiet: loud };
    expect(paper.plan(seen)).toMatch(/^refused: /);
    expect(paper.plan(seen, { adopt: true })).toMatchSnapshot();
    expect(paper.plan({ ...seen, bridge: linkOf("lab0", { kind: "veth" }) }, { adopt: true })).toMatch(/^refused: /);
    expect([paper.teardown(seen), paper.present(seen)]).toEqual(["", false]);
  });

  test("that was taken over keeps its MAC and its own addresses, and loses those that are declared no more", () => {
    const paper = bridgeOf();
    const previous = { addresses: ["10.7.0.1/24", "10.8.0.1/24"] };
    const seen = adopted(paper, ["10.7.0.1/24", "10.8.0.1/24", "10.9.0.1/24"]);
    expect(paper.plan(seen, { previous })).toMatchSnapshot();
    expect(paper.plan({ ...seen, former: undefined }, { previous })).toBe("");
    expect(paper.present(seen)).toBe(true);
    const other = bridgeOf({ macAddress: "02:00:00:00:00:01" });
    expect(other.plan(adopted(other, ["10.9.0.1/24"]))).toMatchSnapshot();
  });

  test("over a tunnel has the MTU that fits into it, unless one is given", () => {
    const links = [linkOf("eth0", { mtu: 1500, addresses: ["203.0.113.2/24"] }).link];
    const over = bridgeOf({ underlay: "203.0.113.2" });
    const seen = { ...standing(over, { mtu: 1450 }), links };
    expect(over.plan(seen)).toBe("");
    expect(over.outputs(seen)).toMatchObject({ mtu: 1450 });
    expect(over.plan({ ...seen, links: [] })).toMatch(/^refused: /);
    const given = bridgeOf({ underlay: "203.0.113.2", mtu: 1300 });
    expect(given.plan(standing(given))).toBe("");
    const bare = bridgeOf({ addresses: [] });
    expect([over.asked().includes("links"), bare.asked().includes("links")]).toEqual([true, false]);
  });

  test("where nft does not work, has its source check in iptables, in the families that work there", () => {
    const paper = bridgeOf({ addresses: ["10.9.0.1/24", "fd09::1/64"] });
    const fault = { table: { ...bareRules.table, fault: "nft: not found" } };
    const seen = { ...standing(paper), ...fault, routes6: [{ ...route, to: "fd09::/64" }] };
    expect(paper.plan(seen)).toMatchSnapshot();
    const one = { ...bareRules.rules6, problem: "no ip6tables" };
    expect(paper.plan({ ...seen, rules6: one })).toMatchSnapshot();
    const blind = { ...seen, rules4: { ...bareRules.rules4, problem: "no iptables" }, rules6: one };
    expect([paper.plan(blind), paper.teardown(blind)]).toEqual(["", "delete bridge lab0: ip link del dev lab0"]);
  });
});

describe("the end of a bridge", () => {
  test("takes its rules and the bridge away; nothing, when nothing is there", () => {
    const paper = bridgeOf();
    expect(paper.teardown()).toBe("");
    expect(paper.teardown({ ...standing(paper), closed: { 4: ["lab0"] } })).toMatchSnapshot();
    expect(paper.teardown({ former })).toMatchSnapshot();
  });

  test("that was taken over puts back how it stood", () => {
    const paper = bridgeOf();
    expect(paper.teardown(adopted(paper, ["10.8.0.1/24", "10.9.0.1/24"]))).toMatchSnapshot();
  });
});

test("its outputs are what the kernel says", () => {
  const paper = bridgeOf();
  const seen = standing(paper, { ifindex: 12, macAddress: "02:00:00:00:00:55" });
  expect(paper.outputs(seen)).toEqual({ macAddress: "02:00:00:00:00:55", ifindex: 12 });
  expect(paper.outputs()).toEqual({ macAddress: paper.args.macAddress, ifindex: undefined });
});
