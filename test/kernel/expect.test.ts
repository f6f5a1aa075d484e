import { describe, expect } from "vitest";
import { make, Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

describe("an expectation", () => {
  test("holds, or fails the up that declares it, in one sentence", async ({ machine }) => {
    const out = await make(machine, "Expect", "out", { from: "host", to: "203.0.113.1" });
    expect(await out.refresh()).toEqual([]);
    await out.destroy();
    const wrong = { from: "host", to: "203.0.113.1", port: 9, within: "1s" };
    await expect(make(machine, "Expect", "wrong", wrong)).rejects.toThrow(
      /^Expect "host->203\.0\.113\.1:9" on the machine: the host cannot reach 203\.0\.113\.1 port 9 by tcp/,
    );
    const blocked = await make(machine, "Expect", "blocked", { ...wrong, reachable: false });
    expect(await blocked.refresh()).toEqual([]);
    await expect(
      make(machine, "Expect", "not blocked", { from: "host", to: "203.0.113.1", reachable: false, within: "1s" }),
    ).rejects.toThrow(/reaches 203\.0\.113\.1 by ping, and must not/);
  });

  test("that something is blocked does not hold where nothing can be tried", async ({ machine }) => {
    const lost = new Subject(machine, "Expect", "lost");
    await expect(lost.up({ from: "nowhere", to: "203.0.113.1", reachable: false })).rejects.toThrow(
      /nothing can be tried from nowhere: Cannot open network namespace "nowhere"/,
    );
  });

  test("that no longer holds is drift at refresh", async ({ machine }) => {
    const out = await make(machine, "Expect", "out", { from: "host", to: "203.0.113.1" });
    await machine.sh("ip route add blackhole 203.0.113.1");
    expect(await out.refresh()).toEqual(["drift"]);
    await machine.sh("ip route del blackhole 203.0.113.1");
    await out.up({ from: "host", to: "203.0.113.1" });
    expect(await out.refresh()).toEqual([]);
  });
});
