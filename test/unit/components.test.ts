import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inspect, readDocker } from "../../provider/components/docker.ts";
import { refuseOddContainer, refuseOddNetwork } from "../../provider/components/odd-args.ts";
import { readPublish } from "../../provider/components/publish.ts";
import { allocate } from "../../provider/kernel/pool.ts";
import { publishFamilies } from "../../provider/kernel/publish-notation.ts";
import { failures } from "../support/subject.ts";

describe("Docker's notation of published ports", () => {
  test.each([
    ["8080:80", [{ hostPort: 8080, targetPort: 80, protocol: "tcp" }]],
    ["127.0.0.1:53:53/udp", [{ hostAddress: "127.0.0.1", hostPort: 53, targetPort: 53, protocol: "udp" }]],
    ["[::1]:8080:80", [{ hostAddress: "::1", hostPort: 8080, targetPort: 80, protocol: "tcp" }]],
    ["0.0.0.0:8080:80", [{ family: 4, hostPort: 8080, targetPort: 80, protocol: "tcp" }]],
    ["[::]:8080:80", [{ family: 6, hostPort: 8080, targetPort: 80, protocol: "tcp" }]],
  ])("%s", (text, ports) => expect(readPublish(text)).toEqual(ports));

  test("a port leads to all families of the container, or to that which is named", () => {
    const families = (text: string) => readPublish(text).map((port) => publishFamilies(port, [4, 6]));
    expect(families("8080:80")).toEqual([[4, 6]]);
    expect([families("127.0.0.1:8080:80"), families("0.0.0.0:8080:80")]).toEqual([[[4]], [[4]]]);
    expect([families("[::1]:8080:80"), families("[::]:8080:80")]).toEqual([[[6]], [[6]]]);
  });

  test("a range is as many ports as it names", () => {
    const ports = readPublish("8000-8003:80-83").map(({ hostPort, targetPort }) => [hostPort, targetPort]);
    expect(ports).toEqual([
      [8000, 80],
      [8001, 81],
      [8002, 82],
      [8003, 83],
    ]);
  });

  test.each([
    ["80", '"80" must be HOST_PORT:CONTAINER_PORT'],
    ["8080:80/icmp", '"icmp" must be tcp, udp or sctp'],
    ["0:80", '"0" must be from 1 to 65535'],
    ["8080:65536", '"65536" must be from 1 to 65535'],
    ["8003-8000:80-83", '"8003-8000" must not be reversed'],
    ["8000-8003:80-82", '"80-82" must have as many ports as "8000-8003"'],
    ["localhost:8080:80", '"localhost" must be an address of the host'],
    ["8080:http", '"http" must be a port'],
  ])("%s is refused at the part that is wrong", (text, rule) => expect(() => readPublish(text)).toThrow(rule));
});

describe("what no type tells a program in JavaScript is refused by name:", () => {
  test.each<[what: string, args: object, rule: string]>([
    ["a typing error", { publsh: [] }, 'container "web": there is no argument publsh; did you mean "publish"?'],
    ["a network by its name", { network: "shop" }, "network must be a Network, or a list of them"],
    ["a list with nothing in it", { network: [undefined] }, "network must be a Network, or a list of them"],
    ["a namespace by a number", { netns: 7 }, "netns must be a Container or a name"],
    ["a link by a name", { links: { server: "web" } }, "the link server must lead to a Container"],
    ["a port that is no list", { publish: "8080:80" }, 'publish must be a list, such as ["8080:80"]'],
    ["a port as a number", { publish: [8080] }, 'publish must be a list, such as ["8080:80"]'],
  ])("%s", (_what, args, rule) => expect(() => refuseOddContainer("web", args)).toThrow(rule));

  test("a typing error in a network's", () => {
    const args: object = { subnett: "10.5.0.0/24" };
    expect(() => refuseOddNetwork("shop", args)).toThrow('network "shop": there is no argument subnett; did you mean');
  });
});

