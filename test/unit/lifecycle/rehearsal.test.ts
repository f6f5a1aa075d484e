// What a rehearsal tells and changes without a host; what it does to the copy of one is shown by test/e2e/explain*.test.ts.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { rehearsed } from "../../../provider/lifecycle/rehearsal.ts";
import { checked, definitionOf } from "../../support/subject.ts";

type Bag = Record<string, unknown>;

const folder = mkdtempSync(join(tmpdir(), "linuxnet-rehearsal-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("in a rehearsal", () => {
  test("what must hold is told, and not tried", async () => {
    const file = join(folder, "expect");
    const args = checked("Expect", { from: "ct1", to: "203.0.113.9", port: 9, within: "1ms" });
    const { owner } = args;
    const operations = rehearsed(definitionOf("Expect"), { file });
    const { id, outs } = await operations.create(args);
    expect([id, outs]).toEqual(["ct1->203.0.113.9:9", args]);
    const away = { ...args, connection: { host: "lab1" } };
    expect(await operations.update(args, away)).toEqual({ outs: away });
    expect(await operations.read(id, args)).toEqual({ id, props: args, inputs: args });
    await operations.delete(args);
    const told = { kind: "Expect", owner, operation: "expect", steps: [] };
    const lines = readFileSync(file, "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as Bag)).toEqual([
      { ...told, host: "this machine", inputs: args },
      { ...told, host: "lab1", inputs: away },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("rules that the program leaves to the host are in the words that the reader wants", () => {
    const backendOf = (kind: string, args: Bag, backend?: "nftables" | "iptables") => {
      const explaining = { file: join(folder, "none"), ...(backend && { backend }) };
      const { check } = rehearsed(definitionOf(kind), explaining);
      const { inputs, failures } = check({}, { ...args, owner: "linuxnet:a/b/c/d" });
      expect(failures).toEqual([]);
      return inputs.backend;
    };
    const rule = { action: "drop" };
    expect(backendOf("ForwardRule", rule)).toBe("auto");
    expect(backendOf("ForwardRule", { ...rule, backend: "nftables" })).toBe("nftables");
    expect(backendOf("ForwardRule", rule, "iptables")).toBe("iptables");
    expect(backendOf("ForwardRule", { ...rule, backend: "nftables" }, "iptables")).toBe("iptables");
    expect(backendOf("Bridge", { name: "lab0" }, "iptables")).toBeUndefined();
  });

  test("what stands on no host is worked out as ever", async () => {
    const file = join(folder, "pool");
    const args = checked("AddressPool", { subnet: "10.9.0.0/29", names: ["a"] });
    expect((await rehearsed(definitionOf("AddressPool"), { file }).create(args)).outs).toEqual(args);
    expect(() => statSync(file)).toThrow(/ENOENT/);
  });
});
