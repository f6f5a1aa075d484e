// The one script of a Lab: what its steps have besides their commands, what is asked for once, and what goes in which order.
import { describe, expect, test } from "vitest";
import type { Step } from "../../../provider/kernel/command.ts";
import { labPlan } from "../../../provider/resources/lab/plan.ts";
import { done, LabSite, plain, told } from "../../support/lab-site.ts";
import { PaperHost } from "../../support/paper-host.ts";

const { web, client } = plain.containers;

function stepsOf(site: LabSite): Step[] {
  return labPlan(site.paper.args as never, site.look(), site.context).flatMap(({ steps }) => [...steps]);
}

/** A host on which /run/netns is not mounted. */
function unmounted(): PaperHost {
  const host = new PaperHost();
  host.answers.push(["mountpoint -q", { code: 1, stdout: "", stderr: "" }]);
  return host;
}

describe("a namespace that a lab makes", () => {
  test("gets what is in it as a batch of its own, which nothing takes back: it goes with the namespace", () => {
    const containers = { web: { network: "shop", sysctls: { "net.ipv4.ip_forward": "1" } } };
    const site = new LabSite({ networks: { shop: plain.networks.shop }, containers });
    const { netns } = site.container("web");
    const steps = stepsOf(site).map(({ do: _command, ...more }) => more);
    const inside = steps.slice(steps.findIndex(({ what }) => what.startsWith("mark namespace")));
    const apart = (what: string) => ({ what, apart: true });
    expect(inside).toStrictEqual([
      apart(`mark namespace ${netns} as ours`),
      apart(`set lo up in namespace ${netns}`),
      {
        what: `set net.ipv4.ip_forward in namespace ${netns}`,
        typed: { lines: [`ip netns exec ${netns} sysctl -q -w net.ipv4.ip_forward=1`] },
      },
      apart("mark eth0 as ours"),
      apart("set addrgenmode none on eth0"),
      apart("add address 10.5.0.2/24 to eth0"),
      apart("set up on eth0"),
      apart("set route to default on eth0"),
    ]);
    expect(steps.find(({ what }) => what.startsWith("create veth"))).toStrictEqual({
      what: expect.stringMatching(/^create veth pair web-\S+ and eth0$/),
      claim: expect.stringMatching(/^link:web-/),
    });
  });

  test("is preceded by one note of the mount that it needs, which goes when all namespaces are gone", () => {
    const site = new LabSite(plain, unmounted());
    const steps = stepsOf(site);
    const whats = steps.map(({ what }) => what);
    const begin = whats.indexOf("begin with the namespaces");
    expect(whats.filter((what) => what.startsWith("note the mount"))).toHaveLength(1);
    expect(whats[begin - 1]).toBe("note the mount of /run/netns");
    const tidies = (step: Step | undefined) =>
      step?.undo?.map((command) => command.kind === "sh" && command.text.includes("umount /run/netns"));
    expect(tidies(steps[begin])).toEqual([false, true]);
    const created = steps.filter(({ what }) => what.startsWith("create namespace"));
    expect(created.map(tidies)).toEqual([[false], [false]]);
  });

  test("is waited for, when it is taken back, by the cables that are made with it alone", () => {
    const site = new LabSite(plain).make();
    site.host.leave(`${site.container("web").netns}`);
    const [waiting] = stepsOf(site).find(({ what }) => what === "begin with the namespaces")?.undo ?? [];
    const text = waiting?.kind === "sh" ? waiting.text : "";
    expect(text.match(/(?:web|client)-\w+/g)).toEqual([
      stepsOf(site)
        .map(({ claim }) => claim)
        .find((one) => one?.startsWith("link:web"))
        ?.slice(5),
    ]);
  });
});

describe("a change of a lab", () => {
  test("in which a container and a network go takes that network's other cables away by themselves", () => {
    const site = new LabSite(plain).make();
    const next = site.next({ networks: { shop: plain.networks.shop }, containers: { client: { network: "shop" } } });
    const some = done(next.plan()).filter((what) => /^(delete|wait)/.test(what));
    expect(some).toEqual([
      expect.stringMatching(/^delete namespace web-/),
      expect.stringMatching(/^delete veth client-/),
      "wait until the cables are gone",
      expect.stringMatching(/^delete bridge six-/),
    ]);
    const waits = stepsOf(next).find(({ what }) => what === "wait until the cables are gone");
    expect(waits?.do).toMatchObject({ text: expect.stringMatching(/^names=\$\(for name in 'web-\w+'; do /) });
  });

  test("says nothing of what goes and is not there any more", () => {
    const host = new PaperHost();
    host.answers.push(["mountpoint -q", { code: 0, stdout: "ours", stderr: "" }]);
    const site = new LabSite(plain, host).make();
    host.leave(`${site.container("web").netns}`);
    expect(told(site.next({ ...plain, containers: { client } }).plan())).toEqual([
      "containers.web.publish[0] (publish/tcp8080) is wanted no more",
    ]);
  });
});

describe("a lab of which a question fails", () => {
  test("says so by itself, in a change too: that is no drift of a part", () => {
    const host = new PaperHost();
    const set = { ...plain, containers: { web: { ...web, sysctls: { "net.ipv4.ip_forward": "1" } }, client } };
    const site = new LabSite(plain, host).make();
    host.answers.push(["/proc/sys/net/ipv4/ip_forward' /dev/null", { code: 124, stdout: "", stderr: "injected" }]);
    const refused = "refused: cannot look at the host: injected. Nothing was changed.";
    for (const one of [new LabSite(set, host), site.next(set)])
      expect([one.plan(), one.plan()]).toEqual([refused, refused]);
  });
});

test("the note of files that somebody has taken away goes with the container that had them", () => {
  const { web: _web, ...others } = plain.containers;
  const site = new LabSite({ ...plain, containers: { web: { ...web, hostname: "www" }, ...others } }).make();
  const gone = () => told(site.next({ ...plain, containers: others }).plan());
  expect(gone()).not.toContain("containers.web (web/files) is wanted no more");
  site.host.answers.push(["echo lost", { code: 0, stdout: "lost\n", stderr: "" }]);
  expect(gone()).toContain("containers.web (web/files) is wanted no more");
});

describe("a lab", () => {
  test("forwards the families of its published ports, also where nothing is masqueraded", () => {
    const forwards = (subnets: string[], publish: string[]) => {
      const networks = { shop: { subnets, masquerade: false } };
      const site = new LabSite({ networks, containers: { web: { ...web, publish } } });
      const { typed } = stepsOf(site).find(({ what }) => what === "turn IP forwarding on") ?? {};
      return ["ipv4", "ipv6"].filter((family) => typed?.lines.some((line) => line.includes(`net.${family}.`)));
    };
    const [four, six] = ["10.5.0.0/24", "fd05::/64"];
    expect(forwards([four], ["8080:80"])).toEqual(["ipv4"]);
    expect(forwards([six], ["8080:80"])).toEqual(["ipv6"]);
    expect(forwards([four, six], ["8080:80"])).toEqual(["ipv4", "ipv6"]);
    expect(forwards([four, six], [])).toEqual([]);
  });

  test("is there while any part of it is; what it expects is no part of it", () => {
    const expected = [{ from: "host", to: "10.9.9.9" }];
    expect(new LabSite({ networks: {}, containers: {}, expect: expected }).present()).toBe(false);
    const site = new LabSite({ ...plain, expect: expected });
    expect(site.present()).toBe(false);
    site.make().host.leave(`${site.container("web").netns}`);
    expect(site.present()).toBe(true);
  });
});
