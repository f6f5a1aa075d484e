// The ways through the schemas that no other test of inputs takes.
import { describe, expect, test } from "vitest";
import { contains, rangeOf } from "../../../provider/kernel/addresses.ts";
import { fitted, hasRoutes, hostAddresses, ipv6Fact } from "../../../provider/kernel/cable-schema.ts";
import { type Connection, secretsOf } from "../../../provider/kernel/connection.ts";
import { formatDuration } from "../../../provider/kernel/duration.ts";
import { formatRate, needsNetem, parseRate } from "../../../provider/kernel/impairment-shape.ts";
import { publishFamilies, readPublish } from "../../../provider/kernel/publish-notation.ts";
import { resolverRules } from "../../../provider/kernel/resolver-schema.ts";
import { examine } from "../../../provider/resources/lab/rules.ts";
import { checked, failures } from "../../support/subject.ts";

describe("measures and addresses", () => {
  test("the shortest text of a duration, in each unit", () => {
    const all = [0, 5e-9, 5e-6, 5e-3, 5, 90, 7200, 3661.5].map(formatDuration);
    expect(all).toEqual(["0s", "5ns", "5us", "5ms", "5s", "1m30s", "2h", "1h1m1.5s"]);
  });

  test("a rate in each unit; one that no number holds is none", () => {
    expect([1, 1500, 2e6, 3e9].map(formatRate)).toEqual(["1bit", "1500bit", "2mbit", "3gbit"]);
    expect(["1kbit", "99999999999gbit", "fast"].map(parseRate)).toEqual([1000, undefined, undefined]);
  });

  test("which impairments take netem", () => {
    expect([undefined, {}, { rate: 1e6 }, { loss: 0 }].map((one) => needsNetem(one as never))).not.toContain(true);
    expect([{ loss: 1 }, { delay: 0.1 }].map((one) => needsNetem(one as never))).not.toContain(false);
  });

  test("the range of a subnet, in both families; what is no subnet is a mistake of ours", () => {
    expect(rangeOf("10.5.0.7/30")).toBe("10.5.0.4-10.5.0.7");
    expect(rangeOf("fd00::1/126")).toBe("fd00::-fd00::3");
    expect(() => contains("nonsense", "10.0.0.1")).toThrow(RangeError);
  });

  test("a bare address as a source stands for itself alone, in both families", () => {
    const sourceOf = (source: string) => checked("NatRule", { type: "masquerade", outInterface: "up0", source }).source;
    expect(["10.1.2.3", "fd00::5"].map(sourceOf)).toEqual(["10.1.2.3/32", "fd00::5/128"]);
  });

  test("all secrets of a connection and of its jump host, longest first", () => {
    const proxy = { host: "jump", password: "long-one" };
    const all: Connection = { host: "h", password: "pw", sudoPassword: "sudo", proxy };
    expect(secretsOf(undefined)).toEqual([]);
    expect(secretsOf({ host: "h" })).toEqual([]);
    expect(secretsOf(all)).toEqual(["long-one", "sudo", "pw"]);
  });
});

describe("the ends of a cable", () => {
  const end = { name: "eth0", addresses: [] };

  test("have routes of a family by an address, a gateway, a route, or the default one", () => {
    const routes = (to: string) => ({ ...end, routes: [{ to }] }) as never;
    const addressed = { ...end, addresses: ["10.0.0.2/24"] } as never;
    expect([hasRoutes(4, {}, end as never), hasRoutes(4, {}, addressed), hasRoutes(6, addressed)]).toEqual([
      false,
      true,
      false,
    ]);
    expect([routes("default"), routes("fd00::/8")].map((one) => hasRoutes(6, one))).toEqual([true, true]);
    expect(hasRoutes(6, routes("10.1.0.0/16"))).toBe(false);
    expect(hasRoutes(4, { gateway: ["10.0.0.1"] } as never)).toBe(true);
  });

  test("are without addrgenmode where the kernel, or the MTU, has no IPv6", () => {
    const args = { ...end, addrgenmode: "none", mtu: 1500, peer: { ...end, addrgenmode: "none" } } as never;
    const small = { ...(args as object), mtu: 1000 } as never;
    expect(fitted(args, true)).toBe(args);
    for (const one of [fitted(args, false), fitted(small, true)])
      expect(one).toMatchObject({ addrgenmode: undefined, peer: { addrgenmode: undefined } });
    expect(["ipv6\n", ""].map((stdout) => ipv6Fact.parse({ code: 0, stdout, stderr: "" }))).toEqual([true, false]);
  });

  test("give the host's own links the addresses of those outside any namespace", () => {
    const [one, other] = [["10.0.0.1/24"], ["10.0.0.2/24"]];
    const of = (netns?: string, inner?: string) =>
      hostAddresses({ name: "a", addresses: one, netns, peer: { name: "b", addresses: other, netns: inner } } as never);
    expect([of(), of("x"), of(undefined, "y"), of("x", "y")]).toEqual([[...one, ...other], other, one, []]);
  });
});

