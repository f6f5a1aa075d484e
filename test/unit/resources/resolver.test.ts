// What a Resolver would do to a host that stands as a test says: the plans stand in __snapshots__, to be read there.
import { describe, expect, test } from "vitest";
import { fingerprint } from "../../../provider/kernel/processes.ts";
import { dnsmasqProgram } from "../../../provider/kernel/resolver.ts";
import { loadedMark, type Names, resolverTexts } from "../../../provider/kernel/resolver-files.ts";
import { bareRules, linkOf, noLink, Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const dnsmasq = { user: "dnsmasq", group: "dip" };
const lab0 = linkOf("lab0", { kind: "bridge", addresses: ["10.9.0.1/24", "fd09::1/64"] });
const { passages } = bareRules.accept;
const nobody = { process: undefined, files: undefined, former: undefined, formerFiles: undefined, udp: [], tcp: [] };
const host = { own: ["203.0.113.53"], resolved: [] };
const nothing = { ...bareRules, ...nobody, input: passages, bridge: lab0, host, dnsmasq, systemd: false };
const members = { web: { addresses: ["10.9.0.2"], aliases: ["www"] } };
const resolver = (more: Bag = {}) =>
  new Paper("Resolver", { network: "shop", bridge: "lab0", addresses: ["10.9.0.1/24"], members, ...more }, nothing);
const former = "linuxnet:test/dev/Resolver/was@00000000";
const listening = (address: string) => ({ udp: [{ address, port: 53 }], tcp: [{ address, port: 53 }] });

/** How a resolver of these inputs runs when nothing is wrong. */
function running({ args, owner }: Paper, upstreams = host.own) {
  const texts = resolverTexts(args as unknown as Names, upstreams);
  const program = dnsmasqProgram(owner, ["10.9.0.1"], dnsmasq);
  const state = {
    alive: true,
    supervised: true,
    exit: undefined,
    lastLine: "",
    pid: 812,
    netns: 77,
    age: 60,
    failures: 0,
  };
  const process = { ...state, owner, fingerprint: fingerprint(program), unit: undefined, ready: new Set() };
  const comment = owner;
  const elements = [{ set: "dns4", key: "lab0 . 10.9.0.1", comment }];
  return { texts, process, files: { ...texts, loaded: loadedMark(texts) }, elements };
}

/** What differs in its files and in what runs, a line each; its rules are left out. */
const told = (text: string) =>
  text
    .split("\n")
    .filter((line) => !/nft|^our /.test(line))
    .map((line) => line.replace(/^( .*?): .*/, "$1"));

describe("a resolver", () => {
  test("that does not run is started after its names were written", () => {
    expect(resolver().plan()).toMatchSnapshot();
    expect(resolver().plan({ dnsmasq: undefined })).toMatch(/^refused: there is no dnsmasq/);
    expect(resolver().plan({ bridge: noLink })).toMatch(/^refused: there is no bridge lab0/);
    const bare = linkOf("lab0", { kind: "bridge", addresses: ["fd09::1/64"] });
    expect(resolver().plan({ bridge: bare })).toMatch(/^refused: bridge lab0 does not have the address 10.9.0.1\/24/);
  });

  test("that runs as it is wanted is left alone", () => {
    const paper = resolver();
    const { process, files } = running(paper);
    expect(told(paper.plan({ process, files }))).toEqual([]);
  });

  test("that knows other names, or has not read them, reads them, and goes on running", () => {
    const paper = resolver();
    const { process, files } = running(paper);
    const reread = ["  write the resolver's names"];
    const other = "the names or name servers that it knows differ";
    expect(told(paper.plan({ process, files: { ...files, hosts: "x" } }))).toEqual([other, ...reread]);
    expect(told(paper.plan({ process, files: { ...files, servers: "x" } }))).toEqual([other, ...reread]);
    expect(told(paper.plan({ process, files: { ...files, loaded: "x" } }))).toEqual([
      "dnsmasq has not read its names",
      ...reread,
    ]);
    const silent = resolver({ forward: false });
    expect(told(silent.plan({ process: running(silent).process, files }))).toEqual([other, ...reread]);
    const asking = resolver({ upstreams: ["203.0.113.9#5353"] });
    const own = running(asking, ["203.0.113.9#5353"]);
    expect(told(asking.plan({ process: own.process, files: own.files }))).toEqual([]);
    expect(asking.outputs(own)).toMatchObject({ upstreams: ["203.0.113.9#5353"], pid: 812 });
    expect(silent.outputs()).toMatchObject({ upstreams: [], pid: undefined, logPath: expect.stringContaining("log") });
  });

  test.each<[string, Bag, string]>([
    [
      "ended",
      { alive: false, exit: 2, lastLine: "bad option" },
      "it is not running: it exited with code 2: bad option",
    ],
    ["listens elsewhere", { fingerprint: "0" }, "it listens on other addresses"],
    ["has nothing that restarts it", { supervised: false }, "what restarts it is gone"],
  ])("that %s is started anew", (_what, more, drift) => {
    const paper = resolver();
    const { process, files } = running(paper);
    expect(told(paper.plan({ process: { ...process, ...more }, files }))).toEqual([
      drift,
      "  end its processes",
      expect.stringMatching(/names/),
      expect.stringMatching(/start /),
    ]);
  });

  test("whose names are gone is started anew", () => {
    const paper = resolver();
    expect(told(paper.plan({ process: running(paper).process }))[0]).toBe("its names are missing");
  });

  test("that ran as it was declared runs again when its successor fails", () => {
    const paper = resolver();
    const { process, files } = running(paper);
    const undone = (seen: Bag, previous?: Bag) =>
      / \| /.test(
        paper.plan({ files, process: { ...process, fingerprint: "0" }, ...seen }, { previous }).split("\n")[1] ?? "",
      );
    expect(undone({}, paper.args)).toBe(true);
    expect(undone({})).toBe(false);
    expect(undone({ process: { ...process, alive: false } }, paper.args)).toBe(false);
  });

  test("that was renamed leaves nothing under its former name", () => {
    const paper = resolver();
    const { process, files } = running(paper);
    const seen = { former: { ...process, owner: former }, formerFiles: files };
    expect(told(paper.plan(seen, { former, previous: paper.args }))).toMatchSnapshot();
    expect(told(paper.plan({ ...seen, process, files }, { former }))[0]).toBe("it runs under its former name");
    expect(told(paper.plan({ ...seen, process, files }))).toEqual([]);
    expect(told(paper.teardown({ ...seen, process, files }, { former })).length).toBe(4);
  });

  test("is refused where another program listens there; its own does not count", () => {
    const paper = resolver();
    const udp = [{ address: "10.9.0.1", families: [4], port: 53, holder: "named (pid 9)" }];
    expect(paper.plan({ udp })).toMatch(/^refused: port 53 of 10.9.0.1 is in use by named \(pid 9\)/);
    expect(paper.plan({ tcp: udp })).toMatch(/^refused: /);
    const { process } = running(paper);
    expect(paper.plan({ udp, process: { ...process, pid: 9 } })).not.toMatch(/^refused/);
    expect(paper.plan({ udp, former: { ...process, pid: 9 } }, { former })).not.toMatch(/^refused/);
  });
});

describe("the end of a resolver", () => {
  test("ends what runs, and takes its names and its rules away", () => {
    const paper = resolver();
    const { process, files, elements } = running(paper);
    const table = { ...bareRules.table, exists: true, whole: true, elements };
    expect(paper.teardown()).toBe("");
    expect(paper.teardown({ process, files, table })).toMatchSnapshot();
    const blind = { table: { ...bareRules.table, fault: "none" }, rules4: { ...bareRules.rules4, problem: "none" } };
    expect(told(paper.teardown({ process, files, ...blind }))).toHaveLength(2);
  });

  test("is reached when nothing of it is left", () => {
    const paper = resolver();
    const { process, files, elements } = running(paper);
    const table = { ...bareRules.table, exists: true, whole: true, elements };
    for (const seen of [{ process }, { files }, { former: process }, { formerFiles: files }, { table }])
      expect(paper.present(seen), Object.keys(seen)[0]).toBe(true);
    expect(paper.present()).toBe(false);
    expect(paper.id).toBe("shop");
  });
});

describe("a resolver that was started", () => {
  test("is ready once it listens by udp and tcp on all its addresses", () => {
    const paper = resolver();
    const { process } = running(paper);
    expect(paper.pending({ process, ...listening("10.9.0.1") })).toBeUndefined();
    const deaf = { why: "dnsmasq does not listen on 10.9.0.1: trying", within: 10 };
    const trying = { process: { ...process, lastLine: "trying" } };
    for (const seen of [{ udp: [] }, { tcp: [] }, listening("10.9.0.2"), { udp: [{ address: "10.9.0.1", port: 54 }] }])
      expect(paper.pending({ ...trying, ...listening("10.9.0.1"), ...seen })).toEqual(deaf);
  });

  test("and ended is given time where it is restarted", () => {
    const paper = resolver();
    const process = { ...running(paper).process, alive: false, exit: 2 };
    const why = "dnsmasq ended before it answered: it exited with code 2";
    expect(paper.pending({ process })).toEqual({ why, within: 10 });
    expect(paper.pending({ process: { ...process, supervised: false } })).toEqual({ why, within: -1 });
    expect(paper.pending()).toMatchObject({
      why: "dnsmasq ended before it answered: nothing is left of it",
      within: -1,
    });
  });
});
