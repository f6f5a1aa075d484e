// What check does with the inputs of every kind alike, names, and what it makes canonical.
import { describe, expect, test } from "vitest";
import { check } from "../../../provider/lifecycle/check.ts";
import { definitions } from "../../../provider/resources/index.ts";
import { reasons, samples, withValue } from "../../support/samples.ts";
import { checked, definitionOf, failures } from "../../support/subject.ts";

type Bag = Record<string, unknown>;

const kinds = definitions.map(({ kind }) => kind);
/** Where a kind takes the name of a link or a namespace. */
const nameFields: Record<string, string[]> = {
  Netns: ["name"],
  Bridge: ["name", "netns"],
  VethPair: ["name", "netns", "bridge", "peer.name", "peer.netns", "peer.bridge"],
  NatRule: ["netns"],
  ForwardRule: ["netns"],
  ResolvConf: ["netns"],
  Vxlan: ["name", "netns", "bridge"],
  Process: ["netns"],
};

describe("every kind", () => {
  test.each(kinds)("%s has a sample here, which is let through", (kind) => {
    expect(samples[kind]).toBeDefined();
    expect(failures(kind, samples[kind] ?? {})).toEqual([]);
  });

  // What a Lab works out, it writes into its networks and containers.
  test.each(kinds.filter((kind) => kind !== "Lab"))("%s: what check has made canonical stays as it is", (kind) => {
    const once = checked(kind, samples[kind] ?? {});
    // What a kind adds by itself (the addresses of a pool) is none of a program's inputs.
    const named = ["adopt", "owner", ...Object.keys(definitionOf(kind).fields)];
    const news = Object.fromEntries(Object.entries(once).filter(([key]) => named.includes(key)));
    const again = check(definitionOf(kind), once, news);
    expect(again).toEqual({ inputs: once, failures: [] });
  });

  test.each(kinds)("%s: refuses a property that it does not have, and names the one that was meant", (kind) => {
    const [first = ""] = Object.keys(samples[kind] ?? {});
    const wrong = { ...samples[kind], [`${first}s`]: 1, adpot: true };
    const found = failures(kind, wrong);
    expect(found).toContainEqual({
      property: `${first}s`,
      reason: `there is no such property; did you mean "${first}"?`,
    });
    expect(found).toContainEqual({ property: "adpot", reason: 'there is no such property; did you mean "adopt"?' });
  });

  test.each(kinds)("%s: refuses __proto__ as a key, at every depth", (kind) => {
    const polluted = JSON.parse(`{"__proto__": {"name": "x"}}`) as Bag;
    expect(failures(kind, { ...samples[kind], extra: polluted }).map(({ property }) => property)).toContain("extra");
    const top = Object.assign(Object.create({ polluted: true }), samples[kind]) as Bag;
    expect(check(definitionOf(kind), {}, top).failures).toContainEqual({
      property: "__proto__",
      reason: "this key is not allowed",
    });
    expect(({} as Bag).name).toBeUndefined();
  });

  test.each(kinds)("%s: refuses adopt that is no boolean", (kind) => {
    expect(reasons(kind, "adopt", "yes")).toBe("adopt must be true or false");
  });

  // A Lab may be empty.
  test.each(kinds.filter((kind) => kind !== "Lab"))("%s: refuses what is missing, by name", (kind) => {
    const properties = failures(kind, {}).map(({ property }) => property);
    expect(properties.length).toBeGreaterThan(0);
    for (const property of properties) expect(Object.keys(samples[kind] ?? {})).toContain(property.split(".")[0]);
  });

  test.each(kinds)("%s: lets values pass that are not known yet", (kind) => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    for (const key of Object.keys(samples[kind] ?? {})) {
      const { inputs, failures: found } = check(
        definitionOf(kind),
        {},
        { ...samples[kind], [key]: unknown, owner: "o" },
      );
      expect(found).toEqual([]);
      expect(inputs[key]).toBe(unknown);
    }
  });

  test.each(kinds)("%s: keeps the owner's seal from the inputs of the last run", (kind) => {
    const owner = "linuxnet:p/dev/X/x";
    const first = check(definitionOf(kind), {}, { ...samples[kind], owner }).inputs.owner;
    expect(first).toMatch(/^linuxnet:p\/dev\/X\/x@[0-9a-f]{8}$/);
    const moved = check(definitionOf(kind), { owner: `${owner}@12345678` }, { ...samples[kind], owner }).inputs.owner;
    expect(moved).toBe(`${owner}@12345678`);
  });
});