describe("published ports", () => {
  test("are read from Docker's notation, and refused by the part that is wrong", () => {
    expect(readPublish("[::]:8000-8001:80-81/udp")).toMatchObject([
      { family: 6, hostPort: 8000, targetPort: 80, protocol: "udp" },
      { hostPort: 8001, targetPort: 81 },
    ]);
    expect(readPublish("127.0.0.1:53:53")).toMatchObject([{ hostAddress: "127.0.0.1" }]);
    for (const wrong of ["", "80", "80:80/icmp", "80:80/tcp/x", "1-2:80", "2-1:2-1", "x:y", "0:80", "1.2.3:80:80"])
      expect(() => readPublish(wrong)).toThrow(RangeError);
    for (const wrong of ["[::1:80:80", "::1:80:80", ":80:80", "[fe80::1]:65536:1", "1:65536"])
      expect(() => readPublish(wrong)).toThrow(RangeError);
  });

  test("lead to the family that they name, else to all", () => {
    expect(publishFamilies({ family: 6 }, [4])).toEqual([6]);
    expect(publishFamilies({}, [4, 6])).toEqual([4, 6]);
    expect(publishFamilies({ hostAddress: "::1" }, [4, 6])).toEqual([6]);
    expect(publishFamilies({ hostAddress: "later" }, [4, 6])).toEqual([4]);
    expect(publishFamilies({ hostAddress: {} }, [4, 6])).toEqual([4]);
  });
});

describe("a resolver", () => {
  const upstreams = (...all: string[]) =>
    failures("Resolver", { bridge: "lab0", addresses: ["10.0.0.1/24"], upstreams: all });

  test("takes a name server by address and port", () => {
    for (const good of ["10.0.0.53", "10.0.0.53#53", "10.0.0.53#5353", "fd00::53"])
      expect(upstreams(good).filter(({ property }) => property.startsWith("upstreams"))).toEqual([]);
    for (const wrong of ["10.0.0.53#0", "10.0.0.53#99999", "ten#53", "#", ""])
      expect(upstreams(wrong).map(({ property }) => property)).toContain("upstreams[0]");
  });

  test("does not ask itself, nor anybody where it asks nobody", () => {
    const rules = (asked: object) => resolverRules({ addresses: ["10.0.0.1/24"], forward: true, ...asked });
    expect(rules({})).toEqual([]);
    expect(rules({ upstreams: ["10.0.0.1#53"] })).toHaveLength(1);
    expect(rules({ upstreams: ["0.0.0.0"] })).toHaveLength(1);
    expect(rules({ upstreams: ["10.0.0.53"], forward: false })).toHaveLength(1);
    expect(rules({ addresses: [] })).toHaveLength(1);
    expect(rules({ addresses: ["10.0.0.1/24", "10.0.1.1/24"] })).toHaveLength(1);
  });
});

describe("a lab", () => {
  const properties = (args: object) => failures("Lab", args as never).map(({ property }) => property);

  test("refuses the gateway's address, given or worked out, and an address without a network", () => {
    const containers = { a: { network: "s", address: "10.5.0.1" } };
    for (const gateway of [undefined, "10.5.0.1"])
      expect(properties({ networks: { s: { subnet: "10.5.0.0/24", gateway } }, containers })).toContain(
        "containers.a.address",
      );
    expect(properties({ containers: { a: { address: "10.5.0.9" } } })).toContain("containers.a.address");
  });

  test("takes networks without a bridge", () => {
    const networks = { h: { driver: "host" }, n: { driver: "none" } };
    const args = { networks, containers: { a: { network: "h" }, b: { network: "h" }, c: { network: "n" } } };
    expect(properties(args)).toEqual([]);
  });

  test("a mistake of ours is none of its issues", () => {
    const networks = { s: { subnet: "10.5.0.0/24" } };
    const args = checked("Lab", { networks });
    expect(() => examine({ ...args, expect: null } as never, {})).toThrow(TypeError);
    const containers = { a: { network: "s", publish: [null] } };
    expect(() => examine({ ...args, networks, containers } as never, {})).toThrow(TypeError);
  });
});
