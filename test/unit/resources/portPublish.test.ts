// What a PortPublish would do to a host that stands as a test says: the plans stand in __snapshots__, to be read there.
import { describe, expect, test } from "vitest";
import { forwardAcceptFact } from "../../../provider/kernel/forward-accept.ts";
import { bareRules, linkOf, Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const way = { dev: "lab0", address: "10.9.0.1", via: undefined };
const way6 = { dev: "lab0", address: "fd09::1", via: undefined };
const links = [linkOf("lab0", { kind: "bridge", addresses: ["10.9.0.1/24", "10.9.0.11/24"] }).link];
const nothing = { ...bareRules, way, links, localnet: new Set(), listeners: [] };
const publish = (more: Bag = {}) => {
  const args = { hostPort: 8080, targetAddress: "10.9.0.2", targetPort: 80, ...more };
  return new Paper("PortPublish", args, { ...nothing, ...(`${args.targetAddress}`.includes(":") && { way: way6 }) });
};
const nets = { set: "nets", key: "lab0", comment: "linuxnet:test/dev/Bridge/lab@00000000" };
const tableOf = (...elements: Bag[]) => ({ table: { ...bareRules.table, exists: true, whole: true, elements } });
const iptables = { table: { ...bareRules.table, fault: "nft: not found" } };
const on = { forwarding: { on: [4, 6], wereOff: [4, 6], guarded: [4, 6], noted: true, needs: true } };
/** What is put into our table and into iptables. */
const put = (text: string) =>
  text.split("\n").filter((line) => /nftables set| rule to |rule "|refused|drop the flows/.test(line));

/** How a publish of these inputs stands in our table, behind a bridge of ours. */
function standing({ owner }: Paper, target = "10.9.0.2 . 80") {
  const element = { key: "tcp . 8080", comment: owner };
  const lo = { ...element, set: "lo4" };
  return {
    ...tableOf(
      nets,
      { ...element, set: "all4", value: target },
      { ...lo, value: target },
      { ...lo, set: "lo4src", value: way.address },
    ),
    ...on,
  };
}

describe("a published port", () => {
  test.each<Bag>([
    {},
    { localhost: false, hairpin: false, protocol: "udp" },
    { hostAddress: "203.0.113.2" },
    { hostAddress: "203.0.113.2", localhost: true, hairpin: false },
    { hostAddress: "127.0.0.1" },
    { targetAddress: "fd09::2" },
    { targetAddress: "fd09::2", hostAddress: "::1", protocol: "sctp" },
  ])("with %j is put into our maps, and where a link is no bridge of ours into rules", (args) => {
    expect(put(publish(args).plan(tableOf(nets)))).toMatchSnapshot();
    expect(put(publish(args).plan(tableOf()))).toMatchSnapshot();
    expect(put(publish(args).plan(iptables))).toMatchSnapshot();
  });

  test("turns forwarding on; by iptables on 127.0.0.1 it takes the link's route_localnet", () => {
    expect(publish().plan()).toContain("turn IP forwarding on");
    expect(publish().plan()).not.toContain("route_localnet");
    expect(publish().plan(iptables)).toContain("route_localnet");
    expect(publish({ localhost: false }).plan(iptables)).not.toContain("route_localnet");
  });

  test("that stands as it is wanted is left alone", () => {
    const paper = publish();
    expect(paper.plan(standing(paper))).toBe("");
    expect(paper.plan({ ...standing(paper), listeners: [{ port: 8080, families: [4], holder: "nginx" }] })).toBe("");
    expect([paper.present(standing(paper)), paper.present()]).toEqual([true, false]);
  });

  test("that leads elsewhere ends the flows of where it led", () => {
    const [was, now] = [publish(), publish({ targetPort: 81 })];
    const context = { previous: was.args };
    expect(put(now.plan(standing(was), context))).toMatchSnapshot();
    const busy = { ...standing(was), listeners: [{ port: 8080, families: [4], holder: "nginx (pid 8)" }] };
    expect(now.plan(busy, context)).not.toContain("refused");
  });

  test.each<Bag>([{ hostPort: 8081 }, { hostAddress: "203.0.113.2" }, { localhost: false }, { protocol: "udp" }])(
    "that was another by %j looks again who listens there, and ends its flows",
    (was) => {
      const context = { previous: publish(was).args };
      const paper = publish();
      expect(put(paper.plan(tableOf(nets), context)).at(-1)).toMatchSnapshot();
      const busy = { ...standing(paper, "10.9.0.9 . 80"), listeners: [{ port: 8080, families: [4], holder: "nginx" }] };
      expect(paper.plan(busy, context)).toBe(
        "refused: port 8080/tcp is in use by nginx. Nothing was changed. Choose another hostPort (`pulumi config set port 8081`, where the program takes it from the stack), or free this one.",
      );
      expect(paper.plan(busy, { previous: publish({ targetAddress: "fd09::2" }).args })).toMatch(/^refused/);
      expect(paper.plan(busy, { previous: paper.args })).not.toMatch(/^refused/);
    },
  );

  test("over udp ends the flows of clients that were sending before, when it begins and when it moves", () => {
    const udp = publish({ protocol: "udp" });
    const flows = (context: Bag) =>
      put(udp.plan(tableOf(nets), context)).filter((line) => line.includes("drop the flows"));
    expect(flows({})).toHaveLength(1);
    expect(flows({ previous: udp.args })).toHaveLength(1);
    expect(flows({ previous: publish({ protocol: "udp", hostPort: 9 }).args })).toHaveLength(2);
    expect(flows({ previous: publish({ protocol: "udp", targetPort: 9 }).args })).toHaveLength(1);
    expect(put(publish().plan(tableOf(nets)))).not.toContainEqual(expect.stringContaining("drop the flows"));
  });
});

describe("a published port is refused", () => {
  test("where its target is no container of this host", () => {
    expect(publish().plan({ way: undefined })).toMatch(/^refused: no link of this host leads straight to 10.9.0.2/);
    expect(publish().plan({ way: { ...way, via: "10.9.0.9" } })).toMatch(
      /^refused: no link of this host leads straight/,
    );
    expect(publish().plan({ way: { ...way, dev: "lo" } })).toMatch(
      /^refused: 10.9.0.2 is an address of this host itself/,
    );
  });

  test.each<[Bag, Bag, boolean]>([
    [{}, { address: undefined }, true],
    [{}, { address: "203.0.113.2" }, true],
    [{}, { address: "127.0.0.1" }, true],
    [{}, { address: "127.0.0.53" }, false],
    [{ localhost: false }, { address: "127.0.0.1" }, false],
    [{ hostAddress: "127.0.0.1" }, { address: "127.0.0.1" }, true],
    [{ hostAddress: "203.0.113.2" }, { address: "203.0.113.2" }, true],
    [{ hostAddress: "203.0.113.2" }, { address: "203.0.113.3" }, false],
    [{}, { address: undefined, port: 8081 }, false],
    [{}, { address: undefined, families: [6] }, false],
    [{ targetAddress: "fd09::2" }, { address: "::1", families: [6] }, true],
  ])("with %j beside a program that listens on %j: %s", (args, listener, refused) => {
    const listeners = [{ families: [4], port: 8080, holder: "nginx (pid 8)", ...listener }];
    expect(publish(args).plan({ listeners }).startsWith("refused: ")).toBe(refused);
  });

  test("where another publish has its port; its own, under a former name too, is none", () => {
    const other = { set: "all4", key: "tcp . 8080", value: "10.9.0.7 . 80", comment: "linuxnet:x/y/PortPublish/z@0" };
    const paper = publish({ hostAddress: "203.0.113.2" });
    expect(paper.plan(tableOf(nets, other))).toMatch(
      /^refused: 203.0.113.2 port 8080\/tcp is published already by linuxnet:x\/y\/PortPublish\/z@0/,
    );
    expect(paper.plan(tableOf(nets, other), { former: other.comment })).not.toMatch(/^refused/);
    expect(paper.plan(tableOf(nets, { ...other, comment: paper.owner }))).not.toMatch(/^refused/);
  });

  test("where a firewall of others stops what it lets in, but not what comes from this host alone", () => {
    const stdout = "tool iptables-nft\n:FORWARD ACCEPT\n-A FORWARD -d 10.9.0.2/32 -p tcp -m tcp --dport 80 -j DROP\n";
    const stopped = { accept: forwardAcceptFact().parse({ code: 0, stdout, stderr: "" }) };
    expect(publish().plan(stopped)).toMatch(/^refused: what is published to 10.9.0.2 is stopped by the rule/);
    expect(publish({ targetPort: 81 }).plan(stopped)).not.toMatch(/^refused/);
    expect(publish({ hostAddress: "127.0.0.1" }).plan(stopped)).not.toMatch(/^refused/);
    expect(publish({ targetAddress: "fd09::2" }).plan(stopped)).not.toMatch(/^refused/);
  });
});

describe("the end of a published port", () => {
  test("takes all of it away, and ends its flows; nothing, when nothing is there", () => {
    const paper = publish();
    expect(paper.teardown(standing(paper))).toMatchSnapshot();
    expect(paper.teardown()).toBe("");
  });
});

test("its outputs are the backend, and for tcp where a browser on this host finds it", () => {
  expect(publish().outputs()).toEqual({ backend: "nftables", url: "http://127.0.0.1:8080/" });
  expect(publish({ protocol: "udp" }).outputs(iptables)).toEqual({ backend: "iptables" });
  expect(publish({ targetAddress: "fd09::2" }).outputs()).toMatchObject({ url: "http://[::1]:8080/" });
  expect(publish({ hostAddress: "203.0.113.2" }).outputs()).toMatchObject({ url: "http://203.0.113.2:8080/" });
  expect([publish().id, publish({ hostAddress: "203.0.113.2" }).id]).toEqual(["8080/tcp", "203.0.113.2:8080/tcp"]);
});