describe("a name is refused", () => {
  const bad = [
    "",
    "a2345678901234567",
    "ééééééééx",
    "a/b",
    "a b",
    "a'b",
    'a"b',
    "a;b",
    "$(id)",
    "`id`",
    "a\nb",
    "a\tb",
  ];
  const rows = Object.entries(nameFields)
    .filter(([kind]) => kinds.includes(kind))
    .flatMap(([kind, fields]) => fields.map((field) => [kind, field] as const));
  test.each(rows)("%s %s", (kind, field) => {
    for (const name of [
      ...bad,
      "-a",
      "--",
      "-",
      ".",
      "..",
      "lo",
      "all",
      "default",
      "a\u0000",
      "a\u007f",
      "a\\b",
      "a*",
      "a%",
    ]) {
      expect(reasons(kind, field, name), JSON.stringify(name)).toMatch(new RegExp(`^${field} must `));
    }
    for (const name of [1, true, [], {}, ["a"]])
      expect(reasons(kind, field, name)).toContain(`${field} must be a string`);
    for (const name of ["a", "a23456789012345", "A.b-c_9", "_x", "0"]) {
      expect(reasons(kind, field, name), name).not.toContain(`${field} must consist`);
    }
  });
});

/** [kind, property, value, what check makes of it]. */
const canonical: [kind: string, property: string, value: unknown, becomes: unknown][] = [
  ["Bridge", "addresses", ["FD00:0:0::0001/64", "10.0.0.1/31"], ["fd00::1/64", "10.0.0.1/31"]],
  ["Bridge", "addresses", ["10.0.0.0/31", "10.0.0.9/32", "fd00::/127"], ["10.0.0.0/31", "10.0.0.9/32", "fd00::/127"]],
  ["Bridge", "addresses", undefined, []],
  ["Bridge", "mtu", undefined, 1500],
  ["Bridge", "macAddress", "02:AB:CD:00:00:01", "02:ab:cd:00:00:01"],
  ["Bridge", "macAddress", undefined, expect.stringMatching(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/)],
  ["Bridge", "stp", undefined, false],
  ["Bridge", "adopt", undefined, false],
  ["Netns", "loopback", undefined, true],
  ["Netns", "sysctls", { "net.ipv4.ping_group_range": " 0   10 " }, { "net.ipv4.ping_group_range": "0 10" }],
  ["NatRule", "source", "10.0.0.1", "10.0.0.1/32"],
  ["NatRule", "source", ["10.0.0.0/8", "FD00::/64"], ["10.0.0.0/8", "fd00::/64"]],
  ["NatRule", "output", undefined, true],
  ["NatRule", "forward", undefined, true],
  ["NatRule", "protect", undefined, true],
  ["NatRule", "backend", undefined, "auto"],
  ["PortPublish", "protocol", undefined, "tcp"],
  ["PortPublish", "localhost", undefined, true],
  ["PortPublish", "hairpin", undefined, true],
  ["PortPublish", "targetAddress", "FD00:0::1", "fd00::1"],
  ["ForwardRule", "priority", undefined, 0],
];

describe("is made canonical:", () => {
  test.each(canonical.filter(([kind]) => kinds.includes(kind)))("%s %s %j", (kind, property, value, becomes) => {
    const args = withValue(kind, property, value);
    expect(failures(kind, args)).toEqual([]);
    expect(checked(kind, args)[property]).toEqual(becomes);
  });

  test("a publish on one address is not on localhost", () => {
    const args = { ...samples.PortPublish, hostAddress: "203.0.113.2" };
    expect(checked("PortPublish", args).localhost).toBe(false);
  });

  test("the ends of a pair have their own MAC addresses, the same on every run", () => {
    const { macAddress, peer } = checked("VethPair", samples.VethPair ?? {});
    expect(macAddress).not.toBe((peer as Bag).macAddress);
    expect(checked("VethPair", samples.VethPair ?? {})).toMatchObject({ macAddress, peer: { ...(peer as Bag) } });
  });
});
