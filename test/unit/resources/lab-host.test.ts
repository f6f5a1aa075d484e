// What a Lab would do to a host on which nft does not work, and what it waits for.
import { describe, expect, test } from "vitest";
import type { Reply } from "../../../provider/kernel/command.ts";
import { labFacts } from "../../../provider/resources/lab/plan.ts";
import { done, LabSite, plain, told } from "../../support/lab-site.ts";
import { PaperHost } from "../../support/paper-host.ts";

type Bag = Record<string, unknown>;

describe("a host on which nft does not work", () => {
  const withoutNft = () => {
    const host = new PaperHost();
    host.answers.push(["nft -j list table", { code: 127, stdout: "", stderr: "nft: not found" }]);
    return host;
  };

  test("has a lab by iptables, but for an internal network", () => {
    const shop = { networks: { shop: { subnet: "10.5.0.0/24", isolate: false } }, containers: plain.containers.web };
    const site = new LabSite({ ...shop, containers: { web: plain.containers.web } }, withoutNft());
    expect(told(site.plan())).toMatchSnapshot();
    expect(done(site.plan())).toMatchSnapshot();
    expect(new LabSite(plain, withoutNft()).plan()).toMatch(/^refused: networks.six: nftables does not work here/);
  });

  test("leaves forwarding alone where nothing is to be forwarded", () => {
    const inner = { networks: { shop: { subnet: "10.5.0.0/24", isolate: false, masquerade: false } }, containers: {} };
    expect(new LabSite(inner, withoutNft()).plan()).not.toContain("forwarding");
    expect(new LabSite(inner).plan()).toContain("note who needs our accept in FORWARD");
  });
});

describe("a lab that was made", () => {
  const asking = (reply: Partial<Reply>, more: Bag = {}) => {
    const host = new PaperHost();
    host.answers.push(["ip netns exec", { code: 0, stdout: "", stderr: "", ...reply }]);
    const expected = [{ from: "client", to: "web", within: "3s" }];
    const site = new LabSite({ ...plain, expect: expected, ...more }, host).make();
    return site.paper.pending(site.look());
  };

  test("is ready when all that is expected holds", () => {
    expect(asking({})).toBeUndefined();
    expect(asking({ code: 1 })).toEqual({
      why: expect.stringMatching(/^expect\[0\]: client-\S+ cannot reach 10.5.0.3 by ping/),
      within: 3,
    });
    expect(asking({ code: 127, stderr: "no ping" })).toEqual({
      why: "expect[0]: nothing can be tried: no ping",
      within: 0,
    });
  });

  test("waits for its programs", () => {
    const containers = { ...plain.containers, web: { network: "shop", command: ["sleep", "9"] } };
    expect(asking({}, { containers })).toMatchObject({
      why: expect.stringMatching(/^containers.web: it ended before it was/),
    });
  });
});

describe("a lab asks", () => {
  const questions = (site: LabSite) =>
    Object.keys(labFacts(site.paper.args as never, site.context)).map((one) => {
      const {
        args = [],
        netns,
        text = "",
        family,
      } = JSON.parse(one) as { args?: string[]; netns?: string; text?: string; family?: 6 };
      return [netns && `in ${netns}:`, family && "-6", ...args, text.replaceAll(/\s+/g, " ").slice(0, 90)]
        .filter(Boolean)
        .join(" ");
    });
  const of = (count: number, more: Bag = {}) => ({
    networks: { shop: { subnet: "10.5.0.0/24" } },
    containers: Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`c${index}`, { network: "shop", ...more }]),
    ),
  });

  test("for each of its objects, and once for what all of them share", () => {
    expect(questions(new LabSite(plain))).toMatchSnapshot();
  });

  test("for all links at once where it has many", () => {
    const many = questions(new LabSite(of(17)));
    expect(many).toContain("addr show");
    expect(many.filter((one) => one.startsWith("addr show dev c"))).toEqual([]);
    const few = questions(new LabSite(of(16)));
    expect(few.filter((one) => one.startsWith("addr show dev c"))).toHaveLength(16);
  });

  test("in a change, for what changes alone, and for what goes", () => {
    const site = new LabSite(plain).make();
    const { web, client } = plain.containers;
    expect(questions(site.next({ ...plain, containers: { web, client: { network: "shop" } } }))).toMatchSnapshot();
    expect(questions(site.next({ ...plain, containers: { web: { ...web, publish: [] }, client } }))).toMatchSnapshot();
  });

  test("for settings, and for how objects stood before, where it is about them", () => {
    const adopting = questions(new LabSite({ ...of(1), adopt: true }, new PaperHost(), { adopt: true }));
    const plainly = questions(new LabSite(of(1)));
    expect(adopting.filter((one) => !plainly.includes(one))).toMatchSnapshot();
    const set = questions(new LabSite(of(1, { sysctls: { "net.ipv4.ip_forward": "1" } })));
    expect(set.filter((one) => !plainly.includes(one))).toMatchSnapshot();
    const released = new LabSite({ ...of(1), adopt: true }).next(of(1));
    expect(questions(released)).toEqual(expect.arrayContaining(adopting.filter((one) => one.includes("adopted"))));
  });
});

describe("a lab that was renamed", () => {
  test("takes what stands under its former name, and marks it anew", () => {
    const site = new LabSite(plain).make();
    const was = (text: string | undefined) => text?.replace("Lab/subject", "Lab/was");
    for (const link of site.host.links) link.alias = was(link.alias);
    for (const one of [...(site.host.table?.elements ?? []), ...(site.host.table?.rules ?? [])])
      one.comment = was(one.comment) ?? "";
    const former = "linuxnet:test/dev/Lab/was@00000000";
    const renamed = new LabSite(plain, site.host, { former });
    expect(new LabSite(plain, site.host).plan()).toMatch(/^refused: containers.web: .* belongs to/);
    expect(told(renamed.plan())).toMatchSnapshot();
    expect(renamed.present()).toBe(true);
    expect(done(`  ${renamed.teardown().replaceAll("\n", "\n  ")}`)).toMatchSnapshot();
    renamed.make();
    expect(new LabSite(plain, site.host).plan()).toBe("");
  });
});
