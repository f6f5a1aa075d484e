// What check makes of values that are no plain inputs: nulls, what is not known yet, keys that no schema has.
import { describe, expect, test } from "vitest";
import { check, hasUnknown, inputKeys } from "../../../provider/lifecycle/check.ts";
import { checked, definitionOf, failures } from "../../support/subject.ts";

/** The SDK's mark of a value that is not known at preview. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const cable = { name: "v1", peer: { name: "eth0", netns: "ct1" } };

describe("check", () => {
  test("takes a null for what was not given, at every depth", () => {
    const nulls = { ...cable, mtu: null, bridge: null, peer: { ...cable.peer, bridge: null, macAddress: null } };
    expect(checked("VethPair", nulls)).toStrictEqual(checked("VethPair", cable));
    expect(failures("VethPair", { name: "v1", peer: null })).toMatchObject([{ property: "peer" }]);
  });

  test("gives no input a value that it has not", () => {
    expect(Object.keys(checked("Bridge", { name: "lab0" }))).not.toContain("netns");
  });

  test("lets pass what is not known yet, and keeps the rest canonical", () => {
    const { inputs, failures: found } = check(definitionOf("Bridge"), {}, { name: unknown, addresses: ["FD00::1/64"] });
    expect(found).toEqual([]);
    expect(inputs).toMatchObject({ name: unknown, addresses: ["fd00::1/64"] });
    expect(failures("VethPair", { ...cable, peer: { name: "eth0", addresses: [unknown] } })).toEqual([]);
    expect([unknown, [[unknown]], { peer: { mtu: unknown } }].map(hasUnknown)).toEqual([true, true, true]);
    expect([null, undefined, "", [null], { peer: null }, {}].some(hasUnknown)).toBe(false);
  });

  test("takes the keys of the engine at the top alone", () => {
    const provider = { ...cable, __provider: "text" };
    expect(failures("VethPair", provider)).toEqual([]);
    const inner = failures("VethPair", { ...cable, peer: { ...cable.peer, owner: "x" } });
    expect(inner.map(({ property }) => property)).toEqual(["peer.owner"]);
  });

  test("tells of a key once, in an object, a list, a dictionary, and one of several shapes", () => {
    const route = { to: "10.1.0.0/16", vai: "10.9.0.1" };
    const networks = { shop: { subnet: "10.5.0.0/24", dns: { domian: "lab.test" } } };
    expect(failures("VethPair", { ...cable, peer: { ...cable.peer, routes: [route] } })).toEqual([
      { property: "peer.routes[0].vai", reason: 'there is no such property; did you mean "via"?' },
    ]);
    expect(failures("Lab", { networks })).toContainEqual({
      property: "networks.shop.dns.domian",
      reason: 'there is no such property; did you mean "domain"?',
    });
  });

  test("refuses an object of a class within a value", () => {
    const peer = Object.assign(Object.create({ polluted: true }), cable.peer);
    expect(failures("VethPair", { ...cable, peer })).toContainEqual({
      property: "peer.__proto__",
      reason: "this key is not allowed",
    });
  });

  test("knows the names of all inputs of a kind: its own, those of all kinds, and what is worked out", () => {
    expect(inputKeys({ fields: {} })).toEqual(["adopt", "connection", "owner", "drift"]);
    expect(inputKeys(definitionOf("AddressPool"))).toEqual(expect.arrayContaining(["subnet", "addresses", "drift"]));
  });
});
