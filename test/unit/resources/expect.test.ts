// What an Expect asks, and what it says of the answer.
import { describe, expect, test } from "vitest";
import { Paper } from "../../support/paper.ts";
import { checked, definitionOf, failures } from "../../support/subject.ts";

type Bag = Record<string, unknown>;

const probe = (more: Bag = {}) =>
  new Paper("Expect", { from: "ct1", to: "10.9.0.1", ...more }, { found: { reached: true } });
const asked = (more: Bag = {}) => {
  const { facts } = definitionOf("Expect");
  return Object.values(facts(probe(more).args, { owner: "", adopt: false, claims: new Set() })).map(
    ({ command }) => command,
  );
};

describe("what must hold", () => {
  test("is tried from its place, by ping, or by tcp where a port is given", () => {
    expect([
      asked(),
      asked({ from: "host" }),
      asked({ port: 80 }),
      asked({ port: 53, protocol: "udp" }),
    ]).toMatchSnapshot();
    expect(checked("Expect", { from: "ct1", to: "FD09:0::1" })).toMatchObject({
      protocol: "ping",
      to: "fd09::1",
      within: "5s",
    });
  });

  test("holds when it is reached, or is not where it must not be", () => {
    expect(probe().pending()).toBeUndefined();
    expect(probe({ reachable: false }).pending({ found: { reached: false } })).toBeUndefined();
    expect(probe().plan()).toBe("");
    expect([probe().present(), probe().teardown(), probe().outputs()]).toEqual([true, "", {}]);
  });

  test("is told of by its place, its target and what was said", () => {
    const why = (more: Bag, found: Bag) => probe(more).pending({ found })?.why;
    expect(why({}, { reached: false })).toBe("ct1 cannot reach 10.9.0.1 by ping");
    expect(why({ from: "host", port: 80 }, { reached: false, said: "refused" })).toBe(
      "the host cannot reach 10.9.0.1 port 80 by tcp (refused)",
    );
    expect(why({ reachable: false }, { reached: true, said: "x" })).toBe("ct1 reaches 10.9.0.1 by ping, and must not");
    expect(probe({ within: "1m30s" }).pending({ found: { reached: false } })?.within).toBe(90);
  });

  test("cannot be said where nothing can be tried", () => {
    expect(probe().plan({ found: { fault: "no such namespace" } })).toMatch(
      /^refused: nothing can be tried from ct1: no such namespace/,
    );
  });

  test("has a name that says it", () => {
    const ids = [{}, { reachable: false }, { port: 80 }].map((more) => probe(more).id);
    expect(ids).toEqual(["ct1->10.9.0.1", "ct1-x10.9.0.1", "ct1->10.9.0.1:80"]);
  });

  test.each<[Bag, string]>([
    [{ protocol: "tcp" }, "port is needed for tcp"],
    [{ protocol: "udp" }, "port is needed for udp"],
    [{ protocol: "ping", port: 80 }, "port must be omitted with ping"],
  ])("of %j is refused: %s", (args, reason) => {
    const found = failures("Expect", { from: "ct1", to: "10.9.0.1", ...args });
    expect(found.map(({ property, reason: why }) => `${property} ${why}`)).toEqual([reason]);
  });
});
