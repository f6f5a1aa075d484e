// What check refuses of inputs that do not go together, by property and rule.
import { describe, expect, test } from "vitest";
import { failures } from "../../support/subject.ts";

type Bag = Record<string, unknown>;

const said = (kind: string, args: Bag) => failures(kind, args).map(({ property, reason }) => `${property} ${reason}`);

describe("a NatRule", () => {
  const family = "toAddress must be of the family of source and destination";
  test.each<[Bag, string[]]>([
    [{ type: "snat" }, ["toAddress is needed for snat"]],
    [{ type: "dnat" }, ["toAddress is needed for dnat"]],
    [
      { type: "masquerade", toAddress: "10.0.0.1" },
      ["toAddress must be omitted: masquerade uses the address of the interface"],
    ],
    [{ type: "masquerade", protocol: "tcp", toPorts: 80 }, ["toPorts must be omitted with masquerade"]],
    [{ type: "masquerade", destinationPorts: 80 }, ["destinationPorts needs protocol"]],
    [{ type: "dnat", toAddress: "10.0.0.1", toPorts: 80 }, ["toPorts needs protocol"]],
    ...["outInterface", "notOutInterface"].map((key): [Bag, string[]] => [
      { type: "dnat", toAddress: "10.0.0.1", [key]: "up0" },
      ["outInterface is not known yet when dnat is decided; use inInterface"],
    ]),
    [
      { type: "masquerade", source: "10.0.0.0/8", destination: "fd00::/8" },
      ["destination must be of the family of source"],
    ],
    [{ type: "snat", source: "10.0.0.0/8", toAddress: "fd00::1" }, [family]],
    [{ type: "dnat", destination: "fd00::/8", toAddress: "10.0.0.1" }, [family]],
    [{ type: "snat", source: ["10.0.0.0/8", "fd00::/8"], destination: "fd00::/8", toAddress: "10.0.0.1" }, [family]],
  ])("of %j is refused: %j", (args, reasons) => expect(said("NatRule", args)).toEqual(reasons));

  test.each<Bag>([
    { type: "masquerade", outInterface: "up0", protocol: "tcp", destinationPorts: 80 },
    { type: "snat", toAddress: "10.0.0.1", outInterface: "up0", source: ["10.0.0.0/8", "fd00::/8"] },
    { type: "dnat", toAddress: "10.0.0.1", protocol: "udp", destinationPorts: 53, toPorts: 5353, inInterface: "up0" },
    { type: "dnat", toAddress: "fd00::1", destination: "fd00::2" },
  ])("of %j is allowed", (args) => expect(said("NatRule", args)).toEqual([]));
});

describe("a ForwardRule", () => {
  const ports = "needs protocol tcp, udp or sctp";
  test.each<[Bag, string[]]>([
    [{ destinationPorts: 80 }, [`destinationPorts ${ports}`]],
    [{ sourcePorts: 80 }, [`sourcePorts ${ports}`]],
    [
      { protocol: "icmp", destinationPorts: 80, sourcePorts: 80 },
      [`destinationPorts ${ports}`, `sourcePorts ${ports}`],
    ],
    [{ source: "10.0.0.0/8", destination: "fd00::/8" }, ["destination must be of the family of source"]],
    [{ protocol: "icmpv6", source: "10.0.0.0/8" }, ["protocol icmpv6 is not of the family of 10.0.0.0/8"]],
    [{ protocol: "icmp", destination: "fd00::/8" }, ["protocol icmp is not of the family of fd00::/8"]],
  ])("of %j is refused: %j", (args, reasons) =>
    expect(said("ForwardRule", { action: "drop", ...args })).toEqual(reasons),
  );

  test.each<Bag>([
    ...["tcp", "udp", "sctp"].map((protocol) => ({ protocol, destinationPorts: 80, sourcePorts: "1000-2000" })),
    { protocol: "icmpv6", source: ["10.0.0.0/8", "fd00::/8"] },
    { protocol: "icmp", destination: ["10.0.0.0/8", "fd00::/8"] },
    { protocol: "icmp" },
    { source: ["10.0.0.0/8", "fd00::/8"], destination: "fd00::/8" },
  ])("of %j is allowed", (args) => expect(said("ForwardRule", { action: "drop", ...args })).toEqual([]));
});

describe("a PortPublish", () => {
  const base = { hostPort: 8080, targetAddress: "10.9.0.2", targetPort: 80 };
  const container = "targetAddress must be the address of a container";
  test.each<[Bag, string[]]>([
    ...["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::"].map((targetAddress): [Bag, string[]] => [
      { targetAddress },
      [container],
    ]),
    [{ hostAddress: "fd00::2" }, ["hostAddress must be of the family of targetAddress (IPv4)"]],
    [
      { targetAddress: "fd09::2", hostAddress: "203.0.113.2" },
      ["hostAddress must be of the family of targetAddress (IPv6)"],
    ],
    [{ hostAddress: "127.0.0.2" }, ["hostAddress must be 127.0.0.1 when it is a loopback address"]],
    [{ hostAddress: "0.0.0.0" }, ["hostAddress must be omitted for every address of the host"]],
    [{ targetAddress: "fd09::2", hostAddress: "::" }, ["hostAddress must be omitted for every address of the host"]],
  ])("of %j is refused: %j", (args, reasons) => expect(said("PortPublish", { ...base, ...args })).toEqual(reasons));

  test.each<Bag>([
    { hostAddress: "127.0.0.1" },
    { hostAddress: "203.0.113.127", targetAddress: "10.127.0.1" },
    { targetAddress: "fd09::1", hostAddress: "fd09::100" },
    { targetAddress: "::1:2", hostAddress: "::1" },
    { targetAddress: "10.0.0.0" },
  ])("of %j is allowed", (args) => expect(said("PortPublish", { ...base, ...args })).toEqual([]));
});

