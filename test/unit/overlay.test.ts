// What a network across hosts is made of: declared to the engine's mocks, no host is asked.
import * as pulumi from "@pulumi/pulumi";
import { beforeEach, describe, expect, test } from "vitest";
import { readDocker } from "../../provider/components/docker.ts";
import { takeVni } from "../../provider/components/overlay.ts";
import { readUnderlay } from "../../provider/components/underlay.ts";
import { Container, Network, type NetworkArgs } from "../../provider/index.ts";
import { checked } from "../support/subject.ts";

type Bag = Record<string, unknown>;

let declared: { kind: string; name: string; inputs: Bag }[] = [];

await pulumi.runtime.setMocks({
  newResource: ({ type, name, inputs }) => {
    const kind = type.split(":").at(-1) ?? "";
    const { __provider, owner, ...own } = inputs;
    declared.push({ kind, name, inputs: own });
    const state = kind === "AddressPool" ? checked(kind, own) : own;
    return { id: name, state: kind === "Bridge" ? { ...state, mtu: own.mtu ?? 1450 } : state };
  },
  call: () => ({}),
});

/** Waits for an output. */
function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

/** The inputs of what was declared, when all of it was. */
async function all(kind: string): Promise<Record<string, Bag>> {
  // It waits for all that is under way; of mocks there is nothing to disconnect from.
  await pulumi.runtime.disconnect();
  return Object.fromEntries(declared.filter((one) => one.kind === kind).map(({ name, inputs }) => [name, inputs]));
}

