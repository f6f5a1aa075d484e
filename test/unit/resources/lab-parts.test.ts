// The objects that a Lab stands for, each with all of its inputs: those that a resource of its kind would have.
import { describe, expect, test } from "vitest";
import { type Part, partsOf } from "../../../provider/resources/lab/parts.ts";
import type { LabArgs } from "../../../provider/resources/lab/shape.ts";
import { Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

/** One of each sort that a lab can have. */
const rich = {
  networks: {
    shop: { subnets: ["10.5.0.0/24", "fd05::/64"], mtu: 1400, dns: { upstreams: ["10.9.9.9"], domain: "lab.test" } },
    inner: { subnet: "10.6.0.0/24", internal: true, isolate: false, dns: true },
    open: { subnet: "10.7.0.0/24", masquerade: false },
    alone: { driver: "none" },
    stage: { driver: "host" },
  },
  containers: {
    web: {
      network: ["shop", "inner"],
      ...{ hostname: "www", aliases: ["store"], dns: ["10.5.0.9"], dnsSearch: ["lab.test"] },
      ...{ impairment: { rate: "1mbit" }, sysctls: { "net.ipv4.ip_forward": "1" }, publish: ["8080:80"] },
      command: ["sleep", "9"],
    },
    side: { netns: "web", command: ["sleep", "8"] },
    db: { network: ["inner", "open"], publish: [{ hostPort: 53, targetPort: 53 }] },
    bare: { network: "stage", command: ["sleep", "7"] },
  },
  expect: [
    { from: "bare", to: "web", port: 80 },
    { from: "side", to: "10.5.0.9" },
    { from: "blue", to: "db" },
  ],
};

const worked = (inputs: Bag) => new Paper("Lab", inputs, {}).args as unknown as LabArgs;
/** The inputs of all parts of a kind, by the part's name, without what all parts have. */
function argsOf(wanted: string): Bag {
  const of = partsOf(worked(rich)).filter(({ definition: { kind } }) => kind === wanted);
  return Object.fromEntries(of.map(({ name, args }) => [name, bare(args)]));
}

function bare({ owner: _owner, adopt: _adopt, macAddress: _mac, ...args }: Part["args"]): Bag {
  if (args.peer === undefined) return args;
  const { macAddress: _other, ...peer } = args.peer as Bag;
  return { ...args, peer };
}

describe("a network of a lab", () => {
  test("is a bridge with the gateway's addresses; none of the drivers host and none", () => {
    const plainly = { stp: false, mtu: 1500 };
    expect(argsOf("Bridge")).toStrictEqual({
      "shop/shop-69a93b40": {
        ...plainly,
        ...{ name: "shop-69a93b40", addresses: ["10.5.0.1/24", "fd05::1/64"], mtu: 1400 },
        ...{ isolate: true, internal: false },
      },
      "inner/inner-e71359d4": {
        ...plainly,
        ...{ name: "inner-e71359d4", addresses: ["10.6.0.1/24"], isolate: false, internal: true },
      },
      "open/open-e79a3a60": {
        ...plainly,
        ...{ name: "open-e79a3a60", addresses: ["10.7.0.1/24"], isolate: true, internal: false },
      },
    });
  });

  test("is masqueraded, unless it is internal or is not to be", () => {
    expect(argsOf("NatRule")).toStrictEqual({
      "shop/nat": {
        ...{ type: "masquerade", source: ["10.5.0.0/24", "fd05::/64"], notOutInterface: "shop-69a93b40" },
        ...{ output: true, forward: true, protect: true, backend: "auto" },
      },
    });
  });

  test("has a resolver where it asks for one, which knows its members by all of their names there", () => {
    expect(argsOf("Resolver")).toStrictEqual({
      "shop/dns": {
        ...{ network: "shop", bridge: "shop-69a93b40", addresses: ["10.5.0.1/24", "fd05::1/64"] },
        members: { web: { addresses: ["10.5.0.2", "fd05::2"], aliases: ["www", "store"] } },
        ...{ domain: "lab.test", upstreams: ["10.9.9.9"], forward: true },
      },
      "inner/dns": {
        ...{ network: "inner", bridge: "inner-e71359d4", addresses: ["10.6.0.1/24"] },
        members: { db: { addresses: ["10.6.0.2"] }, web: { addresses: ["10.6.0.3"], aliases: ["www", "store"] } },
        forward: false,
      },
    });
  });
});

describe("a container of a lab", () => {
  test("has a namespace, unless it joins another or is on the host", () => {
    expect(argsOf("Netns")).toStrictEqual({
      "web/netns": { name: "web-b40cb062", sysctls: { "net.ipv4.ip_forward": "1" }, loopback: true },
      "db/netns": { name: "db-96513b13", loopback: true },
    });
  });

  test("has a cable for each of its networks: the gateway is on the first, unless that is internal", () => {
    const plainly = { addresses: [], hairpin: true, isolated: false, mtu: 1500 };
    const far = { hairpin: false, isolated: false };
    const slow = { impairment: { rate: "1mbit" } };
    const inWeb = { ...far, ...slow, netns: "web-b40cb062" };
    const inDb = { ...far, netns: "db-96513b13", addrgenmode: "none" };
    expect(argsOf("VethPair")).toStrictEqual({
      "web/eth0": {
        ...{ ...plainly, name: "web-64480ca2", bridge: "shop-69a93b40", mtu: 1400 },
        peer: { ...inWeb, name: "eth0", addresses: ["10.5.0.2/24", "fd05::2/64"], gateway: ["10.5.0.1", "fd05::1"] },
      },
      "web/eth1": {
        ...{ ...plainly, name: "web-91ed7827", bridge: "inner-e71359d4" },
        peer: { ...inWeb, name: "eth1", addresses: ["10.6.0.3/24"], addrgenmode: "none" },
      },
      "db/eth0": {
        ...{ ...plainly, name: "db-a8ac16b8", bridge: "inner-e71359d4" },
        peer: { ...inDb, name: "eth0", addresses: ["10.6.0.2/24"] },
      },
      "db/eth1": {
        ...{ ...plainly, name: "db-03603914", bridge: "open-e79a3a60" },
        peer: { ...inDb, name: "eth1", addresses: ["10.7.0.2/24"] },
      },
    });
  });

  test("has a program of its own, or one in the namespace that it joins, or on the host", () => {
    const plainly = { cwd: "/", restart: "no", stopTimeout: "10s" };
    expect(argsOf("Process")).toStrictEqual({
      "web/process": { ...plainly, netns: "web-b40cb062", command: ["sleep", "9"] },
      "side/process@web-b40cb062": { ...plainly, netns: "web-b40cb062", command: ["sleep", "8"] },
      "bare/process@": { ...plainly, command: ["sleep", "7"] },
    });
  });

  test("publishes its ports to its address in the first network with a way out, one for each family", () => {
    const plainly = { protocol: "tcp", hairpin: true, localhost: true, backend: "auto" };
    const web = { ...plainly, hostPort: 8080, targetPort: 80 };
    expect(argsOf("PortPublish")).toStrictEqual({
      "publish/tcp8080": { ...web, targetAddress: "10.5.0.2" },
      "publish/tcp8080/v6": { ...web, targetAddress: "fd05::2" },
      "publish/tcp53": { ...plainly, hostPort: 53, targetPort: 53, targetAddress: "10.7.0.2" },
    });
  });
});

test("what a lab expects is tried from a container's namespace, or the host, to an address", () => {
  const plainly = { reachable: true, within: "5s" };
  expect(argsOf("Expect")).toStrictEqual({
    "expect/0": { ...plainly, from: "host", to: "10.5.0.2", port: 80, protocol: "tcp" },
    "expect/1": { ...plainly, from: "web-b40cb062", to: "10.5.0.9", protocol: "ping" },
    "expect/2": { ...plainly, from: "blue", to: "10.6.0.2", protocol: "ping" },
  });
});

test("a part is told by the lab's own inputs where these say what its own do", () => {
  const some = partsOf(worked(rich)).filter(({ at }) => /^(containers\.web|networks\.shop|expect)/.test(at));
  const inputs = Object.fromEntries(some.map((part) => [part.definition.kind, part.inputs]));
  expect(inputs).toStrictEqual({
    Netns: { sysctls: "sysctls" },
    Bridge: { mtu: "mtu", isolate: "isolate", internal: "internal" },
    NatRule: {},
    VethPair: { "peer.impairment": "impairment" },
    ResolvConf: { nameservers: "dns", search: "dnsSearch" },
    PortPublish: {},
    Resolver: {},
    Process: {},
    Expect: {},
  });
});

test("the files of a container that has no name servers of its own are told in words", () => {
  const { web, ...others } = rich.containers;
  const { dns: _dns, dnsSearch: _search, ...left } = web;
  const found = partsOf(worked({ ...rich, containers: { ...others, web: left } })).filter(
    ({ definition: { kind } }) => kind === "ResolvConf",
  );
  expect(found.map(({ name, inputs }) => [name, inputs])).toEqual([
    ["db/files", {}],
    ["web/files", {}],
  ]);
});

test("an input that its part does not take is told by the container and the input", () => {
  const lab = worked({ containers: { a: { command: ["x"] } } });
  const odd = { ...lab, containers: { a: { ...lab.containers.a, user: "a b" } } } as LabArgs;
  expect(() => partsOf(odd)).toThrow("containers.a: user must be a user's name: letters, digits, _ . and -");
});
