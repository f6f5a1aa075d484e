// What a ResolvConf would do to a host that stands as a test says: the plans stand in __snapshots__, to be read there.
import { describe, expect, test } from "vitest";
import { fileHeader } from "../../../provider/kernel/files.ts";
import { ownerText } from "../../../provider/kernel/owner.ts";
import { Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const none = { kind: "absent", bytes: "", text: "", mode: "", owner: undefined };
const conf = (more: Bag = {}) =>
  new Paper(
    "ResolvConf",
    { netns: "ct1", nameservers: ["10.9.0.1"], ...more },
    { resolv: none, hosts: none, lost: false },
  );
const foreign = "linuxnet:other/dev/ResolvConf/x@00000000";

/** A file of a resource with this text behind its header. */
function file({ owner }: Paper, text: string, more: Bag = {}): Bag {
  return { kind: "file", bytes: "", text: fileHeader(owner, false) + text, mode: "644", owner, ...more };
}
const server = "nameserver 10.9.0.1\n";
const hosts = { db: "10.9.0.5", web: ["10.9.0.6", "fd09::6"] };
const hostsText =
  "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n10.9.0.5 db\n10.9.0.6 web\nfd09::6 web\n";
/** What a plan tells of, without its steps. */
const told = (text: string) => text.split("\n").filter((line) => !line.startsWith(" "));

describe("the DNS settings of a namespace", () => {
  test("that are missing are written, in a folder that is made for them", () => {
    expect(conf().plan()).toMatchSnapshot();
    const all = conf({ hosts, search: ["lab.test"], options: ["ndots:2"] });
    expect(all.plan()).toMatchSnapshot();
    expect(told(conf({ hosts }).plan({ resolv: file(conf(), server) }))).toEqual(["there is no /etc/netns/ct1/hosts"]);
  });

  test("that stand as they are wanted are left alone", () => {
    const paper = conf({ hosts });
    expect(paper.plan({ resolv: file(paper, server), hosts: file(paper, hostsText) })).toBe("");
    expect(conf().plan({ resolv: file(conf(), server) })).toBe("");
    expect(conf().outputs()).toEqual({ path: "/etc/netns/ct1/resolv.conf" });
    expect(conf().id).toBe("ct1");
  });

  test.each<[string, Bag, Bag, string[]]>([
    ["other name servers", {}, { text: "nameserver 10.9.0.7\n" }, ['nameservers is ["10.9.0.7"]']],
    ["a search that was not declared", {}, { text: `${server}search x.test\n` }, ['search is ["x.test"]']],
    ["no options", { options: ["edns0"] }, { text: server }, ["options is []"]],
    [
      "a line of somebody's",
      {},
      { text: `${server}sortlist 10.0.0.0\n` },
      ["/etc/netns/ct1/resolv.conf was edited: sortlist 10.0.0.0"],
    ],
    ["a remark of somebody's", {}, { text: `${server}# hers\n` }, ["/etc/netns/ct1/resolv.conf was edited"]],
    ["another mode", {}, { text: server, mode: "600" }, ["/etc/netns/ct1/resolv.conf has the mode 600"]],
    ["two differences", {}, { text: "search x.test\n" }, ["nameservers is []", 'search is ["x.test"]']],
  ])("with %s are written anew, in one step", (_what, args, { text, ...more }, drift) => {
    const paper = conf(args);
    const plan = paper.plan({ resolv: file(paper, `${text}`, more) });
    expect(told(plan)).toEqual(drift);
    expect(plan.split("\n").filter((line) => line.startsWith("  write /etc/netns/ct1/resolv.conf: "))).toHaveLength(1);
    expect(plan.split("\n")).toHaveLength(drift.length + 1);
  });

  test.each<[string, string, string[]]>([
    [
      "another address",
      hostsText.replace("10.9.0.5", "10.9.0.55"),
      ['hosts is {"db":"10.9.0.55","web":["10.9.0.6","fd09::6"]}'],
    ],
    [
      "a name more",
      `${hostsText}10.9.0.9 constructor\n`,
      ['hosts is {"db":"10.9.0.5","web":["10.9.0.6","fd09::6"],"constructor":"10.9.0.9"}'],
    ],
    ["a line of somebody's", `${hostsText}what is this\n`, ["/etc/netns/ct1/hosts was edited: what is this"]],
    [
      "a long line of somebody's",
      `${hostsText}  nonsense ${"x".repeat(200)}\n`,
      [`/etc/netns/ct1/hosts was edited: nonsense ${"x".repeat(111)}`],
    ],
    ["a remark of somebody's", `${hostsText}# hers\n`, ["/etc/netns/ct1/hosts was edited"]],
  ])("whose hosts file has %s are written anew", (_what, text, drift) => {
    const paper = conf({ hosts });
    const plan = paper.plan({ resolv: file(paper, server), hosts: file(paper, text) });
    expect(told(plan)).toEqual(drift);
    expect(plan).toContain("  write /etc/netns/ct1/hosts: ");
  });

  test("that declare no hosts any more lose the file, and a stranger's is not theirs to lose", () => {
    const paper = conf();
    const seen = { resolv: file(paper, server) };
    expect(paper.plan({ ...seen, hosts: file(paper, hostsText) })).toMatchSnapshot();
    expect(paper.plan({ ...seen, hosts: file(paper, hostsText, { owner: undefined }) })).toBe("");
    expect(paper.plan({ ...seen, hosts: file(paper, hostsText, { owner: foreign }) })).toBe("");
  });

  test("of a stranger's are refused, unless they are to be taken over", () => {
    const paper = conf();
    const hers = { ...file(paper, ""), text: "nameserver 10.9.0.9\n", owner: undefined };
    expect(paper.plan({ resolv: hers })).toMatchSnapshot();
    expect(paper.plan({ resolv: hers }, { adopt: true })).toMatchSnapshot();
    const theirs = { ...hers, owner: ownerText(foreign, true) };
    expect(paper.plan({ resolv: theirs }, { adopt: true })).toMatchSnapshot();
    expect(paper.plan({ resolv: { ...none, kind: "other" } }, { adopt: true })).toMatch(
      /^refused: \/etc\/netns\/ct1\/resolv.conf is no plain file, or reached through a link/,
    );
    const adopted = { owner: ownerText(paper.owner, true), text: fileHeader(paper.owner, true) + server };
    expect(paper.plan({ resolv: file(paper, "", adopted) })).toBe("");
    expect(paper.present({ resolv: file(paper, "", adopted) })).toBe(true);
  });
});

describe("the end of the DNS settings of a namespace", () => {
  test("takes away what is ours, and nothing else", () => {
    const paper = conf({ hosts });
    const [resolv, other] = [file(paper, server), file(paper, hostsText)];
    expect(paper.teardown()).toBe("");
    expect(paper.teardown({ resolv })).toMatch(/^remove \/etc\/netns\/ct1\/resolv.conf: /);
    expect(paper.teardown({ hosts: other })).toMatch(/^remove \/etc\/netns\/ct1\/hosts: /);
    expect(paper.teardown({ resolv, hosts: other })).toMatch(/^remove \S+resolv.conf and \S+hosts: /);
    expect(paper.teardown({ resolv: { ...resolv, owner: foreign } })).toBe("");
    const seen = [{ resolv }, { hosts: other }, {}, { resolv: { ...resolv, owner: foreign } }];
    expect(seen.map((one) => paper.present(one))).toEqual([true, true, false, false]);
  });

  test("takes its note of a folder away when somebody has taken the files, and it is gone", () => {
    expect(conf().teardown({ lost: true })).toMatch(/^remove the note of \/etc\/netns\/ct1: /);
    expect(conf().present({ lost: true })).toBe(false);
  });
});
