// What a program gets wrong about networks and containers: one clear sentence each, from the component that is at fault.
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import { Container } from "../../provider/components/container.ts";
import { Network } from "../../provider/components/network.ts";

beforeAll(async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ name, type, inputs }) => ({
      id: name,
      state: type.endsWith(":AddressPool")
        ? { ...inputs, gateway: "10.0.0.1", addresses: { taken: "10.20.0.9/24" } }
        : inputs,
    }),
    call: () => ({}),
  });
});

describe("a network is refused", () => {
  test("that overlaps another one of the program on the same host, and not one on another host", () => {
    new Network("shop", { subnet: "10.1.0.0/16" });
    expect(() => new Network("bar", { subnet: "10.1.2.0/24" })).toThrow(
      /^network "bar": its subnet 10\.1\.2\.0\/24 overlaps 10\.1\.0\.0\/16 of network "shop"$/,
    );
    new Network("there", { subnet: "10.1.2.0/24", connection: { host: "there" } });
    expect(() => new Network("there2", { subnet: "10.1.2.0/24", connection: { host: "there" } })).toThrow(
      'overlaps 10.1.2.0/24 of network "there"',
    );
  });

  test("with two subnets of one family", () => {
    expect(() => new Network("twins", { subnets: ["10.2.0.0/24", "10.3.0.0/24"] })).toThrow(
      'network "twins": its subnets 10.2.0.0/24 and 10.3.0.0/24 are of one family, and one of each is allowed',
    );
  });

  test("with a range of another family than its subnet", () => {
    expect(() => new Network("range", { subnet: "10.4.0.0/24", ipRange: "fd00::/120" })).toThrow(
      'network "range": its ipRange fd00::/120 lies outside 10.4.0.0/24',
    );
  });

  test.each([
    ["no JSON", "x", /^network "from" cannot be read from Docker's: it is no JSON/],
    [
      "another driver",
      [{ Name: "o", Driver: "macvlan" }],
      /^network "from": Docker's driver macvlan has no counterpart/,
    ],
  ])("that is read from Docker's: %s", (_, json, problem) => {
    expect(() => Network.fromDockerInspect("from", json)).toThrow(problem);
  });
});

test("what says which resources there are is refused as an output, by its name", () => {
  const [subnet, internal] = [pulumi.output("10.22.0.0/24"), pulumi.output(true)];
  const rule = (what: string) => new RegExp(`^${what} must be known while the program runs, and is an output`);
  const network = (args: object) => () => new Network("later", args);
  expect(network({ subnet })).toThrow(rule('network "later": subnet'));
  expect(network({ subnets: [subnet] })).toThrow(rule('network "later": subnets'));
  expect(network({ internal })).toThrow(rule('network "later": internal'));
  const container = (args: object) => () => new Container("later", args);
  expect(container({ address: pulumi.output("10.22.0.7") })).toThrow(rule('container "later": address'));
  expect(container({ publish: [pulumi.output("8080:80")] })).toThrow(rule('container "later": publish'));
});

test("a namespace is joined by an output that has its name", async () => {
  const { netns } = new Container("joins", { netns: pulumi.output("ct1") });
  expect(await new Promise((resolve) => netns.apply(resolve))).toBe("ct1");
});

describe("a container is refused", () => {
  let counter = 0;
  const n = () => {
    counter += 1;
    return new Network(`n${counter}`, { subnet: `10.20.${counter}.0/24` });
  };

  test("with the address of another one of its network", () => {
    const network = n();
    new Container("first", { network, address: "10.20.1.7" });
    expect(() => new Container("second", { network, address: "10.20.1.7" })).toThrow(
      /^container "second": its address 10\.20\.1\.7 is that of container "first" on network "n1"$/,
    );
  });

  test("with the name of another one of its network", () => {
    const network = n();
    new Container("twice", { network });
    expect(() => new Container("twice", { network })).toThrow(/^container "twice": it is on network "n2" already$/);
  });

  test.each([
    ["10.99.0.7", 'its address 10.99.0.7 lies outside network "n'],
    ["fd00::7", 'its address fd00::7 lies outside network "n'],
    ["10.20.1.7/24", 'its address "10.20.1.7/24" must be an address without a prefix'],
  ])("with the address %s", (address, problem) => {
    expect(() => new Container(`at ${address}`, { network: n(), address })).toThrow(problem);
  });

  test("with a link to one that shares no network with it", () => {
    const far = new Container("far", { network: n() });
    expect(() => new Container("near", { network: n(), links: { far } })).toThrow(
      /^container "near": the link far leads to a container that shares no network with it$/,
    );
  });

  test("with a link to one that joins another's namespace, unless that one shares a network", () => {
    const network = n();
    const side = new Container("side", { netns: new Container("main", { network }) });
    new Container("linked", { network, links: { side } });
    expect(() => new Container("unlinked", { network: n(), links: { side } })).toThrow("shares no network with it");
  });

  test.each(["none", "host"] as const)("with a publish on a network of the driver %s", (driver) => {
    const network = new Network(`drive-${driver}`, { driver });
    expect(() => new Container(`on ${driver}`, { network, publish: ["8080:80"] })).toThrow(
      new RegExp(`^container "on ${driver}": publish needs a network with the .*, and this one's is ${driver}$`),
    );
  });

  test("with a publish on internal networks alone", () => {
    const network = new Network("inner", { subnet: "10.21.0.0/24", internal: true });
    expect(() => new Container("unseen", { network, publish: ["8080:80"] })).toThrow(
      /^container "unseen": publish needs a network that is not internal/,
    );
  });

  test.each(["80", "8080:80/icmp", "8003-8000:80-83"])("with the publish %s, at the part that is wrong", (text) => {
    expect(() => new Container(`bad ${text}`, { network: n(), publish: [text] })).toThrow(`publish "${text}": "`);
  });
});
