import { describe, expect, test } from "vitest";
import { dnsOf, type Names, resolvingOf } from "../../provider/components/dns.ts";

describe("dns of a network", () => {
  test("is off by default, and may be said in one word", () => {
    expect(dnsOf("shop", {})).toBeUndefined();
    expect(dnsOf("shop", { dns: true })).toEqual({});
    expect(dnsOf("shop", { dns: { domain: "lab" }, driver: "bridge" })).toEqual({ domain: "lab" });
  });

  test.each([
    [{ dns: true, driver: "host" }, 'network "shop": dns needs a network with a gateway, and the driver host has none'],
    [{ dns: true, driver: "none" }, "the driver none has none"],
    [{ dns: { upstreams: ["9.9.9.9"] }, internal: true }, "dns.upstreams cannot be given for an internal network"],
  ])("%j is refused", (args, reason) => expect(() => dnsOf("shop", args)).toThrow(reason));
});

test("a container asks the first network with a way out, and is given the names of the others", () => {
  const [inner, shop, far] = [{ internal: true }, { internal: false }, { internal: false }] as Names[];
  const on = (...all: (Names | undefined)[]) => resolvingOf(all.map((names) => ({ names })));
  expect(on(undefined, undefined)).toBeUndefined();
  expect(on(inner)).toEqual({ asked: inner, others: [] });
  expect(on(inner, undefined, shop, far)).toEqual({ asked: shop, others: [inner, far] });
});
