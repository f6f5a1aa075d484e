// What a compiled script notes before it begins, and the lock that it takes; in a machine of the test's own.
import { describe, expect } from "vitest";
import { lockFolders } from "../../../provider/host/boot.ts";
import { claimsFile } from "../../../provider/host/script.ts";
import { type Step, sh } from "../../../provider/kernel/command.ts";
import { test } from "../../support/test.ts";
import { apply, applyShortly, failing, log, noted, undo } from "./script-lab.ts";

describe("claims", () => {
  const claiming: Step = { what: "claim", do: sh(`cat ${claimsFile(undo.owner)} >>/run/log`), claim: "link:lab0" };

  test("are noted before the first step and forgotten after the last", async ({ machine }) => {
    expect((await apply(machine, [claiming, { ...noted("a"), claim: "netns:x" }])).failures).toEqual([]);
    expect(await log(machine)).toBe("link:lab0 netns:x +a");
  });

  test("are forgotten when all was taken back", async ({ machine }) => {
    await apply(machine, [claiming, failing()]);
    expect(await machine.sh("ls -d /run/linuxnet 2>&1 || :")).toContain("No such file");
  });

  test("that cannot be written stop the script before anything is done", async ({ machine }) => {
    await machine.sh("mount -o remount,ro /run");
    const report = await apply(machine, [{ ...noted("a"), claim: "link:lab0" }]);
    await machine.sh("mount -o remount,rw /run");
    expect(report.failures).toEqual([
      { what: "note a", cause: expect.stringContaining("Read-only file system"), code: 1 },
    ]);
    expect(await log(machine)).toBe("");
  });
});

describe("the lock", () => {
  const [lock, second] = lockFolders;

  test("is nobody's but root's: what others can lock is not waited for", async ({ machine }) => {
    const all = `for folder in / /run ${lockFolders.join(" ")}; do flock -n "$folder" sleep 60 & done; wait`;
    await machine.spawn(["setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", all]);
    await machine.sh("until [ $(pgrep -c -u 65534 -x sleep) = 2 ]; do sleep 0.01; done");
    expect((await applyShortly(machine, [noted("a")])).failures).toEqual([]);
    await machine.sh("pkill -u 65534; while pgrep -u 65534; do sleep 0.01; done");
  });

  test("is the next folder where others can open the first", async ({ machine }) => {
    await machine.sh(`chmod 755 ${lock}; mount -t tmpfs -o mode=700 tmpfs ${second}`);
    const holder = await machine.spawn(["sh", "-c", `exec 8<${second}; flock 8; echo >/run/held; exec sleep 60`]);
    await machine.sh("until [ -e /run/held ]; do sleep 0.01; done");
    const { failures } = await applyShortly(machine, [noted("a")]);
    expect(failures).toEqual([
      expect.objectContaining({ cause: expect.stringContaining(`has held the lock of ${second}`) }),
    ]);
    await machine.sh(`kill ${holder}; while kill -0 ${holder} 2>/dev/null; do sleep 0.01; done; umount ${second}`);
  });

  test("is waited for", async ({ machine }) => {
    await machine.spawn(["flock", lock, "sh", "-c", "echo locked >>/run/log; sleep 0.5; echo free >>/run/log"]);
    await machine.sh("until [ -e /run/log ]; do sleep 0.01; done");
    expect((await apply(machine, [noted("a")])).failures).toEqual([]);
    expect(await log(machine)).toBe("locked free +a");
  });

  test("that stays taken is told, and nothing is done", async ({ machine }) => {
    const holder = await machine.spawn(["sh", "-c", `exec 8<${lock}; flock 8; echo >/run/held; exec sleep 60`]);
    await machine.sh("until [ -e /run/held ]; do sleep 0.01; done");
    const { failures } = await applyShortly(machine, [noted("a")]);
    expect(failures).toEqual([
      expect.objectContaining({ cause: expect.stringContaining(`has held the lock of ${lock}`) }),
    ]);
    expect(await log(machine)).toBe("");
    await machine.sh(`kill ${holder}`);
  });
});
