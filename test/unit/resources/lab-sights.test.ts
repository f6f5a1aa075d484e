// What a Lab takes to be there while it plans: what stands on the host, what the plan makes before, and what it takes away.
import { describe, expect, test } from "vitest";
import { labFacts, labTeardown } from "../../../provider/resources/lab/plan.ts";
import { done, LabSite, plain, told } from "../../support/lab-site.ts";
import { PaperHost } from "../../support/paper-host.ts";

const { web, client } = plain.containers;
const owned = (part: string) => `linuxnet:test/dev/Lab/subject/${part}@00000000`;

/** What is asked of the host's links and routes, without namespaces, and how often programs and tries are asked for. */
function asked(site: LabSite, wanted: RegExp): string[] {
  const commands = Object.keys(labFacts(site.paper.args as never, site.context)).map(
    (one) => JSON.parse(one) as { args?: string[]; netns?: string; text?: string },
  );
  const lines = commands.map(
    ({ args = [], netns, text }) => text ?? [...(netns ? [`in ${netns}`] : []), ...args].join(" "),
  );
  return lines.filter((line) => wanted.test(line));
}

/** What stands in our table for a part, by set. */
function elementsOf(site: LabSite, part: string): string[] {
  const all = site.host.table?.elements.filter(({ comment }) => comment === owned(part)) ?? [];
  return all.map(({ set, val, value }) => `${set}: ${val}${value === undefined ? "" : ` -> ${value}`}`);
}

describe("a port of a lab", () => {
  const twoNets = { a: { subnet: "10.5.0.0/24" }, b: { subnet: "10.6.0.0/24" } };

  test("is published through the bridge behind which its container is", () => {
    const containers = { one: { network: "a" }, two: { network: "b", publish: ["8080:80"] } };
    const site = new LabSite({ networks: twoNets, containers }).make();
    expect(elementsOf(site, "publish/tcp8080")).toEqual([
      "all4: tcp . 8080 -> 10.6.0.2 . 80",
      "lo4: tcp . 8080 -> 10.6.0.2 . 80",
      "lo4src: tcp . 8080 -> 10.6.0.1",
    ]);
    expect(asked(site, /route get/)).toEqual([]);
  });

  test("that a stranger holds is refused by his name; on an address on which he does not, it is free", () => {
    const host = new PaperHost();
    const stranger = "linuxnet:her/dev/X/x@1";
    const hers = (set: string, val: string) => ({ set, val, comment: stranger, value: "10.9.0.2 . 80" });
    host.table = { elements: [hers("all4", "tcp . 8081"), hers("one4", "tcp . 10.9.9.9 . 8080")], rules: [] };
    const local = { ...plain, containers: { web: { ...web, publish: ["203.0.113.2:8080:80"] } } };
    expect(told(new LabSite(local, host).plan())).toContain(
      "containers.web.publish[0]: nftables rules are missing or changed",
    );
    const refused = "refused: containers.web.publish[0]: port ";
    expect(new LabSite(plain, host).plan()).toContain(`${refused}8080/tcp is published already by ${stranger}. `);
    host.table.elements.splice(1, 1, hers("all4", "tcp . 8080"));
    expect(new LabSite(plain, host).plan()).toContain(`${refused}tcp 8080 is held by ${stranger}. `);
  });

  test("is taken over from a publish that goes in the same change", () => {
    const site = new LabSite(plain).make();
    const next = site.next({ ...plain, containers: { web: { ...web, publish: ["127.0.0.1:8080:80"] }, client } });
    expect(told(next.plan())).toEqual([
      "containers.web.publish[0]: nftables rules are missing or changed",
      "containers.web.publish[0] (publish/tcp8080) is wanted no more",
    ]);
    next.make();
    expect(elementsOf(next, "publish/tcp8080")).toEqual([]);
    expect(elementsOf(next, "publish/tcp8080_127.0.0.1~070bb872")).toEqual([
      "lo4: tcp . 8080 -> 10.5.0.3 . 80",
      "lo4src: tcp . 8080 -> 10.5.0.1",
    ]);
  });

  test("loses what carries its owner and is wanted no more, also under its former name", () => {
    const site = new LabSite(plain).make();
    const stray = { set: "all4", val: "tcp . 9999", comment: owned("publish/tcp8080"), value: "10.5.0.3 . 80" };
    site.host.table?.elements.push(stray);
    const going = "remove tcp . 9999 from the nftables set all4";
    expect(done(site.plan())).toEqual([going]);
    expect(done(`  ${site.teardown().replaceAll("\n", "\n  ")}`)).toContain(going);
    const former = "linuxnet:test/dev/Lab/was@00000000";
    for (const one of [...site.host.links, ...(site.host.table?.elements ?? []), ...(site.host.table?.rules ?? [])]) {
      if ("alias" in one) one.alias = one.alias?.replace("Lab/subject", "Lab/was");
      if ("comment" in one) one.comment = one.comment.replace("Lab/subject", "Lab/was");
    }
    expect(done(new LabSite(plain, site.host, { former }).plan())).toContain(going);
  });
});

