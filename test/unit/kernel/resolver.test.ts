import { describe, expect, test } from "vitest";
import { resolverTexts, reverseZones } from "../../../provider/kernel/resolver-files.ts";
import { reasons, samples } from "../../support/samples.ts";
import { failures } from "../../support/subject.ts";

describe("the files of a resolver", () => {
  const names = {
    network: "shop",
    addresses: ["10.5.0.1/24"],
    members: { Web: { addresses: ["10.5.0.2", "fd00::2"], aliases: ["www", "api.example.com"] } },
    forward: true,
  };

  test("have each name in every form, and the one that an address has first", () =>
    expect(resolverTexts({ ...names, domain: "lab" }, []).hosts.split("\n")).toEqual([
      "10.5.0.2 web.lab web.shop web www.lab www.shop www api.example.com.lab api.example.com.shop api.example.com",
      "fd00::2 web.lab web.shop web www.lab www.shop www api.example.com.lab api.example.com.shop api.example.com",
      "",
    ]));

  test("keep names of ours from others, and ask those for the rest", () =>
    expect(resolverTexts(names, ["192.0.2.1", "192.0.2.2#5353"]).servers.trim().split("\n")).toEqual([
      "server=/0.5.10.in-addr.arpa/",
      "server=/api.example.com/",
      "server=/api.example.com.shop/",
      "server=/web.shop/",
      "server=/www.shop/",
      "server=192.0.2.1",
      "server=192.0.2.2#5353",
    ]));

  test("of a network that asks nobody say so for every name", () =>
    expect(resolverTexts({ ...names, forward: false }, []).servers).toBe("server=/#/\n"));
});

test.each([
  ["10.5.0.1/24", ["0.5.10.in-addr.arpa"]],
  ["172.18.0.1/16", ["18.172.in-addr.arpa"]],
  ["10.5.2.1/23", ["2.5.10.in-addr.arpa", "3.5.10.in-addr.arpa"]],
  [
    "192.168.1.5/30",
    ["4.1.168.192.in-addr.arpa", "5.1.168.192.in-addr.arpa", "6.1.168.192.in-addr.arpa", "7.1.168.192.in-addr.arpa"],
  ],
  ["fd00:5::1/32", ["5.0.0.0.0.0.d.f.ip6.arpa"]],
  ["fd00:5::1/31", ["4.0.0.0.0.0.d.f.ip6.arpa", "5.0.0.0.0.0.d.f.ip6.arpa"]],
])("the way back from %s", (cidr, zones) => expect(reverseZones(cidr)).toEqual(zones));

describe("a resolver is refused", () => {
  test.each([
    ["network", "my shop", "network must be a name of DNS"],
    ["members", { "a b": { addresses: ["10.0.0.1"] } }, "must be a name of DNS"],
    ["members", { "-x": { addresses: ["10.0.0.1"] } }, "must be a name of DNS"],
    ["members", { "10.0.0.9": { addresses: ["10.0.0.1"] } }, "must be a name, and is an address"],
    ["members", { localhost: { addresses: ["10.0.0.1"] } }, "must not be localhost"],
    ["members", { web: { addresses: [] } }, "members.web.addresses must have at least one address"],
    ["members", { web: { addresses: ["10.0.0.1"], aliases: ["x\ny"] } }, "must be a name of DNS"],
    ["members", { web: { addresses: ["10.0.0.1"], alias: ["x"] } }, 'did you mean "aliases"?'],
    ["domain", "a..b", "domain must be a name of DNS"],
    ["upstreams", ["8.8.8.8:53"], 'must be an address, such as "10.0.0.53"'],
    ["upstreams", ["8.8.8.8#70000"], "must be an address"],
    ["upstreams", ["dns.example"], "must be an address"],
    ["upstreams", ["172.18.0.1"], "upstreams[0] must not be the resolver itself"],
    ["upstreams", [], "upstreams must have at least one address"],
    ["addresses", ["172.18.0.1/16", "172.19.0.1/16"], "addresses must have one address per family"],
    ["addresses", [], "addresses must have at least one address"],
  ])("%s: %j", (path, value, reason) => expect(reasons("Resolver", path, value)).toContain(reason));

  test("name servers of one that asks nobody", () =>
    expect(failures("Resolver", { ...samples.Resolver, forward: false, upstreams: ["8.8.8.8"] })).toEqual([
      { property: "upstreams", reason: "cannot be given with forward: false, which asks nobody" },
    ]));
});
