import { describe, expect, test } from "vitest";
import { ownerLimit, partOwner } from "../../../provider/kernel/owner.ts";
import { crud } from "../../../provider/lifecycle/crud.ts";
import { labName } from "../../../provider/resources/lab/derive.ts";
import { partsOf } from "../../../provider/resources/lab/parts.ts";
import { labFacts } from "../../../provider/resources/lab/plan.ts";
import type { LabArgs } from "../../../provider/resources/lab/shape.ts";
import { lab } from "../../../provider/resources/lab.ts";
import { checked, definitionOf, failures, testOwner } from "../../support/subject.ts";

type Bag = Record<string, unknown>;

const shop = {
  networks: { shop: { subnet: "10.5.0.0/24" } },
  containers: { web: { network: "shop", publish: ["8080:80"] }, db: { network: "shop" } },
};

function again(before: Bag, args: Bag): LabArgs {
  const never = () => {
    throw new Error("check has asked for a host");
  };
  const { inputs } = crud(definitionOf("Lab"), never).check(before, { ...args, owner: testOwner("Lab", "subject") });
  return inputs as unknown as LabArgs;
}

function addresses({ containers }: { containers: unknown }): Record<string, string[]> {
  const all = Object.entries(containers as LabArgs["containers"]);
  return Object.fromEntries(all.map(([name, one]) => [name, one.addresses]));
}

describe("a change of a lab", () => {
  const containersOf = (count: number, more: Bag = {}) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`c${index}`, { network: "shop" }]).concat([
        ["x", { network: "shop", ...more }],
      ]),
    );
  const labOf = (containers: Bag) => again({}, { networks: shop.networks, containers });
  const asked = (args: LabArgs, last?: object) => {
    const previous = last as Bag | undefined;
    const context = { owner: args.owner, adopt: false, claims: new Set<string>(), previous };
    return Object.keys(labFacts(args, context)).join("\n");
  };

  test("asks for what changes alone", () => {
    const questions = asked(
      labOf(containersOf(100, { sysctls: { "net.ipv4.ip_forward": "1" } })),
      labOf(containersOf(100)),
    );
    expect(questions).toContain(labName(testOwner("Lab", "subject"), "x", "0"));
    expect(questions).not.toContain(labName(testOwner("Lab", "subject"), "c7", "0"));
    expect(questions).not.toContain("nft");
    expect(questions.split("\n").length).toBeLessThan(12);
  });

  test("asks for all when refresh has told of drift in words, and when it is made for the first time", () => {
    const [before, after] = [labOf(containersOf(5)), labOf(containersOf(6))];
    for (const previous of [undefined, { ...before, drift: ["containers.c3: namespace c3 is missing"] }])
      expect(asked(structuredClone(after), previous)).toContain(`"${after.containers.c3?.netns}"`);
    expect(asked(after, before)).not.toContain(`"${after.containers.c3?.netns}"`);
  });
});

