// What a Lab works out for itself: subnets, addresses, gateways, and what its containers' files say.
import { describe, expect, test } from "vitest";
import { labName } from "../../../provider/resources/lab/derive.ts";
import { readHostLine } from "../../../provider/resources/lab/files.ts";
import { partsOf } from "../../../provider/resources/lab/parts.ts";
import type { LabArgs } from "../../../provider/resources/lab/shape.ts";
import { lab } from "../../../provider/resources/lab.ts";
import { Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const worked = (inputs: Bag, olds: Bag = {}) => new Paper("Lab", inputs, {}, olds).args as unknown as LabArgs;
const shop = { subnet: "10.5.0.0/24" };
/** What the resolv.conf and the hosts file of a container say. */
const filesOf = (networks: Bag, containers: Bag, name = "web") =>
  partsOf(worked({ networks, containers })).find((one) => one.name === `${name}/files`)?.args;

describe("a network of a lab", () => {
  test("has the gateway that is given for its family, else the first address", () => {
    const subnets = ["10.5.0.0/24", "fd05::/64"];
    const { networks } = worked({
      networks: {
        a: { subnets, gateway: ["fd05::9"] },
        b: { subnet: "10.6.0.0/24" },
        c: { driver: "none" },
        d: { driver: "host" },
      },
    });
    expect(networks.a?.gateways).toEqual(["10.5.0.1", "fd05::9"]);
    expect(networks.b).toMatchObject({ subnets: ["10.6.0.0/24"], gateways: ["10.6.0.1"] });
    expect(networks.b?.bridgeName).toMatch(/^b-[0-9a-f]{8}$/);
    expect([networks.c, networks.d].map((one) => one?.gateways ?? one?.bridgeName)).toEqual([undefined, undefined]);
  });

  test("keeps the subnet that was chosen for it, unless another one uses it or it was given", () => {
    const before = worked({ networks: { a: {} } });
    const chosen = before.networks.a?.subnets ?? [];
    const next = (networks: Bag, olds: object = before) => worked({ networks }, olds as Bag).networks.a?.subnets;
    expect(next({ a: {} })).toEqual(chosen);
    expect(next({ a: {}, b: { subnet: chosen[0] } })).not.toEqual(chosen);
    expect(next({ a: { subnet: "10.6.0.0/24" } })).toEqual(["10.6.0.0/24"]);
    const given = worked({ networks: { a: { subnet: "10.6.0.0/24" } } });
    expect(next({ a: {} }, given)).toEqual(chosen);
    const two = worked({ networks: { a: { subnets: ["10.200.1.0/24", "fd05::/64"] } } });
    expect(next({ a: {} }, two)).toEqual(chosen);
    expect(next({ a: {} }, worked({ networks: { a: { driver: "none" } } }))).toEqual(chosen);
  });

  test("of many steps past those that are used", () => {
    const networks = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`n${index}`, {}]));
    const subnets = Object.values(worked({ networks }).networks).flatMap((one) => one.subnets ?? []);
    expect(new Set(subnets).size).toBe(60);
  });
});

describe("a container of a lab", () => {
  const addressesOf = (inputs: Bag, olds: Bag = {}) =>
    Object.fromEntries(Object.entries(worked(inputs, olds).containers).map(([name, one]) => [name, one.addresses]));

  test("gets an address of each subnet, of the range where one is given, or the one that it must have", () => {
    const networks = {
      a: { subnets: ["10.5.0.0/24", "fd05::/64"], ipRange: "10.5.0.128/25" },
      b: { subnet: "10.6.0.0/24" },
    };
    const containers = {
      x: { network: ["a", "b"], address: ["10.5.0.7"] },
      y: { network: "a" },
      z: { network: ["b", "a"], address: "10.6.0.9" },
    };
    expect(addressesOf({ networks, containers })).toEqual({
      x: ["10.5.0.7/24", "fd05::2/64", "10.6.0.2/24"],
      y: ["10.5.0.128/24", "fd05::3/64"],
      z: ["10.6.0.9/24", "10.5.0.129/24", "fd05::4/64"],
    });
  });

  test("that joins another one is where that one is, and its address is given to others", () => {
    const before = worked({ networks: { a: shop }, containers: { x: { network: "a" }, y: { network: "a" } } });
    const containers = { x: { network: "a" }, y: { netns: "x" }, z: { network: "a" }, w: { netns: "blue" } };
    const after = worked({ networks: { a: shop }, containers }, before as unknown as Bag).containers;
    expect(after.y).toMatchObject({
      joins: "x",
      netns: after.x?.netns,
      addresses: ["10.5.0.2/24"],
      gateway: "10.5.0.1",
    });
    expect(after.w).toMatchObject({ joins: "blue", netns: "blue", addresses: [], gateway: "" });
    expect(after.x).not.toHaveProperty("joins");
    const again = worked({ networks: { a: shop }, containers: { ...containers, v: { network: "a" } } }, after as never);
    expect(again.containers.v?.addresses).toHaveLength(1);
  });

  test("with the host's own network is in the host's namespace, and has no gateway", () => {
    const { containers } = worked({
      networks: { h: { driver: "host" }, n: { driver: "none" } },
      containers: { x: { network: "h" }, y: { network: "n" }, z: {} },
    });
    expect(containers.x).toMatchObject({ netns: "", addresses: [], gateway: "" });
    for (const name of ["y", "z"]) {
      expect(containers[name]?.netns).toMatch(/^[yz]-[0-9a-f]{8}$/);
      expect(containers[name]).toMatchObject({ addresses: [], gateway: "" });
    }
  });

  test("has a name that does not tell who runs the program", () => {
    const name = (who: string, lab = "big") => labName(`linuxnet:shop/dev/Lab/${lab}@${who}`, "web");
    expect(name("00000000")).toBe(name("1a2b3c4d"));
    expect(name("00000000")).not.toBe(name("00000000", "small"));
    expect(labName("linuxnet:shop/dev/Lab/x@12345678y", "web")).not.toBe(labName("linuxnet:shop/dev/Lab/xy", "web"));
  });
});

