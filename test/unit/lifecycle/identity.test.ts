// Who a resource's owner is sealed with: the user and the machine that ran the program first.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { describe, expect, test } from "vitest";
import { sealOwner } from "../../../provider/lifecycle/identity.ts";

const file = "/etc/machine-id";
const id = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
const who = createHash("sha256")
  .update(`${userInfo().username}\n${id || hostname()}`)
  .digest("hex")
  .slice(0, 8);
const owner = "linuxnet:shop/dev/Bridge/lab0";

describe("an owner's seal", () => {
  test("is a hash of the user's name and the machine's id", () => {
    for (const old of [undefined, "", 12345678, { owner: "x@0a1b2c3d" }, ["x@0a1b2c3d"]])
      expect(sealOwner(owner, old)).toBe(`${owner}@${who}`);
  });

  test("stays what an earlier run has set, whoever runs it", () => {
    expect(sealOwner(owner, `${owner}@0a1b2c3d`)).toBe(`${owner}@0a1b2c3d`);
    expect(sealOwner(`${owner}@ffffffff`, `${owner}@0a1b2c3d`)).toBe(`${owner}@0a1b2c3d`);
    expect(sealOwner(`${owner}@ffffffff`, undefined)).toBe(`${owner}@${who}`);
  });

  test("is read at the end of an owner only", () => {
    expect(sealOwner(owner, "linuxnet:shop@0a1b2c3d/dev")).toBe(`${owner}@${who}`);
    expect(sealOwner("linuxnet:shop@0a1b2c3d/dev", undefined)).toBe(`linuxnet:shop@0a1b2c3d/dev@${who}`);
  });
});
