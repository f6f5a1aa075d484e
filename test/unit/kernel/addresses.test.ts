import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalAddress,
  contains,
  familyOf,
  hostAddressFault,
  overlaps,
  parseCidr,
  subnetOf,
} from "../../../provider/kernel/addresses.ts";
import { hostile } from "../../support/hostile.ts";

const four = fc.ipV4();
const six = fc.ipV6().filter((text) => !text.includes(".") && canonicalAddress(text) !== undefined);
const cidr4 = fc.tuple(four, fc.integer({ min: 0, max: 32 })).map(([address, prefix]) => `${address}/${prefix}`);
const cidr6 = fc
  .tuple(six, fc.integer({ min: 0, max: 128 }))
  .map(([address, prefix]) => `${canonicalAddress(address)}/${prefix}`);
const cidr = fc.oneof(cidr4, cidr6);

/** The bits of a CIDR's address, as the reference that the code under test is compared with. */
function bits(text: string): { bits: string; prefix: number } {
  const [address = "", prefix = ""] = text.split("/");
  if (address.includes(".")) {
    const parts = address.split(".").map((part) => Number(part).toString(2).padStart(8, "0"));
    return { bits: parts.join(""), prefix: Number(prefix) };
  }
  const [head = "", tail] = address.split("::");
  const groups = (part: string) => part.split(":").filter(Boolean);
  const missing = 8 - groups(head).length - groups(tail ?? "").length;
  const all = [
    ...groups(head),
    ...Array.from({ length: tail === undefined ? 0 : missing }, () => "0"),
    ...groups(tail ?? ""),
  ];
  const words = all.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"));
  return { bits: words.join(""), prefix: Number(prefix) };
}

function within(outer: string, inner: string): boolean {
  const [one, other] = [bits(outer), bits(inner)];
  if (one.bits.length !== other.bits.length || other.prefix < one.prefix) return false;
  return one.bits.slice(0, one.prefix) === other.bits.slice(0, one.prefix);
}

describe("an address", () => {
  test("is canonical once it was made so", () => {
    fc.assert(
      fc.property(fc.oneof(four, six), (text) => {
        const once = canonicalAddress(text);
        expect(once).toBeDefined();
        expect(canonicalAddress(`${once}`)).toBe(once);
        expect(familyOf(`${once}`)).toBe(text.includes(":") ? 6 : 4);
      }),
    );
  });

  test("is short and in lower case in IPv6 (RFC 5952)", () => {
    const rows = {
      "FD00:0:0:0::0001": "fd00::1",
      "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
      "0:0:0:0:0:0:0:0": "::",
    };
    for (const [text, short] of Object.entries(rows)) expect(canonicalAddress(text)).toBe(short);
    expect(canonicalAddress("2001:0:0:1:0:0:0:1")).toBe("2001:0:0:1::1");
  });

  test("is nothing else: no zone, no mapped IPv4, no leading zeros, no other text", () => {
    for (const text of [
      "fe80::1%eth0",
      "::ffff:1.2.3.4",
      "::ffff:102:304",
      "01.2.3.4",
      "1.2.3",
      "1.2.3.4/8",
      "",
      " ::1",
    ]) {
      expect(canonicalAddress(text), text).toBeUndefined();
      expect(parseCidr(`${text}/8`), text).toBeUndefined();
    }
    fc.assert(fc.property(hostile, (text) => void expect([undefined, "::", "0"]).toContain(canonicalAddress(text))));
  });
});

describe("a subnet", () => {
  test("holds its CIDR, is its own subnet, and has nothing behind its prefix", () => {
    fc.assert(
      fc.property(cidr, (text) => {
        const subnet = subnetOf(text);
        expect(within(subnet, text)).toBe(true);
        expect(subnetOf(subnet)).toBe(subnet);
        expect(contains(subnet, text)).toBe(true);
        const { bits: all, prefix } = bits(subnet);
        expect(all.slice(prefix)).not.toContain("1");
      }),
    );
  });

  const related = fc
    .tuple(cidr, cidr, fc.integer({ min: 0, max: 128 }))
    .map(([one, other, prefix]): [string, string] => {
      const { address, family } = parseCidr(one) as { address: string; family: 4 | 6 };
      return familyOf(other) === family
        ? [one, other]
        : [one, `${address}/${Math.min(prefix, family === 4 ? 32 : 128)}`];
    });

  test("contains and overlaps as its bits say", () => {
    fc.assert(
      fc.property(related, ([one, other]) => {
        expect(contains(one, other)).toBe(within(one, other));
        expect(overlaps(one, other)).toBe(within(one, other) || within(other, one));
        expect(overlaps(one, other)).toBe(overlaps(other, one));
      }),
    );
  });

  test("contains an address as it contains that address alone", () => {
    expect(contains("172.18.0.0/16", "172.18.255.255")).toBe(true);
    expect(contains("172.18.0.0/16", "172.19.0.0")).toBe(false);
    expect(contains("172.18.0.0/16", "fd00::1")).toBe(false);
    expect(contains("fd00::/8", "fd12::1")).toBe(true);
    expect(contains("0.0.0.0/0", "1.2.3.4")).toBe(true);
  });
});

test("an address of an interface is neither the network's, nor the broadcast, nor a group's", () => {
  fc.assert(
    fc.property(cidr4, (text) => {
      const { bits: all, prefix } = bits(text);
      const host = all.slice(prefix);
      const edge = prefix < 31 && (!host.includes("1") || !host.includes("0"));
      const special = /^(1110|0{8}|1{32}$)/.test(all);
      expect(hostAddressFault(text) !== undefined, `${text} ${hostAddressFault(text)}`).toBe(edge || special);
    }),
  );
  for (const text of ["10.0.0.0/31", "10.0.0.1/31", "10.0.0.0/32", "fd00::/127", "fd00::/128", "fd00::ffff/112"]) {
    expect(hostAddressFault(text), text).toBeUndefined();
  }
});
