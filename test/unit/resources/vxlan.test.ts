// What a Vxlan would do to a host that stands as a test says: the plans stand in __snapshots__, to be read there.
import { describe, expect, test } from "vitest";
import { ownerText } from "../../../provider/kernel/owner.ts";
import { bareRules, linkOf, noLink, Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const eth0 = linkOf("eth0", { addresses: ["203.0.113.2/24", "fd00::2/64"] }).link;
const unguarded = { exists: false, comments: [], fault: undefined };
const lab0 = linkOf("lab0", { kind: "bridge" });
const bareHost = { ...bareRules, flood: [], former: undefined, links: [eth0], guard: unguarded, quiet: {} };
const nothing = { ...bareHost, tunnel: noLink, bridge: lab0 };
const tunnel = (more: Bag = {}) => {
  const args = { name: "vx0", vni: 42, bridge: "lab0", local: "203.0.113.2", remotes: ["203.0.113.1"] };
  return new Paper("Vxlan", { ...args, ...more }, nothing);
};
const rules = (paper: Paper) => {
  const made = tunnel().plan();
  return { made, comment: paper.owner };
};

/** How a tunnel of these inputs stands when nothing of its link is missing. */
function standing({ args, owner }: Paper, more: Bag = {}) {
  const vxlan = { vni: args.vni, local: args.local, port: args.port };
  const link = { kind: "vxlan", alias: owner, mtu: 1450, bridge: args.bridge, vxlan };
  return { tunnel: linkOf("vx0", { ...link, ...more }), flood: args.remotes };
}

const linkChanges = (text: string) =>
  text
    .split("\n")
    .filter((line) => !/nft|^our |rule/.test(line))
    .join("\n");

describe("a tunnel", () => {
  test("that is missing is made after the rules that keep strangers out", () => {
    expect(tunnel().plan()).toMatchSnapshot();
    expect(rules(tunnel()).made.indexOf("create vxlan")).toBeGreaterThan(rules(tunnel()).made.indexOf("nftables"));
  });

  test("without a bridge, on the host itself, is named among our networks, and takes no redirects", () => {
    const paper = tunnel({ bridge: undefined, mtu: 1400 });
    expect(paper.plan()).toMatchSnapshot();
    expect(tunnel({ bridge: undefined, netns: "ct1" }).plan()).not.toContain("to the nftables set nets");
  });

  test("with a gateway that every host has keeps it off the tunnel", () => {
    const gateway = { macAddress: "02:00:00:00:00:31", addresses: ["10.9.0.1"] };
    const paper = tunnel({ anycastGateway: gateway });
    expect(paper.plan(standing(paper))).toContain("vx0");
    expect(paper.plan()).toMatchSnapshot();
    const guarded = { exists: true, comments: [paper.owner], fault: undefined };
    expect(paper.teardown({ ...standing(paper), guard: guarded })).toMatchSnapshot();
  });

  test.each<[string, Bag, Bag?]>([
    ["another MTU", { mtu: 1400 }],
    ["another bridge", { bridge: "br9" }],
    ["another MAC address", { macAddress: "02:00:00:00:00:99" }],
    ["another local address", { vxlan: { vni: 42, local: "203.0.113.9", port: 4789 } }],
    ["a local address of the other family", { vxlan: { vni: 42, local: "fd00::9", port: 4789 } }],
    ["other remotes", {}, { flood: ["203.0.113.7"] }],
    ["its link down", { up: false }],
    ["no mark, since it was cut off while it was made,", { alias: undefined }],
  ])("that stands with %s gets back what it is to have", (_what, link, seen = {}) => {
    const paper = tunnel();
    const macAddress = /set address (\S+)|address (02:\S+)/.exec(tunnel().plan())?.[1];
    const stands = standing(paper, { ...(macAddress && { macAddress }), ...link });
    expect(linkChanges(paper.plan({ ...stands, ...seen }, { claims: new Set(["link:vx0"]) }))).toMatchSnapshot();
  });

  test("is refused where what it needs is not there, or another link has its name", () => {
    const paper = tunnel();
    expect(paper.plan({ tunnel: { link: undefined, netns: false } })).toMatch(/^refused: there is no namespace/);
    expect(paper.plan({ bridge: noLink })).toMatch(/^refused: there is no bridge lab0/);
    expect(paper.plan({ bridge: linkOf("lab0", { kind: "veth" }) })).toMatch(/^refused: there is no bridge lab0/);
    expect(paper.plan({ links: [] })).toMatch(/^refused: this host does not have the address 203.0.113.2/);
    expect(paper.plan(standing(paper, { alias: "hers" }))).toMatch(/^refused: .*vx0/);
    expect(paper.plan(standing(paper, { kind: "veth", alias: "hers" }), { adopt: true })).toMatch(/^refused: /);
    for (const vxlan of [{ vni: 43, port: 4789 }, { vni: 42, port: 4790 }, undefined])
      expect(paper.plan(standing(paper, { vxlan }))).toMatch(/^refused: vx0 is there and is no VXLAN 42 on port 4789/);
  });

  test("of a stranger's that is taken over is noted as it stood, and gets it back", () => {
    const paper = tunnel();
    const seen = { ...standing(paper, { alias: "hers", mtu: 1300 }), flood: ["203.0.113.7"] };
    expect(linkChanges(paper.plan(seen, { adopt: true }))).toMatchSnapshot();
    const former = {
      mtu: 1300,
      macAddress: "02:00:00:00:00:07",
      up: false,
      local: "203.0.113.9",
      remotes: [],
      quiet: {},
    };
    const alias = ownerText(paper.owner, true);
    expect(paper.teardown({ ...standing(paper, { alias }), former })).toMatchSnapshot();
    const other = standing(paper, { alias, vxlan: { vni: 42, local: "fd00::9", port: 4789 } });
    expect(paper.plan(other)).not.toContain("delete vxlan");
  });
});

describe("the end of a tunnel", () => {
  test("closes it before its rules go", () => {
    const paper = tunnel();
    const table = { ...bareRules.table, exists: true, whole: true };
    const elements = [{ set: "nets", key: "vx0", comment: paper.owner }];
    expect(paper.teardown({ ...standing(paper), table: { ...table, elements } })).toMatchSnapshot();
    expect(paper.teardown()).toBe("");
    expect(paper.teardown({ former: { mtu: 1 } })).toMatchSnapshot();
    expect([paper.present(standing(paper)), paper.present()]).toEqual([true, false]);
  });
});

test("its outputs are what the kernel says", () => {
  const paper = tunnel();
  const { tunnel: seen } = standing(paper, { ifindex: 12 });
  expect(paper.outputs({ tunnel: seen })).toEqual({ mtu: 1450, macAddress: "02:00:00:00:00:07", ifindex: 12 });
  expect(paper.outputs()).toEqual({ mtu: undefined, macAddress: undefined, ifindex: undefined });
});
