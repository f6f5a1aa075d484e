// What a Lab would do to a host that stands as a test says: the plans stand in __snapshots__, to be read there.
import { describe, expect, test } from "vitest";
import { done, LabSite, plain, told } from "../../support/lab-site.ts";
import { PaperHost } from "../../support/paper-host.ts";

type Bag = Record<string, unknown>;

describe("a lab", () => {
  test("is made by one script: rules first, then links, then what is within namespaces", () => {
    expect(new LabSite(plain).plan()).toMatchSnapshot();
  });

  test("with programs, files, a resolver and all else is made by one script", () => {
    const rich = {
      networks: { shop: { subnet: "10.5.0.0/24", dns: { upstreams: ["10.9.9.9"] }, mtu: 1400, isolate: false } },
      containers: {
        web: {
          network: "shop",
          command: ["sleep", "9"],
          dns: ["10.5.0.1"],
          sysctls: { "net.ipv4.ip_forward": "1" },
          impairment: { rate: "1mbit" },
          publish: ["127.0.0.1:8080:80", { hostPort: 53, targetPort: 53, protocol: "udp", hairpin: false }],
        },
        side: { netns: "web", command: ["sleep", "8"] },
        client: { network: "shop", links: { server: "web" } },
      },
      expect: [{ from: "client", to: "server", port: 80 }],
    };
    expect(new LabSite(rich).plan()).toMatchSnapshot();
  });

  test("that stands is left alone", () => {
    const site = new LabSite(plain);
    expect(site.present()).toBe(false);
    site.make();
    expect([site.plan(), site.present()]).toEqual(["", true]);
    expect(site.next(plain).plan()).toBe("");
  });

  test("of more cables than are looked at one by one stands, and what differs is seen", () => {
    const containers = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`c${index}`, { network: "shop" }]));
    const site = new LabSite({ networks: { shop: { subnet: "10.5.0.0/24" } }, containers }).make();
    expect(site.plan()).toBe("");
    site.host.link(site.link("c7-")).master = undefined;
    expect(told(site.plan())).toEqual(["containers.c7: bridge is undefined", "containers.c7: hairpin is false"]);
    expect(done(site.plan())).toEqual([
      expect.stringMatching(/^attach c7-\S+ to bridge shop-/),
      expect.stringMatching(/^set type bridge_slave hairpin on/),
    ]);
    expect(
      done(new LabSite({ networks: {}, containers: {} }, site.host, site.next({}).context).plan()).length,
    ).toBeGreaterThan(20);
  });

  test.each<[string, (site: LabSite) => void]>([
    ["a bridge's MTU", (site) => Object.assign(site.host.link(site.link("shop")), { mtu: 1400 })],
    ["a cable's end", (site) => site.unlink(site.link("web"))],
    ["a namespace", (site) => site.host.leave(`${site.container("web").netns}`)],
    ["a bridge", (site) => site.unlink(site.link("shop"))],
    ["our table", (site) => Object.assign(site.host, { table: undefined })],
    ["forwarding", (site) => Object.assign(site.host, { forwarding: false })],
    ["an address inside", (site) => site.host.link("eth0", `${site.container("web").netns}`).addresses.splice(0)],
  ])("of which %s was changed by hand gets that back, in the lab's words", (_what, change) => {
    const site = new LabSite(plain).make();
    change(site);
    expect(site.plan()).toMatchSnapshot();
    site.make();
    expect(site.plan()).toBe("");
  });

  test("that meets a stranger's object is refused, by the name of the part", () => {
    const site = new LabSite(plain).make();
    site.host.link(site.link("shop")).alias = "hers";
    expect(site.plan()).toMatch(/^refused: networks.shop: .* is there already/);
  });
});

describe("a change of a lab", () => {
  const { web, client } = plain.containers;
  const changed = (containers: Bag, networks: Bag = plain.networks) =>
    new LabSite(plain).make().next({ networks, containers });

  test.each<[string, Bag, Bag?]>([
    ["a container more", { web, client, db: { network: "shop" } }],
    ["a container less", { client }],
    ["another port", { web: { ...web, publish: ["8081:80"] }, client }],
    ["no port", { web: { network: "shop" }, client }],
    ["another setting", { web: { ...web, sysctls: { "net.ipv4.ip_forward": "1" } }, client }],
    ["no networks", {}, {}],
    ["a network less", { web, client: { network: "shop" } }, { shop: plain.networks.shop }],
    ["another subnet", { web, client }, { ...plain.networks, shop: { subnet: "10.6.0.0/24" } }],
  ])("to %s touches what changes alone", (_what, containers, networks) => {
    const site = changed(containers, networks);
    expect(site.plan()).toMatchSnapshot();
    site.make();
    expect(site.next({ networks: networks ?? plain.networks, containers }).plan()).toBe("");
  });

  test("looks at all when something that did not change was taken away", () => {
    const site = changed({ web, client, db: { network: "shop" } });
    site.host.leave(`${site.container("web").netns}`);
    expect(told(site.plan()).join("\n")).not.toContain("web");
    const bridge = site.link("shop");
    site.unlink(bridge);
    expect(site.plan()).toMatch(new RegExp(`^refused: there is no bridge ${bridge}`));
    expect(told(site.plan())).toEqual(
      expect.arrayContaining([
        `networks.shop: bridge ${bridge} is missing`,
        expect.stringContaining("containers.web: namespace"),
      ]),
    );
  });
});

describe("the end of a lab", () => {
  test("takes all of it away; nothing, when nothing is there", () => {
    const site = new LabSite(plain);
    expect(site.teardown()).toBe("");
    expect(site.make().teardown()).toMatchSnapshot();
  });

  test("of which a part is gone takes away the rest", () => {
    const site = new LabSite(plain).make();
    site.host.leave(`${site.container("web").netns}`);
    expect(site.teardown()).toMatchSnapshot();
    site.host.table = undefined;
    expect(
      site
        .teardown()
        .split("\n")
        .map((line) => line.replace(/: .*/, "")),
    ).toMatchSnapshot();
  });

  test("that takes over what stands releases it cable by cable", () => {
    const site = new LabSite({ ...plain, adopt: true }, new PaperHost(), { adopt: true });
    expect(site.make().teardown()).toMatchSnapshot();
  });
});