describe("addresses that are given", () => {
  const pool = { subnet: "192.168.1.0/24", gateway: "192.168.1.1", range: "192.168.1.0/28", reserved: [], fixed: {} };

  test("stay with their names, whatever names come and go", () => {
    const names = fc.uniqueArray(fc.constantFrom(..."abcdefghijklmn"), { maxLength: 14 });
    fc.assert(
      fc.property(fc.array(names, { maxLength: 8 }), (runs) => {
        let before: Record<string, string> = {};
        for (const run of runs) {
          const { addresses, left } = allocate({ ...pool, names: run }, before);
          expect(left).toEqual([]);
          expect(new Set(Object.values(addresses)).size).toBe(run.length);
          for (const name of run) if (before[name]) expect(addresses[name]).toBe(before[name]);
          before = addresses;
        }
      }),
    );
  });

  test("one that was just set free is given last, since its holder may still be there", () => {
    const before = allocate({ ...pool, names: ["ann", "bob"] }, {}).addresses;
    expect(before).toEqual({ ann: "192.168.1.2/24", bob: "192.168.1.3/24" });
    expect(allocate({ ...pool, names: ["bob", "carl"] }, before).addresses).toEqual({
      bob: "192.168.1.3/24",
      carl: "192.168.1.4/24",
    });
  });

  test("a full range says how full, and of what", () => {
    const names = Array.from({ length: 15 }, (_, index) => `client${index}`);
    expect(failures("AddressPool", { ...pool, names })).toEqual([
      {
        property: "names",
        reason: "the range 192.168.1.0/28 is full: it has 14 addresses to give, and none is left for client14",
      },
    ]);
  });
});

describe("a network of Docker's", () => {
  const shown = inspect({
    name: "shop",
    driver: "bridge",
    internal: true,
    subnets: ["10.5.0.0/24"],
    gateways: ["10.5.0.1"],
    ipRange: "10.5.0.128/25",
    bridgeName: "shop0",
    mtu: 1400,
    masquerade: false,
    endpoints: [{ name: "web", macAddress: "02:00:00:00:00:01", addresses: ["10.5.0.2/24"] }],
  });

  test("is read back from what we show of it", () => {
    const args = {
      driver: "bridge",
      internal: true,
      subnets: ["10.5.0.0/24"],
      gateway: ["10.5.0.1"],
      ipRange: "10.5.0.128/25",
      bridgeName: "shop0",
      mtu: 1400,
      masquerade: false,
    };
    expect(readDocker(JSON.stringify(shown))).toEqual(args);
  });

  // The output of `docker network inspect plain optioned dual bridge host none`, of Debian's docker.io 20.10.24.
  const real: { Name: string }[] = JSON.parse(readFileSync("test/unit/docker/network-inspect.json", "utf8"));
  test.each([
    ["plain", { driver: "bridge", internal: false, subnets: ["10.61.0.0/24"] }],
    [
      "optioned",
      {
        driver: "bridge",
        internal: true,
        subnets: ["10.62.0.0/16"],
        gateway: ["10.62.0.254"],
        ipRange: "10.62.5.0/24",
        bridgeName: "opt0",
        mtu: 1400,
        masquerade: false,
      },
    ],
    ["dual", { driver: "bridge", internal: false, subnets: ["10.65.0.0/24", "fd00:65::/64"], gateway: ["fd00:65::1"] }],
    [
      "bridge",
      {
        driver: "bridge",
        internal: false,
        subnets: ["172.17.0.0/16"],
        bridgeName: "docker0",
        mtu: 1500,
        masquerade: true,
      },
    ],
    ["host", { driver: "host", internal: false }],
    ["none", { driver: "null", internal: false }],
  ])("is read as Docker shows it: %s", (name, args) => {
    expect(readDocker(real.filter(({ Name }) => Name === name))).toEqual(args);
  });

  test.each([
    [[{ Nam: "x" }], "it is not what `docker network inspect` prints: Name: "],
    [[], "it tells of 0 networks, and must tell of one"],
    [[{ Name: "a" }, { Name: "b" }], "it tells of 2 networks, and must tell of one"],
    ["Error: No such network: x", "it is no JSON: "],
  ])("of another shape is refused: %j", (json, problem) => expect(() => readDocker(json)).toThrow(problem));
});

test("a program that only declares does not load what runs commands", () => {
  const sources = ["provider/index.ts", "provider/components/network.ts", "provider/resources/bridge.ts"];
  for (const source of sources) expect(readFileSync(source, "utf8")).not.toMatch(/host\/|execa|runtime/);
});