test("the ends of a pair differ where both are in one namespace", () => {
  const ends = (one: Bag, peer: Bag) => said("VethPair", { name: "v0", ...one, peer: { name: "v0", ...peer } });
  const same = ["peer.name must differ from name: both ends are in one namespace"];
  expect([ends({}, {}), ends({ netns: "ct1" }, { netns: "ct1" })]).toEqual([same, same]);
  expect([ends({}, { netns: "ct1" }), ends({}, { name: "v1" })]).toEqual([[], []]);
});

describe("a Lab", () => {
  const a = { subnet: "10.5.0.0/24" };
  const six = { subnets: ["10.5.0.0/24", "fd05::/64"] };
  const container = (more: Bag, networks: Bag = { a }) => ({ networks, containers: { c: { network: "a", ...more } } });
  const inside = "must lie in the subnet of its first network";

  test.each<[Bag, string[]]>([
    [{ networks: { a: { ...a, subnets: ["10.6.0.0/24"] } } }, ["networks.a.subnets cannot be given beside subnet"]],
    [{ networks: { a: { subnets: ["10.5.0.0/24", "10.6.0.0/24"] } } }, ["networks.a.subnets must be one per family"]],
    [{ networks: { a: { subnet: "10.5.0.0/31" } } }, ["networks.a.subnet must have room for a gateway and a host"]],
    [{ networks: { a: { ...a, gateway: "10.6.0.1" } } }, ["networks.a.gateway must lie in the subnet 10.5.0.0/24"]],
    [
      { networks: { a: { ...six, gateway: ["fd06::1"] } } },
      ["networks.a.gateway must lie in the subnet 10.5.0.0/24,fd05::/64"],
    ],
    [container({ network: ["a", "a"] }), ["containers.c.network names a network twice"]],
    [container({ netns: "blue" }), ["containers.c.netns cannot be given beside network"]],
    [container({ extraHosts: ["db:10.1.1.1", "db:x"] }), ['containers.c.extraHosts "db:x" must be "name:address"']],
    [container({ address: "10.6.0.9" }), [`containers.c.address ${inside} (10.5.0.0/24)`]],
    [container({ address: "10.6.0.9" }, { a: {} }), [`containers.c.address ${inside} (give that one a subnet)`]],
    [container({ address: "10.6.0.9" }, { a: six }), [`containers.c.address ${inside} (10.5.0.0/24, fd05::/64)`]],
    [container({ address: "10.5.0.0" }), ["containers.c.address is no host's address in 10.5.0.0/24"]],
    [
      container({ address: "10.5.0.9" }, { a: { ...a, gateway: "10.5.0.9" } }),
      ["containers.c.address is the gateway's address"],
    ],
    [
      container({ address: "10.5.0.1" }),
      [
        "containers.c.address 10.5.0.1 is the address of the gateway already",
        "containers.c peer.gateway must not be this end's own address",
      ],
    ],
    [
      {
        networks: { a: { subnet: "10.5.0.0/30" } },
        containers: Object.fromEntries([..."xyz"].map((one) => [one, { network: "a" }])),
      },
      ["networks.a is full: no address is left for y, z"],
    ],
    [
      { expect: [{ from: "a b", to: "x" }] },
      ["expect[0].from must be a container's or a namespace's name, or \"host\""],
    ],
  ])("of %j is refused: %j", (args, reasons) => expect(said("Lab", args)).toEqual(reasons));

  test.each<Bag>([
    { networks: { a: { ...six, gateway: ["fd05::9"], ipRange: "10.5.0.0/25", dns: true } } },
    { networks: { a: { gateway: "10.5.0.9", ipRange: "10.5.0.0/25" } } },
    container({ network: ["b", "a"], aliases: ["x"] }, { a: { ...a, dns: true }, b: { internal: true } }),
    { networks: { a, b: {} }, containers: { c: { network: ["a", "b"], links: { d: "d" } }, d: { network: "b" } } },
    { networks: { h: { driver: "host" } }, containers: { c: { network: "h" }, d: { network: "h" } } },
    { containers: { c: {} }, expect: ["host", "c", "blue"].map((from) => ({ from, to: "x" })) },
    container({ publish: ["80:80/tcp", "80:80/udp", "127.0.0.1:80:80"] }),
  ])("of %j is allowed", (args) => expect(said("Lab", args)).toEqual([]));
});