const at = (host: string) => ({ host, user: "root" });
const [h1, h2, h3] = [at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3")] as const;

/** An overlay under a name and a subnet of its own. */
let count = 0;
function overlay(args: NetworkArgs): Network {
  count += 1;
  return new Network(`net${count}`, { driver: "overlay", subnet: `10.9.${count}.0/24`, ...args });
}

beforeEach(() => {
  declared = [];
});

describe("a network across hosts", () => {
  test("is a bridge, a tunnel to the others and a translation on each of them", async () => {
    const net = overlay({ connections: { one: h1, two: h2, here: {} }, overlay: { addresses: { here: "10.0.0.3" } } });
    const name = `net${count}`;
    await known(net.inspect);
    const bridges = await all("Bridge");
    expect(Object.keys(bridges).toSorted()).toEqual([`${name}-here`, `${name}-one`, `${name}-two`]);
    for (const [host, underlay] of [
      ["one", "10.0.0.1"],
      ["two", "10.0.0.2"],
      ["here", "10.0.0.3"],
    ])
      expect(bridges[`${name}-${host}`]).toMatchObject({ underlay, addresses: [`10.9.${count}.1/24`], isolate: true });
    const macs = new Set(Object.values(bridges).map(({ macAddress }) => macAddress));
    expect(macs.size).toBe(1);
    const tunnels = await all("Vxlan");
    const [macAddress] = macs;
    const gateway = { macAddress, addresses: [`10.9.${count}.1`] };
    expect(tunnels[`${name}-one`]).toMatchObject({
      local: "10.0.0.1",
      remotes: ["10.0.0.3", "10.0.0.2"],
      port: 4789,
      bridge: bridges[`${name}-one`]?.name,
      anycastGateway: gateway,
      connection: { host: "10.0.0.1" },
    });
    expect(tunnels[`${name}-here`]).toMatchObject({ local: "10.0.0.3", remotes: ["10.0.0.1", "10.0.0.2"] });
    expect(new Set(Object.values(tunnels).map(({ vni }) => vni)).size).toBe(1);
    const rules = await all("NatRule");
    expect(Object.keys(rules)).toHaveLength(3);
    for (const rule of Object.values(rules))
      expect(rule).toMatchObject({ source: [`10.9.${count}.0/24`], protect: true, type: "masquerade" });
  });

  test("differs for the others only in their remotes when a host leaves", async () => {
    const without = async (connections: Record<string, Bag>) => {
      declared = [];
      const network = new Network(`leaving${Object.keys(connections).length}`, {
        driver: "overlay",
        subnet: `10.10.${Object.keys(connections).length}.0/24`,
        bridgeName: "over0",
        overlay: { vni: 700 + Object.keys(connections).length },
        connections,
      });
      await known(network.inspect);
      return { bridges: await all("Bridge"), tunnels: await all("Vxlan") };
    };
    const three = await without({ one: h1, two: h2, three: h3 });
    const two = await without({ one: h1, three: h3 });
    expect(two.bridges["leaving2-one"]?.macAddress).toBe(three.bridges["leaving3-one"]?.macAddress);
    expect(three.tunnels["leaving3-one"]?.remotes).toEqual(["10.0.0.3", "10.0.0.2"]);
    expect(two.tunnels["leaving2-one"]?.remotes).toEqual(["10.0.0.3"]);
  });

  test("has no translation where it has no way out, and its own MTU where one is given", async () => {
    const net = overlay({ connections: { one: h1 }, internal: true, mtu: 1300 });
    await known(net.inspect);
    expect(Object.keys(await all("NatRule"))).toEqual([]);
    expect(Object.values(await all("Bridge"))[0]).toMatchObject({ internal: true, mtu: 1300 });
    expect(Object.values(await all("Vxlan"))[0]).toMatchObject({ mtu: 1300, remotes: [] });
  });

  test("has a resolver on each host, which knows the containers of all", async () => {
    const net = overlay({ connections: { one: h1, two: h2 }, dns: true });
    const [one, two] = ["one", "two"].map((host) => new Container(`${host}${count}`, { network: net, host }));
    await known(pulumi.all([one?.addresses, two?.addresses]));
    const resolvers = await all("Resolver");
    expect(Object.keys(resolvers).toSorted()).toEqual([`net${count}-one`, `net${count}-two`]);
    for (const { members } of Object.values(resolvers))
      expect(Object.keys(members as Bag)).toEqual([`one${count}`, `two${count}`]);
    expect(resolvers[`net${count}-two`]).toMatchObject({ connection: { host: "10.0.0.2" } });
  });

  test("is shown as Docker shows one, and read back", async () => {
    const net = overlay({ connections: { one: h1, two: h2 }, overlay: { vni: 4097 }, bridgeName: "over0" });
    const shown = await known(net.inspect);
    expect(shown).toMatchObject([
      {
        Driver: "overlay",
        Scope: "swarm",
        Attachable: true,
        Options: { "com.docker.network.driver.overlay.vxlanid_list": "4097" },
        Peers: [
          { Name: "one", IP: "10.0.0.1" },
          { Name: "two", IP: "10.0.0.2" },
        ],
      },
    ]);
    expect(readDocker(shown)).toMatchObject({ driver: "overlay", bridgeName: "over0" });
    expect(() => Network.fromDockerInspect("copy", shown)).toThrow(/declare it with connections/);
  });
});

describe("a container in an overlay", () => {
  test("is on its host, on that bridge, with what fits into the tunnel", async () => {
    const net = overlay({ connections: { one: h1, two: h2 } });
    const web = new Container(`web${count}`, {
      network: net,
      host: "two",
      publish: ["8080:80"],
      command: ["sleep", "1"],
    });
    const side = new Container(`side${count}`, { netns: web });
    await known(web.addresses);
    const cable = (await all("VethPair"))[`web${count}`];
    expect(cable).toMatchObject({ mtu: 1450, connection: { host: "10.0.0.2" }, hairpin: true });
    expect(cable?.bridge).toBe((await all("Bridge"))[`net${count}-two`]?.name);
    for (const kind of ["Netns", "Process", "PortPublish"])
      expect(Object.values(await all(kind))[0], kind).toMatchObject({ connection: { host: "10.0.0.2" } });
    expect(await known(web.addresses)).toEqual([`10.9.${count}.2/24`]);
    expect(side.connection).toBe(web.connection);
  });

  test("needs no host where there is only one", async () => {
    const net = overlay({ connections: { one: h1 } });
    const web = new Container(`only${count}`, { network: net });
    await known(web.addresses);
    expect((await all("Netns"))[`only${count}`]).toMatchObject({ connection: { host: "10.0.0.1" } });
  });
});

describe("is refused at once, naming the property:", () => {
  const networks: [what: string, args: NetworkArgs, message: RegExp][] = [
    ["an overlay without connections", {}, /connections is needed with the driver overlay/],
    ["an overlay with no connection", { connections: {} }, /connections is needed/],
    ["connections on a bridge", { driver: "bridge", connections: { one: h1 } }, /connections needs the driver overlay/],
    ["overlay on none", { driver: "none", overlay: { vni: 3 } }, /overlay needs the driver overlay.* is none/],
    ["a connection beside", { connections: { one: h1 }, connection: h1 }, /connection cannot be given/],
    ["a host without a name", { connections: { "": h1 } }, /must not be empty/],
    [
      "an address of a host that is none",
      { connections: { one: h1 }, overlay: { addresses: { two: "10.0.0.2" } } },
      /overlay\.addresses\.two: connections has no host two/,
    ],
    [
      "an alias",
      { connections: { one: { host: "pc1" } } },
      /overlay\.addresses\.one is needed: .*pc1, is no IP address/,
    ],
    [
      "a loopback address",
      { connections: { one: { host: "127.0.0.1", port: 2222 } } },
      /overlay\.addresses\.one is needed/,
    ],
    ["this machine", { connections: { here: {} } }, /overlay\.addresses\.here is needed: its connection has no host/],
    [
      "no address",
      { connections: { one: h1 }, overlay: { addresses: { one: "10.0.0.1/24" } } },
      /overlay\.addresses\.one must be an IP address, and is "10\.0\.0\.1\/24"/,
    ],
    [
      "one address twice",
      { connections: { one: h1, two: h1 } },
      /overlay\.addresses\.two is 10\.0\.0\.1, as that of one is/,
    ],
    [
      "two families",
      { connections: { one: h1, two: { host: "fd00::2" } } },
      /overlay\.addresses\.two is fd00::2, and that of one of the other family/,
    ],
  ];
  test.each(networks)("%s", (_what, args, message) => {
    expect(() => overlay(args)).toThrow(message);
  });

  test("an address that is known later, and is none", () => {
    expect(() => readUnderlay("net", [{ host: "one", given: false, value: "pc1" }])).toThrow(
      /addresses\.one is needed/,
    );
  });

  test("the number of another network, on the same port", () => {
    const vni = takeVni("a", undefined, 4789);
    expect(vni).toBeGreaterThan(0);
    expect(vni).toBeLessThan(2 ** 24);
    expect(() => takeVni("b", vni, 4789)).toThrow(/network "b": the network "a" has the number \d+ .*set overlay\.vni/);
    expect(takeVni("b", vni, 4790)).toBe(vni);
  });

  test("a container that does not say where, or says it wrong", () => {
    const net = overlay({ connections: { one: h1, two: h2 } });
    const plain = new Network(`plain${count}`, { subnet: `10.11.${count}.0/24` });
    const make = (args: object) => () => new Container("x", { network: net, ...args });
    expect(make({})).toThrow(/container "x": host is needed: .*one, two/);
    expect(make({ host: "three" })).toThrow(/container "x": host is three, and its network has the hosts one, two/);
    expect(make({ host: "toString" })).toThrow(/host is toString/);
    expect(make({ network: plain, host: "one" })).toThrow(/host needs a network with the driver overlay/);
    expect(make({ host: "one", connection: h2 })).toThrow(/connection cannot be given in an overlay/);
  });
});
