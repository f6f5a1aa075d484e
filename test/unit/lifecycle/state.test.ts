import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { propertyAt } from "../../../provider/kernel/property.ts";
import { crud } from "../../../provider/lifecycle/crud.ts";
import { argsOf, changedKeys, toState, withoutUndefined, withProperty } from "../../../provider/lifecycle/state.ts";
import { samples } from "../../support/samples.ts";
import { checked, definitionOf } from "../../support/subject.ts";

type Bag = Record<string, unknown>;

const key = fc.constantFrom("name", "mtu", "peer", "addresses", "owner", "macAddress", "netns");
const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string(), { maxLength: 3 }));
const value = fc.oneof(leaf, fc.dictionary(key, leaf, { maxKeys: 3 }));
const bag = fc.dictionary(key, value, { maxKeys: 6, noNullPrototype: true });

/** What is left of a value on its way through the engine. */
const wire = (bag: Bag): Bag => JSON.parse(JSON.stringify(bag)) as Bag;

describe("a state", () => {
  test("gives back the inputs that it was made from, whatever the outputs hide", () => {
    fc.assert(
      fc.property(bag, bag, (args, outputs) => {
        const keys = [...Object.keys(args), ...Object.keys(outputs)];
        const state = wire(toState(args, { ...outputs, path: "/run/x", inode: 1 }, keys));
        expect(argsOf(state, keys)).toEqual(wire(args));
        expect({ ...state, declared: undefined }).toMatchObject({ ...wire(outputs), path: "/run/x", inode: 1 });
      }),
      { numRuns: 2000 },
    );
  });

  test("says nothing twice: inputs are kept apart only where an output differs", () => {
    const same = { name: "a", mtu: 1500 };
    expect(toState(same, { mtu: 1500, ifindex: 3 }, ["name", "mtu"])).toEqual({ name: "a", mtu: 1500, ifindex: 3 });
    expect(toState({ outInterface: "uplink" }, { outInterface: "eth0" }, ["outInterface"])).toEqual({
      outInterface: "eth0",
      declared: { outInterface: "uplink" },
    });
    expect(toState({ name: "a" }, { mtu: 1450, ifindex: 3 }, ["name", "mtu"])).toEqual({
      name: "a",
      mtu: 1450,
      ifindex: 3,
      omitted: ["mtu"],
    });
  });
});

test("a state holds nothing that is undefined, at no depth", () => {
  const peer = { name: "eth0", ifindex: undefined, routes: [{ to: "default", via: undefined }] };
  const state = toState({ name: "a", mtu: undefined }, { peer, ifindex: undefined }, ["name", "mtu"]);
  expect(state).toStrictEqual({ name: "a", peer: { name: "eth0", routes: [{ to: "default" }] } });
});

test("what is null in a state stays so, and what it does not hold is no input", () => {
  expect(withoutUndefined({ mtu: null, list: [null, { via: undefined }] })).toStrictEqual({
    mtu: null,
    list: [null, {}],
  });
  expect(argsOf({ name: "a", mtu: undefined }, ["name", "mtu", "stp"])).toStrictEqual({ name: "a" });
  expect(argsOf({ mtu: 1450, omitted: ["mtu"] }, ["mtu"])).toStrictEqual({});
});

describe("a property at a path", () => {
  test("of three names is written at its depth, and is gone when it is undefined", () => {
    const before = { peer: { impairment: { delay: "1ms", loss: 1 }, name: "eth0" } };
    expect(withProperty(before, "peer.impairment.delay", "2ms")).toStrictEqual({
      peer: { impairment: { delay: "2ms", loss: 1 }, name: "eth0" },
    });
    expect(withProperty(before, "peer.impairment", undefined)).toStrictEqual({ peer: { name: "eth0" } });
    expect(withProperty({ mtu: 1 }, "mtu", undefined)).toStrictEqual({});
    expect(withProperty({}, "peer.mtu", 1)).toStrictEqual({ peer: { mtu: 1 } });
  });

  test("is read where it was written, and nothing else changes", () => {
    fc.assert(
      fc.property(bag, key, key, leaf, (before, outer, inner, item) => {
        fc.pre(typeof (before[outer] ?? {}) === "object" && !Array.isArray(before[outer]));
        const path = `${outer}.${inner}`;
        const after = withProperty(before, path, item);
        expect(propertyAt(after, path)).toEqual(item);
        expect(changedKeys(before, after).every((changed) => changed === outer)).toBe(true);
        expect(propertyAt(withProperty(after, path, undefined), path)).toBeUndefined();
      }),
    );
  });

  test("is absent where the way to it is", () => {
    expect(propertyAt({}, "peer.name")).toBeUndefined();
  });
});

describe("diff", () => {
  const none = () => {
    throw new Error("diff has asked for a host");
  };

  test.each(Object.keys(samples).filter((kind) => kind !== "Process"))("%s: nothing changed is no change", (kind) => {
    const inputs = checked(kind, samples[kind] ?? {});
    const state = wire(toState(inputs, { ifindex: 3, path: "x", __provider: "text" }, Object.keys(inputs)));
    const { diff } = crud(definitionOf(kind), none);
    expect(diff(state, wire({ ...inputs, __provider: "other" }))).toEqual({
      changes: false,
      replaces: [],
      deleteBeforeReplace: false,
    });
  });

  const replaced: [kind: string, change: Bag, replaces: string[]][] = [
    ["Netns", { name: "ct2" }, ["name"]],
    ["Netns", { pid: 12 }, ["pid"]],
    ["Netns", { loopback: false }, []],
    ["Bridge", { name: "lab1" }, ["name"]],
    ["Bridge", { netns: "ct1" }, ["netns"]],
    ["Bridge", { mtu: 1400, stp: true, addresses: [] }, []],
    ["Bridge", { adopt: true }, []],
    ["VethPair", { name: "veth9" }, ["name"]],
    ["VethPair", { peer: { name: "eth1", netns: "ct1" } }, ["peer"]],
    ["VethPair", { peer: { name: "eth0", netns: "ct2" } }, ["peer"]],
    ["VethPair", { peer: { name: "eth0", netns: "ct1" }, bridge: undefined, mtu: 1400 }, []],
    ["NatRule", { netns: "ct1" }, ["netns"]],
    ["NatRule", { source: "10.0.0.0/8" }, []],
    ["PortPublish", { hostPort: 8081 }, []],
    ["ForwardRule", { action: "drop" }, []],
    ["ResolvConf", { netns: "ct2" }, ["netns"]],
    ["Vxlan", { remotes: ["10.0.0.2", "10.0.0.3"], mtu: 1400 }, []],
    ["Vxlan", { vni: 43, port: 4790 }, ["vni", "port"]],
    ["ResolvConf", { nameservers: ["9.9.9.9"] }, []],
  ];
  test.each(replaced)("%s %j replaces %j", (kind, change, replaces) => {
    const before = checked(kind, samples[kind] ?? {});
    const after = checked(kind, { ...samples[kind], ...change });
    const found = crud(definitionOf(kind), none).diff(toState(before, {}, []), after);
    expect(found).toEqual({ changes: true, replaces, deleteBeforeReplace: replaces.length > 0 });
  });
});
