// What a Netns would do to a host that stands as a test says: the plans stand in __snapshots__, to be read there.
import { describe, expect, test } from "vitest";
import { ownerText } from "../../../provider/kernel/owner.ts";
import { linkOf, Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const gone = { link: undefined, netns: false };
const mount = { mounted: true, ours: false };
const nothing = {
  lo: gone,
  inode: undefined,
  mount,
  named: undefined,
  target: 77,
  host: 11,
  sysctls: {},
  former: undefined,
};
const netnsOf = (more: Bag = {}) => new Paper("Netns", { name: "blue", ...more }, nothing);
const standing = ({ owner }: Paper, more: Bag = {}) => ({ lo: linkOf("lo", { alias: owner, ...more }), inode: 77 });
const forward = "net.ipv4.ip_forward";
const foreign = "linuxnet:other/dev/Netns/x@00000000";

describe("a namespace", () => {
  test("that is missing is made and marked, its lo brought up, its settings made", () => {
    expect(netnsOf().plan()).toMatchSnapshot();
    expect(netnsOf({ loopback: false, sysctls: { "net.ipv4.ip_forward": "1" } }).plan()).toMatchSnapshot();
    expect(netnsOf().plan({ mount: { mounted: false, ours: false } })).toContain("note the mount of /run/netns");
  });

  test("that stands as it is wanted is left alone", () => {
    const paper = netnsOf({ sysctls: { "net.ipv4.ip_forward": "1" } });
    expect(paper.plan({ ...standing(paper), sysctls: { [forward]: "1" } })).toBe("");
    expect([paper.present(standing(paper)), paper.present()]).toEqual([true, false]);
    expect(paper.present(standing(paper, { alias: foreign }))).toBe(false);
    expect(paper.outputs(standing(paper))).toEqual({ path: "/run/netns/blue", inode: 77 });
  });

  test("whose lo or settings differ gets them back, and nothing else", () => {
    const up = netnsOf();
    expect(up.plan(standing(up, { up: false }))).toMatchSnapshot();
    const down = netnsOf({ loopback: false });
    expect(down.plan(standing(down))).toMatchSnapshot();
    const other = "net.ipv4.ip_unprivileged_port_start";
    const set = netnsOf({ sysctls: { "net.ipv4.ip_forward": "1", "net.ipv4.ip_unprivileged_port_start": "80" } });
    expect(set.plan({ ...standing(set), sysctls: { [forward]: "0", [other]: "80" } })).toMatchSnapshot();
    expect(set.plan({ ...standing(set), sysctls: { [other]: "80" } })).toMatch(
      /^refused: this kernel has no setting net.ipv4.ip_forward in namespace blue/,
    );
  });

  test("of a stranger's is refused, unless it is to be taken over: then it is noted how it stood", () => {
    const paper = netnsOf({ sysctls: { "net.ipv4.ip_forward": "1" } });
    const seen = { ...standing(paper, { alias: undefined, up: false }), sysctls: { [forward]: "0" } };
    expect(paper.plan(seen)).toMatchSnapshot();
    expect(paper.plan(seen, { adopt: true })).toMatchSnapshot();
    expect(paper.plan(standing(paper, { alias: foreign }), { adopt: true })).toMatchSnapshot();
    expect(paper.plan(standing(paper, { alias: undefined }), { claims: new Set(["netns:blue"]) })).toMatchSnapshot();
    expect(paper.teardown(seen)).toBe("");
  });

  test("that was taken over notes a setting that is declared later before it changes it", () => {
    const paper = netnsOf({ sysctls: { "net.ipv4.ip_forward": "1" } });
    const seen = { ...standing(paper, { alias: ownerText(paper.owner, true) }), sysctls: { [forward]: "0" } };
    const former = { up: false, alias: "hers", sysctls: {} };
    expect(paper.plan({ ...seen, former })).toMatchSnapshot();
    expect(paper.plan({ ...seen, former: { ...former, sysctls: { [forward]: "0" } } })).not.toContain("not known");
    expect(paper.plan(seen)).not.toContain("not known");
    expect(paper.present(seen)).toBe(true);
  });
});

describe("a namespace that is named by a process", () => {
  const named = (paper: Paper, more: Bag = {}) => ({
    lo: linkOf("lo"),
    inode: 77,
    named: { inode: 77, owner: paper.owner },
    ...more,
  });

  test("gets its name, and is not changed but for what is declared", () => {
    const paper = netnsOf({ pid: 812 });
    expect(paper.plan()).toMatchSnapshot();
    expect(paper.plan(named(paper))).toBe("");
    const quiet = netnsOf({ pid: 812, loopback: false });
    expect([quiet.plan(named(quiet)), quiet.plan()]).toMatchSnapshot();
  });

  test("is refused where the process is none, or in the host's own", () => {
    const paper = netnsOf({ pid: 812 });
    expect(paper.plan({ target: undefined })).toMatch(/^refused: there is no process 812/);
    expect(paper.plan({ host: 77 })).toMatch(/^refused: process 812 has no network namespace of its own/);
    expect(paper.plan({ lo: linkOf("lo"), inode: 78 }, { adopt: true })).toMatch(
      /^refused: namespace blue is there already and is not that of process 812/,
    );
    expect(paper.plan({ ...named(paper), named: { inode: 77, owner: foreign } })).toContain(`belongs to ${foreign}`);
  });

  test("loses its name alone at the end, and whoever runs in it goes on", () => {
    const paper = netnsOf({ pid: 812 });
    expect(paper.teardown(named(paper))).toMatchSnapshot();
    const rebuilt = named(paper, { inode: 99 });
    expect([paper.present(rebuilt), paper.teardown(rebuilt)]).toMatchSnapshot();
  });
});

describe("the end of a namespace", () => {
  test("takes it away, and who still runs in it is told of", () => {
    const paper = netnsOf();
    expect(paper.teardown(standing(paper))).toMatchSnapshot();
    expect(paper.teardown({ ...standing(paper), inode: undefined })).toBe("");
  });

  test("that is gone already tidies what was noted, and our mount alone", () => {
    const paper = netnsOf();
    expect(paper.teardown()).toBe("");
    const former = { up: true, sysctls: {} };
    expect(paper.teardown({ former, mount: { mounted: true, ours: true } })).toMatchSnapshot();
    expect(paper.teardown({ ...standing(paper, { alias: foreign }), mount: { mounted: true, ours: true } })).toBe("");
  });

  test("that was taken over puts back how it stood", () => {
    const paper = netnsOf({ sysctls: { "net.ipv4.ip_forward": "1" } });
    const seen = { ...standing(paper, { alias: ownerText(paper.owner, true) }), sysctls: { [forward]: "1" } };
    const former = { up: false, alias: "hers", sysctls: { [forward]: "0", "net.ipv4.ip_default_ttl": "64" } };
    expect(paper.teardown({ ...seen, former })).toMatchSnapshot();
    expect(paper.teardown({ ...seen, former: { up: true, sysctls: { [forward]: "1" } } })).toMatchSnapshot();
    expect(paper.teardown(seen)).toMatchSnapshot();
    expect(paper.teardown({ ...seen, named: { inode: 77, owner: ownerText(paper.owner, true) } })).toMatchSnapshot();
  });
});