describe("the files of a container", () => {
  const resolving = { ...shop, dns: true };

  test("are none where nothing of them is asked for", () => {
    expect(filesOf({ a: shop }, { web: { network: "a" } })).toBeUndefined();
    expect(filesOf({ a: shop }, { web: { network: "a" }, db: { network: "a", links: { w: "web" } } })).toBeUndefined();
  });

  test.each<[string, Bag, Bag, Bag]>([
    [
      "hostname",
      { a: shop },
      { hostname: "www" },
      { nameservers: ["8.8.8.8", "8.8.4.4"], hosts: { www: ["10.5.0.3"] } },
    ],
    ["dns", { a: shop }, { dns: ["10.9.9.9"] }, { nameservers: ["10.9.9.9"], hosts: { web: ["10.5.0.3"] } }],
    ["dnsSearch", { a: shop }, { dnsSearch: ["x.test"] }, { search: ["x.test"], hosts: { web: ["10.5.0.3"] } }],
    ["links", { a: shop }, { links: { server: "db" } }, { hosts: { web: ["10.5.0.3"], server: ["10.5.0.2"] } }],
    ["extraHosts", { a: shop }, { extraHosts: { x: "10.1.1.1" } }, { hosts: { web: ["10.5.0.3"], x: "10.1.1.1" } }],
    [
      "a list of extraHosts",
      { a: shop },
      { extraHosts: ["x:10.1.1.1", "y=[fd00::1]"] },
      { hosts: { x: "10.1.1.1", y: "fd00::1" } },
    ],
    ["a network with dns", { a: resolving }, {}, { nameservers: ["10.5.0.1"], options: ["ndots:0"] }],
    [
      "a network with a domain",
      { a: { ...shop, dns: { domain: "lab.test" } } },
      {},
      { search: ["lab.test"], options: ["ndots:0"] },
    ],
    [
      "its own search beside a domain",
      { a: { ...shop, dns: { domain: "lab.test" } } },
      { dnsSearch: ["x.test"] },
      { search: ["x.test"] },
    ],
    ["its own dns beside a network's", { a: resolving }, { dns: ["10.9.9.9"] }, { nameservers: ["10.9.9.9"] }],
  ])("by %s", (_what, networks, more, files) => {
    const containers = { web: { network: "a", ...more }, db: { network: "a" } };
    expect(filesOf(networks, containers)).toMatchObject(files);
  });

  test("ask a network with a way out before an internal one, whose names stand in the hosts file", () => {
    const networks = {
      inner: { subnet: "10.6.0.0/24", internal: true, dns: true },
      out: resolving,
      bare: { subnet: "10.7.0.0/24" },
    };
    const containers = {
      web: { network: ["inner", "out", "bare"] },
      db: { network: "inner", hostname: "data", aliases: ["sql"] },
      db2: { network: "inner", aliases: ["sql"] },
    };
    expect(filesOf(networks, containers)).toMatchObject({
      nameservers: ["10.5.0.1"],
      hosts: {
        db: ["10.6.0.2"],
        "db.inner": ["10.6.0.2"],
        data: ["10.6.0.2"],
        "data.inner": ["10.6.0.2"],
        sql: ["10.6.0.2", "10.6.0.3"],
        "sql.inner": ["10.6.0.2", "10.6.0.3"],
        web: ["10.6.0.4", "10.5.0.2", "10.7.0.2"],
      },
    });
    const inner = filesOf({ inner: networks.inner }, { web: { network: "inner" } });
    expect(inner).toMatchObject({ nameservers: ["10.6.0.1"], hosts: { web: ["10.6.0.2"] } });
    const own = filesOf(networks, { ...containers, web: { ...containers.web, dns: ["10.9.9.9"] } })?.hosts as Bag;
    expect(Object.keys(own)).toEqual(["web"]);
  });

  test("without an address of its own name nobody by it", () => {
    expect(filesOf({ n: { driver: "none" } }, { web: { network: "n", extraHosts: { x: "10.1.1.1" } } })?.hosts).toEqual(
      {
        x: "10.1.1.1",
      },
    );
  });

  test("a line of hosts is a name and an address", () => {
    const lines = [
      "db:10.1.1.1",
      "db=10.1.1.1",
      "db:[fd00::1]",
      "db:fd00::1",
      "db",
      ":10.1.1.1",
      "db:x",
      "db:[fd00::1",
    ];
    expect(lines.map(readHostLine)).toEqual([
      ["db", "10.1.1.1"],
      ["db", "10.1.1.1"],
      ["db", "fd00::1"],
      ["db", "fd00::1"],
      ["", undefined],
      ["", undefined],
      ["db", undefined],
      ["db", "fd00::1"],
    ]);
  });
});

test("a lab is called by its name in the program", () => {
  const idOf = (owner: string) => lab.id({ owner } as never);
  expect(idOf("linuxnet:shop/dev/Lab/big@1a2b3c4d")).toBe("big");
  expect(idOf("something else")).toMatch(/^[0-9a-f]+$/);
});
