import { expect, test } from "vitest";
import { stackOf } from "../../../provider/cli/stack.ts";
import { findPlace } from "../../../provider/cli/topology/find.ts";
import { topologyOf } from "../../../provider/cli/topology/read.ts";
import { exported, network } from "../../support/exported.ts";

const lab = {
  networks: { desk: { subnets: ["10.7.0.0/24"], gateways: ["10.7.0.1"], bridgeName: "desk-1", dns: true } },
  containers: {
    one: { network: "desk", netns: "one-1", addresses: ["10.7.0.2/24"], gateway: "10.7.0.1", publish: ["8080:80"] },
    web: { network: "desk", netns: "web-1", addresses: ["10.7.0.3/24"], gateway: "10.7.0.1" },
  },
  expect: [{ from: "one", to: "web" }],
};

test("components, bare namespaces and Labs are read as one network", async () => {
  const topology = await topologyOf(
    exported([
      ...network("shop", "10.5.0.0/24", ["web", "db"]),
      ["Container", "side", { netns: "web-ns", addresses: ["10.5.0.2/24"], gateway: "" }],
      ["Netns", "alone", { name: "alone" }],
      ["PortPublish", "web", { hostPort: 80, targetAddress: "10.5.0.2", targetPort: 8080, protocol: "tcp" }],
      ["Lab", "bench", lab],
    ]),
  );
  expect(topology.places.map(({ name, lab: of, netns }) => [of, name, netns])).toEqual([
    [undefined, "web", "web-ns"],
    [undefined, "db", "db-ns"],
    [undefined, "side", "web-ns"],
    [undefined, "alone", "alone"],
    ["bench", "one", "one-1"],
    ["bench", "web", "web-1"],
  ]);
  expect(topology.segments).toMatchObject([
    { name: "shop", bridge: "br-shop", masquerade: true, addresses: ["10.5.0.1/24"] },
    { name: "desk", bridge: "desk-1", masquerade: true, addresses: ["10.7.0.1/24"] },
  ]);
  expect(topology.published).toMatchObject([
    { hostPort: 80, targetPort: 8080 },
    { hostPort: 8080, targetAddress: "10.7.0.2", localhost: true },
  ]);
  expect(topology.expected).toMatchObject([{ from: "one-1", to: "10.7.0.3", protocol: "ping", reachable: true }]);
  expect(topology.names.filter(({ netns }) => netns === "one-1").map(({ name }) => name)).toEqual(
    expect.arrayContaining(["one", "web"]),
  );
});

test("a container is found by its name, its Lab and its namespace; what is not clear is asked for", async () => {
  const topology = await topologyOf(exported([...network("shop", "10.5.0.0/24", ["web"]), ["Lab", "bench", lab]]));
  expect(findPlace(topology, "one", "lab/dev")).toMatchObject({ netns: "one-1" });
  expect(findPlace(topology, "bench/web", "lab/dev")).toMatchObject({ netns: "web-1" });
  expect(findPlace(topology, "web-ns", "lab/dev")).toMatchObject({ netns: "web-ns", lab: undefined });
  // The one outside of a Lab is called so in full.
  expect(findPlace(topology, "web", "lab/dev")).toMatchObject({ lab: undefined });
  expect(() => findPlace(topology, "bench/webb", "lab/dev")).toThrow(
    "there is no container bench/webb in lab/dev. Did you mean bench/web?",
  );
});

test("secrets of a state are readable for hosts, and hidden in what is shown", () => {
  const secret = (plaintext: string) => ({
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    plaintext: JSON.stringify(plaintext),
  });
  const outputs = { owner: "linuxnet:lab/dev/Netns/a@11111111", connection: { host: "h", password: secret("pw") } };
  const stack = stackOf("dev", [
    { urn: "urn:pulumi:dev::lab::x::a", type: "pulumi-nodejs:dynamic/linuxnet:Netns", outputs },
  ]);
  expect(stack.resources[0]?.connection).toEqual({ host: "h", password: "pw" });
  expect(JSON.stringify(stack.resources[0]?.shown)).toContain('"password":"[secret]"');
});
