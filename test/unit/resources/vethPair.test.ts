// What a VethPair would do to a host that stands as a test says: the plans stand in __snapshots__, to be read there.
import { describe, expect, test } from "vitest";
import { ownerText } from "../../../provider/kernel/owner.ts";
import { bareRules, linkOf, noLink, Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const lab0 = linkOf("lab0", { kind: "bridge" });
const unnoted = { formerOne: undefined, formerOther: undefined };
const nothing = { one: noLink, other: noLink, bridge: lab0, peerBridge: lab0, netem: true, ...unnoted };
const peer = { name: "eth0", netns: "ct1", addresses: ["10.9.0.2/24"], gateway: "10.9.0.1" };
const cable = (more: Bag = {}, end: Bag = {}, seen: Bag = {}) =>
  new Paper("VethPair", { name: "v0", bridge: "lab0", ...more, peer: { ...peer, ...end } }, { ...nothing, ...seen });
/** A cable of which one end is the host's own and no port: the host is asked for more. */
const bare = (more: Bag = {}) => {
  const host = { ...bareRules, quiet: {}, links: [], routes4: [], routes6: [] };
  return cable({ bridge: undefined, addresses: ["10.8.0.1/24"], ...more }, { gateway: undefined }, host);
};
const inside = [
  { to: "10.9.0.0/24", dev: "eth0", connected: true },
  { to: "default", via: "10.9.0.1", dev: "eth0" },
];

/** How a cable of these inputs stands when nothing is missing. */
function standing({ args, owner }: Paper, one: Bag = {}, other: Bag = {}) {
  const far = args.peer as Bag;
  const common = { alias: owner, mtu: args.mtu, kind: "veth" };
  const bridge = args.bridge;
  const mine = { ...common, macAddress: args.macAddress, addresses: args.addresses, bridge, peerIndex: 9, ifindex: 8 };
  const theirs = { ...common, macAddress: far.macAddress, addresses: far.addresses, peerIndex: 8, ifindex: 9 };
  return {
    one: linkOf("v0", { ...mine, ...one }),
    other: linkOf("eth0", { ...theirs, ...other }),
    other4: inside,
  };
}

describe("a pair", () => {
  test("that is missing is made with both its ends", () => {
    expect(cable().plan()).toMatchSnapshot();
    const ends = { routes: [{ to: "10.7.0.0/16", via: "10.9.0.9", metric: 50 }], addrgenmode: "none" };
    const whole = cable({ hairpin: true, isolated: true, mtu: 1400, impairment: { rate: "10mbit" } }, ends);
    expect(whole.plan({ ipv6: true })).toMatchSnapshot();
    expect(whole.plan({ ipv6: false })).not.toContain("addrgenmode");
  });

  test("that stands as it is wanted is left alone", () => {
    const paper = cable();
    const seen = standing(paper);
    expect(paper.plan(seen)).toBe("");
    expect([paper.present(seen), paper.present()]).toEqual([true, false]);
    expect(paper.present({ one: noLink, other: seen.other })).toBe(true);
    expect(paper.outputs(seen)).toMatchObject({ ifindex: 8, peer: { name: "eth0", netns: "ct1", ifindex: 9 } });
    expect(paper.outputs()).toMatchObject({ ifindex: undefined, peer: { name: "eth0", ifindex: undefined } });
  });

  test.each<[string, Bag, Bag, Bag?]>([
    ["another MTU at both ends", { mtu: 1400 }, { mtu: 1400 }],
    ["another MTU at one end", {}, { mtu: 1400 }],
    ["no bridge", { bridge: undefined }, {}],
    ["hairpin", { hairpin: true }, {}],
    ["isolated", { isolated: true }, {}],
    ["an end down", {}, { up: false }],
    ["another MAC address", {}, { macAddress: "02:00:00:00:00:99" }],
    ["another address inside", {}, { addresses: ["10.9.0.7/24"] }],
    ["another gateway", {}, {}, { other4: [inside[0], { to: "default", via: "10.9.0.8", dev: "eth0" }] }],
    ["no route to its subnet", {}, {}, { other4: [inside[1]] }],
    ["a mark of nobody's", {}, { alias: undefined }],
  ])("that stands with %s gets back what it is to have", (_what, one, other, more = {}) => {
    const paper = cable();
    const context = { previous: paper.args, claims: new Set(["link:v0"]) };
    expect(paper.plan({ ...standing(paper, one, other), ...more }, context)).toMatchSnapshot();
  });

  test("whose routes and impairment are declared no more loses them", () => {
    const was = cable({ impairment: { rate: "10mbit" } }, { routes: [{ to: "10.7.0.0/16", via: "10.9.0.9" }] });
    const seen = { other4: [...inside, { to: "10.7.0.0/16", via: "10.9.0.9", dev: "eth0" }] };
    const qdisc = { dev: "v0", kind: "tbf", impairment: { rate: "10mbit" }, foreign: false };
    const now = cable();
    expect(now.plan({ ...standing(now), ...seen, qdisc }, { previous: was.args })).toMatchSnapshot();
    expect(now.asked()).not.toContain("qdisc");
    expect(now.asked({ previous: was.args })).toContain("qdisc");
    const far = cable({}, { impairment: { delay: "5ms" } });
    expect([far.asked().includes("peerQdisc"), far.asked().includes("qdisc")]).toEqual([true, false]);
    expect(now.asked({ previous: far.args })).toContain("peerQdisc");
    const peerQdisc = { dev: "eth0", kind: "netem", impairment: { delay: "5ms" }, foreign: false };
    expect(far.plan({ ...standing(far), peerQdisc })).toBe("");
    expect(now.plan({ ...standing(now), peerQdisc })).toMatchSnapshot();
    expect(far.plan({ ...standing(far), netem: false })).toMatch(/^refused: this kernel has no netem/);
  });

  test("of which an end is gone, or belongs to another pair, is made anew", () => {
    const paper = cable();
    const { one, other } = standing(paper);
    expect(paper.plan({ one })).toMatchSnapshot();
    expect(paper.plan({ other }).split("\n").slice(0, 2)).toMatchSnapshot();
    expect(paper.plan({ ...standing(paper, { peerIndex: 33 }) }).split("\n")[1]).toContain("delete veth v0");
  });

  test("is refused where what it needs is not there, or a stranger's link has its name", () => {
    const paper = cable();
    expect(paper.plan({ bridge: noLink })).toMatch(/^refused: there is no bridge lab0/);
    expect(paper.plan({ other: { link: undefined, netns: false } })).toMatch(/^refused: there is no namespace ct1/);
    const far = cable({}, { bridge: "br1", addresses: [], gateway: undefined });
    expect(far.plan({ peerBridge: linkOf("br1", { kind: "veth" }) })).toMatch(/^refused: br1 is no bridge/);
    expect(paper.plan(standing(paper, { alias: "hers" }))).toMatch(/^refused: /);
    expect(paper.plan(standing(paper, {}, { alias: "hers" }))).toMatch(/^refused: /);
    const links = [linkOf("eth9", { addresses: ["10.8.0.9/16"] }).link];
    const routes4 = [{ to: "10.8.0.0/16", dev: "eth9", connected: true }];
    expect(bare().plan({ links, routes4 })).toMatch(/^refused: the subnet of 10.8.0.1\/24 overlaps 10.8.0.0\/16/);
    const own = standing(bare(), {}, {});
    expect(bare().plan({ ...own, links, routes4 })).not.toMatch(/overlaps/);
  });
});

describe("an end of the host's own that is no port", () => {
  const elements = [{ set: "nets", key: "v0" }];
  test("stands in our table, and takes no redirects", () => {
    const paper = bare();
    expect(paper.plan()).toMatchSnapshot();
    const loud = { "net/ipv4/conf/v0/accept_redirects": "1" };
    const seen = { ...standing(paper), one4: [{ to: "10.8.0.0/24", dev: "v0", connected: true }] };
    expect(paper.plan({ ...seen, quiet: loud })).toMatchSnapshot();
    const table = { ...bareRules.table, exists: true, whole: true };
    const mine = { ...table, elements: elements.map((one) => ({ ...one, comment: paper.owner })) };
    expect(paper.plan({ ...seen, table: mine })).toBe("");
    expect(paper.teardown({ ...seen, table: mine })).toMatchSnapshot();
    expect(paper.teardown({ table: mine })).toMatchSnapshot();
  });

  test("is asked about in our table, and ends in a namespace are not", () => {
    expect(bare().asked()).toEqual(expect.arrayContaining(["table", "quiet", "links", "routes4"]));
    expect(cable().asked()).toMatchSnapshot();
    expect(cable({}, { addrgenmode: "none" }).asked()).toContain("ipv6");
    expect(cable({ addrgenmode: "none" }).asked()).toContain("ipv6");
    const six = cable({}, { addresses: ["fd09::2/64"], gateway: "fd09::1" });
    expect(six.asked().filter((name) => /^o.*[46]$/.test(name))).toEqual(["other6"]);
    const two = cable({ bridge: undefined, netns: "ct2", addresses: ["10.8.0.1/24", "fd08::1/64"] });
    const routed = { routes: [{ to: "10.7.0.0/16" }, { to: "fd07::/64" }] };
    expect(two.asked({ previous: routed })).toEqual(expect.arrayContaining(["one4", "one6"]));
    expect(cable().asked({ adopt: true })).toEqual(expect.arrayContaining(["one4", "one6", "other4", "other6"]));
  });
});

describe("a pair of a stranger's that is taken over", () => {
  const was = { mtu: 1450, macAddress: "02:00:00:00:00:99", up: true, addresses: [], hairpin: false, isolated: false };
  const former = { ...was, routes: [], quiet: {} };
  const taken = (paper: Paper, one: Bag = {}, other: Bag = {}) => {
    const alias = ownerText(paper.owner, true);
    return standing(paper, { alias, ...one }, { alias, ...other });
  };

  test("is noted as it stood, and is ours from then on", () => {
    const paper = cable();
    const seen = standing(paper, { alias: undefined }, { alias: undefined, addresses: ["10.9.0.77/24"] });
    expect(paper.plan(seen, { adopt: true })).toMatchSnapshot();
    expect(paper.plan(taken(paper))).toBe("");
    expect(paper.present(taken(paper))).toBe(true);
  });

  test("gets back how it stood at the end", () => {
    const paper = cable();
    expect(paper.teardown({ ...taken(paper), formerOne: former, formerOther: former })).toMatchSnapshot();
    expect(paper.teardown(taken(paper))).toMatchSnapshot();
    const impaired = cable({ impairment: { rate: "10mbit" } }, { impairment: { rate: "10mbit" } });
    const rate = { kind: "tbf", impairment: { rate: "10mbit" }, foreign: false };
    const qdiscs = { qdisc: { ...rate, dev: "v0" }, peerQdisc: { ...rate, dev: "eth0" } };
    expect(impaired.teardown({ ...taken(impaired), ...qdiscs })).toMatchSnapshot();
    // Half of it is gone: the other half is not deleted for that.
    expect(paper.plan({ one: taken(paper).one }).split("\n")[1]).not.toContain("delete");
  });
});

describe("the end of a pair", () => {
  test("deletes it by the end that is ours, and drops the flows of its addresses", () => {
    const paper = cable();
    const seen = standing(paper);
    expect(paper.teardown(seen)).toMatchSnapshot();
    expect(paper.teardown({ other: seen.other })).toMatchSnapshot();
    expect(paper.teardown()).toBe("");
    expect(paper.teardown(standing(paper, { alias: "hers" }, { alias: "hers" }))).toBe("");
    const former = { mtu: 1500 };
    expect(paper.teardown({ formerOne: former, formerOther: former })).toMatchSnapshot();
  });
});
