// Addresses that stay put: who gets which, and what is refused.
import { describe, expect, test } from "vitest";
import { crud } from "../../../provider/lifecycle/crud.ts";
import { Paper } from "../../support/paper.ts";
import { definitionOf, failures, testOwner } from "../../support/subject.ts";

type Bag = Record<string, unknown>;

const owner = testOwner("AddressPool", "subject");
const never = () => {
  throw new Error("a pool has asked for a host");
};
const operations = crud(definitionOf("AddressPool"), never);
const pool = (args: Bag, before: Bag = {}) =>
  operations.check(before, { subnet: "10.9.0.0/29", owner, ...args }).inputs;
const refused = (args: Bag) =>
  failures("AddressPool", { subnet: "10.9.0.0/29", names: [], ...args }).map((one) => `${one.property} ${one.reason}`);

describe("a pool of addresses", () => {
  test("gives each name the lowest that is free, behind the gateway", () => {
    expect(pool({ names: ["a", "b"] })).toMatchObject({
      gateway: "10.9.0.1",
      addresses: { a: "10.9.0.2/29", b: "10.9.0.3/29" },
    });
    const set = { gateway: "10.9.0.6", reserved: ["10.9.0.2"], fixed: { c: "10.9.0.3" } };
    expect(pool({ ...set, names: ["a", "b", "c"] }).addresses).toEqual({
      a: "10.9.0.1/29",
      b: "10.9.0.4/29",
      c: "10.9.0.3/29",
    });
    expect(pool({ range: "10.9.0.4/30", names: ["a"] }).addresses).toEqual({ a: "10.9.0.4/29" });
  });

  test("leaves each name what it has, whatever names come and go, as long as the subnet stays", () => {
    const before = pool({ names: ["a", "b"] });
    expect(pool({ names: ["b", "c"] }, before).addresses).toEqual({ b: "10.9.0.3/29", c: "10.9.0.4/29" });
    expect(pool({ subnet: "10.8.0.0/29", names: ["b"] }, before).addresses).toEqual({ b: "10.8.0.2/29" });
    expect(pool({ names: ["b"] }, { subnet: "10.9.0.0/29" }).addresses).toEqual({ b: "10.9.0.2/29" });
  });

  test.each<[Bag, string[]]>([
    [{ names: ["a", "b", "a"] }, ["names[2] is there twice: a"]],
    [{ gateway: "10.8.0.1" }, ["gateway must lie in the subnet 10.9.0.0/29"]],
    [
      { gateway: "10.9.0.0" },
      ["gateway must be an address that a host can have: 10.9.0.0 is the network or broadcast address of 10.9.0.0/29"],
    ],
    [{ range: "10.8.0.0/30" }, ["range must lie in the subnet 10.9.0.0/29"]],
    [{ reserved: ["10.9.0.2", "10.8.0.2"] }, ["reserved[1] must lie in the subnet 10.9.0.0/29"]],
    [{ fixed: { a: "10.8.0.2" } }, ["fixed.a must lie in the subnet 10.9.0.0/29"]],
    [
      { fixed: { a: "10.9.0.7" } },
      ["fixed.a must be an address that a host can have: 10.9.0.7 is the network or broadcast address of 10.9.0.0/29"],
    ],
    [{ fixed: { a: "10.9.0.1" } }, ["fixed.a is the gateway's address 10.9.0.1"]],
    [{ fixed: { a: "10.9.0.2", b: "10.9.0.3", c: "10.9.0.2" } }, ["fixed.c is the address of a already"]],
    [
      { names: ["a", "b", "c", "d", "e", "f", "g"] },
      ["names the range 10.9.0.0/29 is full: it has 5 addresses to give, and none is left for f, g"],
    ],
    [
      { range: "10.9.0.4/31", names: ["a", "b", "c"] },
      ["names the range 10.9.0.4/31 is full: it has 2 addresses to give, and none is left for c"],
    ],
    [{ subnet: "10.9.0.0/31" }, ["subnet must have room for a gateway and a host"]],
    [{ subnet: "fd09::/127" }, ["subnet must have room for a gateway and a host"]],
    [{ names: [""] }, ["names[0] must not be empty"]],
    [{ names: ["x".repeat(256)] }, ["names[0] must be at most 255 characters long"]],
    [{ names: ["a\u202eb"] }, ["names[0] must not contain control characters"]],
    [{ names: ["__proto__"] }, ["names[0] is not allowed"]],
    [{ names: [7] }, ["names[0] must be a string"]],
    [{ names: "a" }, ["names must be a list of names"]],
    [{ reserved: "a" }, ["reserved must be a list of addresses"]],
  ])("of %j is refused", (args, reasons) => expect(refused(args)).toEqual(reasons));

  test.each<Bag>([
    { names: ["a", "x".repeat(255)], fixed: { a: "10.9.0.6" }, range: "10.9.0.2/31" },
    { subnet: "10.9.0.0/30", names: ["a"] },
    { subnet: "fd09::/126", names: ["a"] },
  ])("of %j is allowed", (args) => expect(refused(args)).toEqual([]));

  test("stands on no host", async () => {
    const paper = new Paper("AddressPool", { subnet: "10.9.0.0/29", names: ["a"] }, {});
    expect([paper.asked(), paper.plan(), paper.present(), paper.teardown(), paper.outputs()]).toEqual([
      [],
      "",
      true,
      "",
      {},
    ]);
    expect(paper.id).toMatch(/^10\.9\.0\.0\/29-[0-9a-f]{6}$/);
    const { args } = paper;
    const { id, outs } = await operations.create(args);
    expect([id, outs]).toEqual([paper.id, args]);
    expect(await operations.read(id, { ...args, more: 1 })).toEqual({ id, props: args, inputs: args });
    expect(await operations.update({}, { ...args, more: 1 })).toEqual({ outs: args });
    expect(await operations.delete(args)).toBeUndefined();
  });
});