describe("a lab", () => {
  test("stands for the parts that components would make of it", () => {
    const parts = partsOf(checked("Lab", shop) as unknown as LabArgs);
    expect(parts.map(({ definition: { kind }, at }) => `${kind} ${at}`)).toEqual([
      "Netns containers.web",
      "Netns containers.db",
      "Bridge networks.shop",
      "NatRule networks.shop",
      "VethPair containers.web",
      "VethPair containers.db",
      "PortPublish containers.web.publish[0]",
    ]);
    const owners = parts.map(({ args }) => args.owner);
    expect(new Set(owners).size).toBe(parts.length);
    for (const owner of owners) expect(owner).toMatch(/^linuxnet:test\/dev\/Lab\/subject\/.*@[0-9a-f]{8}$/);
  });

  test("publishes a port on each family that its network has, and on the one that is named", () => {
    const targets = (publish: string[], more: Bag = {}) => {
      const net = { shop: { subnets: ["10.5.0.0/24", "fd00:5::/64"], ...more } };
      const args = checked("Lab", { networks: net, containers: { web: { network: "shop", publish } } });
      const parts = partsOf(args as unknown as LabArgs).filter(({ definition: { kind } }) => kind === "PortPublish");
      return parts.map((one) => `${one.name} ${one.args.targetAddress}`);
    };
    expect(targets(["8080:80"])).toEqual(["publish/tcp8080 10.5.0.2", "publish/tcp8080/v6 fd00:5::2"]);
    expect(targets(["0.0.0.0:80:80", "[::]:80:80"])).toEqual([
      "publish/tcp80@v4 10.5.0.2",
      "publish/tcp80@v6 fd00:5::2",
    ]);
    expect(targets(["127.0.0.1:80:80"])).toEqual(["publish/tcp80@127.0.0.1 10.5.0.2"]);
    expect(
      failures("Lab", { networks: { a: { internal: true } }, containers: { c: { network: "a", publish: ["80:80"] } } }),
    ).toHaveLength(1);
  });

  test("gives each name an address that stays, whatever names come and go", () => {
    const first = checked("Lab", shop);
    expect(addresses(first as never)).toEqual({ web: ["10.5.0.3/24"], db: ["10.5.0.2/24"] });
    const { web: _gone, ...left } = shop.containers;
    const second = again(first, { ...shop, containers: { ...left, api: { network: "shop" } } });
    expect(addresses(second)).toEqual({ db: ["10.5.0.2/24"], api: ["10.5.0.4/24"] });
  });

  test("keeps the subnet that it has chosen", () => {
    const one = checked("Lab", { networks: { a: {} } }) as unknown as LabArgs;
    const [subnet] = one.networks.a?.subnets ?? [];
    expect(subnet).toMatch(/^10\.200\.\d+\.0\/24$/);
    const two = again(one as unknown as Bag, { networks: { b: {}, a: {} } });
    expect(two.networks.a?.subnets).toEqual([subnet]);
  });

  test("a thousand containers have a thousand names and addresses", () => {
    const containers = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [`host-${index}`, { network: "big" }]),
    );
    const big = checked("Lab", { networks: { big: { subnet: "10.9.0.0/16" } }, containers }) as unknown as LabArgs;
    const all = Object.values(big.containers);
    expect(new Set(all.flatMap((one) => one.addresses)).size).toBe(1000);
    expect(new Set(all.map(({ netns }) => netns)).size).toBe(1000);
    for (const { netns = "" } of all) expect(netns.length).toBeLessThanOrEqual(15);
  });

  test("is never replaced: what changes, changes within it", () => expect(lab.replaceOn).toEqual([]));

  test.each<[Bag, string]>([
    [{ containers: { a: { network: "no" } } }, "containers.a.network there is no network no in this lab"],
    [{ containers: { a: { netns: "a" } } }, "containers.a.netns must not be the container itself"],
    [{ containers: { a: { publish: ["80"] } } }, 'containers.a.publish[0] "80" must be HOST_PORT:CONTAINER_PORT'],
    [{ containers: { a: { publish: ["80:80"] } } }, "containers.a.publish needs a network with the driver bridge"],
    [
      { networks: { a: { subnet: "10.5.0.0/24", ipRange: "10.6.0.0/25" } } },
      "networks.a.ipRange must lie in the subnet 10.5.0.0/24",
    ],
    [
      { containers: { a: { netwrok: "x" } } },
      'containers.a.netwrok there is no such property; did you mean "network"?',
    ],
    [{ containers: { "a.b": {} } }, "containers.a.b its name must be 1 to 63 letters"],
    [{ networks: { a: { driver: "overlay" } } }, 'networks.a.driver must be "bridge", "host" or "none"'],
    [
      { networks: { a: { subnet: "10.1.0.0/16" }, b: { subnet: "10.1.2.0/24" } } },
      "networks.a.subnet 10.1.0.0/16 overlaps 10.1.2.0/24 of network b",
    ],
    [
      { ...shop, containers: { ...shop.containers, db: { network: "shop", publish: ["8080:5432"] } } },
      "containers.db.publish[0] port 8080/tcp is published by web already",
    ],
    [
      { ...shop, containers: { a: { network: "shop", address: "10.6.0.1" } } },
      "containers.a.address must lie in the subnet of its first network (10.5.0.0/24)",
    ],
    [
      {
        ...shop,
        containers: { a: { network: "shop", address: "10.5.0.9" }, b: { network: "shop", address: "10.5.0.9" } },
      },
      "containers.b.address 10.5.0.9 is the address of a already",
    ],
    [
      { networks: { s: { subnet: "10.5.0.0/30" } }, containers: { a: { network: "s" }, b: { network: "s" } } },
      "networks.s is full: no address is left for b",
    ],
    [
      { networks: { a: { internal: true, dns: { upstreams: ["10.9.9.9"] } } } },
      "networks.a.dns.upstreams an internal network asks nobody",
    ],
    [
      { networks: { a: { driver: "none", dns: true } } },
      "networks.a.dns needs a gateway, and the driver none has none",
    ],
    [
      { ...shop, containers: { a: { network: "shop", aliases: ["www"] } } },
      "containers.a.aliases needs a network with dns, whose resolver tells them",
    ],
    [
      { ...shop, containers: { a: { network: "shop", links: { db: "nobody" } } } },
      "containers.a.links.db there is no container nobody in this lab",
    ],
    [
      { networks: { x: {}, y: {} }, containers: { a: { network: "x", links: { db: "b" } }, b: { network: "y" } } },
      "containers.a.links.db leads to b, which shares no network with it",
    ],
    [
      { containers: { a: { netns: "no such place" } } },
      "containers.a.netns must be the name of a container of this lab",
    ],
    [
      { containers: { a: {}, b: { netns: "a" }, c: { netns: "b" } } },
      "containers.c.netns b joins a namespace itself: name that one",
    ],
    [{ expect: [{ from: "no such place", to: "a" }] }, "expect[0].from must be a container's or a namespace's name"],
    [{ containers: { a: { command: ["x"], user: "a b" } } }, "containers.a user must be a user's name"],
  ])("%j is refused", (args, reason) => {
    const found = failures("Lab", args).map(({ property, reason: why }) => `${property} ${why}`);
    expect(found.join("\n")).toContain(reason);
  });
});

test.each<Bag>([
  { ...shop, containers: { a: { netns: "blue" }, b: { network: "shop", extraHosts: { db: "10.1.1.1" } } } },
  { ...shop, containers: { a: { network: "shop", links: { other: "b" } }, b: { network: "shop" } } },
  {
    networks: { a: { subnet: "10.5.0.0/24", dns: { upstreams: ["10.9.9.9"] } } },
    containers: { c: { network: "a", aliases: ["www"] } },
  },
])("%j is allowed", (args) => expect(failures("Lab", args)).toEqual([]));

test("a part's owner is readable, has the resource's seal, and fits into a comment", () => {
  const owner = "linuxnet:shop/dev/Lab/big@1a2b3c4d";
  expect(partOwner(owner, "web/eth0")).toBe("linuxnet:shop/dev/Lab/big/web/eth0@1a2b3c4d");
  const long = [partOwner(owner, `${"w".repeat(90)}/1`), partOwner(owner, `${"w".repeat(90)}/2`)];
  for (const one of long) expect(Buffer.byteLength(one)).toBeLessThanOrEqual(ownerLimit);
  expect(long[0]).not.toBe(long[1]);
});