describe("what a lab is about to make", () => {
  test("is taken to stand: a resolver's bridge has the addresses that it gets back", () => {
    const networks = { shop: { subnet: "10.5.0.0/24", dns: true } };
    const site = new LabSite({ networks, containers: { web: { network: "shop" } } }).make();
    const silent = "networks.shop: it is not running";
    const ofNetwork = () => told(site.plan()).filter((line) => line.startsWith("networks"));
    expect(ofNetwork()).toEqual([silent]);
    site.host.link(site.link("shop")).addresses.splice(0);
    expect(ofNetwork()).toEqual(["networks.shop: addresses is []", silent]);
    const bridge = site.link("shop");
    site.unlink(bridge);
    expect(ofNetwork()).toEqual([`networks.shop: bridge ${bridge} is missing`, silent]);
  });

  test("is not what others make: a program in a namespace that is not there is refused by the container", () => {
    const containers = { side: { netns: "blue", command: ["sleep", "9"] } };
    const site = new LabSite({ networks: {}, containers });
    expect(site.plan()).toMatch(/^refused: containers.side: there is no namespace blue\. /);
    site.host.namespaces.set("blue", 77);
    expect(told(site.plan())).toEqual(["containers.side: it is not running"]);
  });
});

describe("a big change of a lab", () => {
  const more = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`c${index}`, { network: "shop" }]));

  test("asks for all links of the host at once, and for no single one", () => {
    const next = new LabSite(plain).make().next({ ...plain, containers: { ...plain.containers, ...more } });
    expect(asked(next, /^(addr|route) /)).toEqual(["addr show"]);
    const few = new LabSite(plain).make().next({ ...plain, containers: { ...plain.containers, db: client } });
    expect(asked(few, /^addr /)).toEqual([
      expect.stringMatching(/^addr show dev db-/),
      expect.stringMatching(/^addr show dev shop-/),
      expect.stringMatching(/^addr show dev db-/),
      expect.stringMatching(/^addr show dev six-/),
    ]);
  });

  test("finds the bridge among them to which the cables go", () => {
    const site = new LabSite(plain).make().next({ ...plain, containers: { ...plain.containers, ...more } });
    expect(done(site.plan()).filter((line) => line.startsWith("attach c"))).toHaveLength(17);
    site.make();
    expect(site.next({ ...plain, containers: { ...plain.containers, ...more } }).plan()).toBe("");
  });
});

describe("the next run of the same program", () => {
  test("looks at all of the lab", () => {
    const site = new LabSite(plain).make();
    site.unlink(site.link("shop"));
    const again = site.next(plain);
    expect(told(again.plan())).toEqual(told(site.plan()));
    expect(told(again.plan())[0]).toMatch(/^networks.shop: bridge shop-\S+ is missing$/);
  });

  test("asks whether all holds that is expected, also where nothing of it changed", () => {
    const expected = { ...plain, expect: [{ from: "client", to: "web" }] };
    const site = new LabSite(expected).make();
    const next = site.next({ ...expected, containers: { ...plain.containers, db: { network: "shop" } } });
    expect(asked(next, /ping/)).toEqual(asked(site, /ping/));
    expect(asked(next, /ping/)).toHaveLength(1);
  });
});

test("a lab asks once for each program, and under a former name once more", () => {
  const running = { networks: {}, containers: { bare: { command: ["sleep", "9"] } } };
  const former = "linuxnet:test/dev/Lab/was@00000000";
  const isProgram = /^cd '?\/run\/linuxnet\/process/;
  expect(asked(new LabSite(running), isProgram)).toHaveLength(1);
  expect(asked(new LabSite(running, new PaperHost(), { former }), isProgram)).toHaveLength(2);
});

test("a namespace that goes is told by its number, by which those are found who hold it on", () => {
  const site = new LabSite(plain).make();
  const names = ["client", "web"].map((name) => site.container(name).netns);
  const steps = labTeardown(site.paper.args as never, site.look(), site.context);
  expect(steps.flatMap(({ vacates }) => vacates ?? [])).toEqual([
    { name: names[0], inode: 4001 },
    { name: names[1], inode: 4000 },
  ]);
});
