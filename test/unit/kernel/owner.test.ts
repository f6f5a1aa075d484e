import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isOwner,
  ownerKey,
  ownerLimit,
  ownerOf,
  ownerText,
  readOwner,
  standing,
} from "../../../provider/kernel/owner.ts";
import { sealOwner } from "../../../provider/lifecycle/identity.ts";
import { hostile } from "../../support/hostile.ts";

const name = fc.oneof(
  hostile,
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.stringMatching(/^[a-z0-9.-]{1,80}$/),
);
const kind = fc.constantFrom(
  "Netns",
  "Bridge",
  "VethPair",
  "NatRule",
  "ForwardRule",
  "PortPublish",
  "ResolvConf",
  "Process",
);

describe("an owner", () => {
  test("is at most 100 bytes of plain characters, whatever the names", () => {
    fc.assert(
      fc.property(name, name, kind, name, (project, stack, kind, resource) => {
        const owner = sealOwner(ownerOf(project, stack, kind, resource), undefined);
        expect(Buffer.byteLength(owner)).toBeLessThanOrEqual(ownerLimit);
        expect(owner).toMatch(/^linuxnet:[A-Za-z0-9_./~-]+@[0-9a-f]{8}$/);
        // As it stands on an object that was taken over, it fits a comment of nft (128 bytes) with room for a fingerprint.
        expect(Buffer.byteLength(ownerText(owner, true))).toBeLessThanOrEqual(ownerLimit + "+adopted".length);
        expect(isOwner(owner)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("is another's when any of the names is another, however alike they are cut", () => {
    const quad = fc.tuple(name, name, kind, name);
    fc.assert(
      fc.property(quad, quad, (one, other) => {
        fc.pre(one.join("/") !== other.join("/"));
        expect(ownerOf(...one)).not.toBe(ownerOf(...other));
      }),
      { numRuns: 3000 },
    );
    const long = "a".repeat(60);
    expect(ownerOf("p", "s", "Bridge", `${long}1`)).not.toBe(ownerOf("p", "s", "Bridge", `${long}2`));
    expect(ownerOf("p", "s", "Bridge", "a b")).not.toBe(ownerOf("p", "s", "Bridge", "a_b"));
  });

  test("reads as names where they are short", () => {
    expect(ownerOf("shop", "dev", "Bridge", "lab0")).toBe("linuxnet:shop/dev/Bridge/lab0");
  });

  test("is read back as it was written", () => {
    fc.assert(
      fc.property(name, fc.boolean(), (resource, adopted) => {
        const owner = ownerOf("p", "s", "Bridge", resource);
        expect(readOwner(ownerText(owner, adopted))).toEqual({ owner, adopted });
        expect(ownerKey(owner)).toMatch(/^[0-9a-f]{16}$/);
      }),
    );
  });

  test("keeps the seal that it got first, and is sealed the same way by the same user", () => {
    const plain = "linuxnet:p/s/Bridge/b";
    const first = sealOwner(plain, undefined);
    expect(sealOwner(plain, undefined)).toBe(first);
    expect(sealOwner(first, undefined)).toBe(first);
    expect(sealOwner(plain, `${plain}@01234567`)).toBe(`${plain}@01234567`);
    expect(sealOwner("linuxnet:p/s/Bridge/renamed", `${plain}@01234567`)).toBe("linuxnet:p/s/Bridge/renamed@01234567");
    for (const odd of [undefined, null, 1, {}, "", "x", `${plain}@0123456`, "04da6b54-80e4-46f7-96ec-b56ff0331ba9"]) {
      expect(sealOwner(plain, odd)).toBe(first);
    }
  });
});

describe("what stands on the host is", () => {
  const me = "linuxnet:p/s/Bridge/b@01234567";
  const who = { owner: me, former: "linuxnet:p/s/Bridge/a@01234567", claims: new Set(["link:lab0"]) };
  test.each([
    ["ours", me, "link:lab1"],
    ["ours", who.former, "link:lab1"],
    ["adopted", `${me}+adopted`, "link:lab1"],
    ["adopted", `${who.former}+adopted`, "link:lab1"],
    ["foreign", "linuxnet:p/s/Bridge/b@89abcdef", "link:lab0"],
    ["foreign", "linuxnet:p/s/Bridge/b@89abcdef+adopted", "link:lab0"],
    ["foreign", "linuxnet:", "link:lab1"],
    ["unowned", "to the rack", "link:lab1"],
    ["unowned", "to the rack", "link:lab0"],
    ["unowned", undefined, "link:lab1"],
    ["unowned", "", "link:lab1"],
    ["ours", undefined, "link:lab0"],
    ["ours", "", "link:lab0"],
  ] as const)("%s with the text %j and the claim %s", (expected, carried, claim) => {
    expect(standing(carried, claim, who)).toBe(expected);
  });
});
