// What a Lab would do to a host on which nft does not work, and what it waits for.
import { describe, expect, test } from "vitest";
import type { Reply } from "../../../provider/kernel/command.ts";
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
