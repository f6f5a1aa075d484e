import { dirname } from "node:path";
import { expect } from "vitest";
import { ownerKey } from "../../provider/kernel/owner.ts";
import { crud } from "../../provider/lifecycle/crud.ts";
import { Machine } from "../support/machine.ts";
import { definitionOf, endedAtOnce, make, Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

const sleeper = { command: ["sleep", "1000"] };

/** A namespace `web` that is part of the machine. */
async function withNetns(machine: Machine): Promise<void> {
  await machine.sh("ip netns add web && ip -n web link set lo up");
  await machine.baseline();
}

test("it runs, is seen to have died, and leaves no trace", async ({ machine }) => {
  await withNetns(machine);
  const subject = await make(machine, "Process", "p", { netns: "web", ...sleeper });
  const { pid, logPath } = subject.outputs;
  expect(
    await machine.sh(`readlink /proc/${pid}/cwd; cut -d ' ' -f 5,6 /proc/${pid}/stat; ip netns identify ${pid}`),
  ).toBe(`/\n${pid} ${pid}\nweb`);
  expect(await machine.sh(`ls -l /proc/${pid}/fd/? | sed -n 's|.*fd/\\([0-9] ->\\)|\\1|p'`)).toBe(
    `0 -> /dev/null\n1 -> ${dirname(`${logPath}`)}/out (deleted)\n2 -> ${dirname(`${logPath}`)}/out (deleted)`,
  );
  expect(await subject.refresh()).toEqual([]);
  await machine.sh(`kill -KILL ${pid}; while [ -e /proc/${pid} ]; do sleep 0.02; done; sleep 0.1`);
  expect(await subject.refresh()).toEqual(["drift"]);
  expect(subject.outputs.drift).toEqual(["it is not running: it was ended by SIGKILL"]);
  await subject.up({ netns: "web", ...sleeper });
  expect(subject.outputs.pid).not.toBe(pid);
  expect(await subject.refresh()).toEqual([]);
  await machine.sh("rm -rf /run/linuxnet.saved; cp -a /run/linuxnet /run/linuxnet.saved; rm -rf /run/linuxnet");
  expect(await subject.refresh()).toBe("gone");
  await machine.sh("mv /run/linuxnet.saved /run/linuxnet");
  await machine.sh("kill $(pgrep -x sleep); rm -r /run/linuxnet");
  await subject.destroy();
});

test("what was started before a crash of the engine is taken up, not started twice", async ({ machine }) => {
  await withNetns(machine);
  const subject = await make(machine, "Process", "p", { netns: "web", ...sleeper });
  const { pid } = subject.outputs;
  subject.forget();
  await subject.up({ netns: "web", ...sleeper });
  expect(subject.outputs.pid).toBe(pid);
  await subject.destroy();
});

test("a change restarts it, and one that cannot start leaves the former running", async ({ machine }) => {
  await withNetns(machine);
  const subject = await make(machine, "Process", "p", { netns: "web", ...sleeper });
  const first = subject.outputs.pid;
  const changed = { netns: "web", command: ["sleep", "2000"], environment: { A: "1" }, cwd: "/tmp", user: "daemon" };
  expect((await subject.up(changed)).properties).toEqual(["command", "cwd", "environment", "user"]);
  const { pid } = subject.outputs;
  expect(await machine.sh(`ls -d /proc/[0-9]* | grep -cx /proc/${first} || :`)).toBe("0");
  expect(await machine.sh(`tr '\\0' ' ' </proc/${pid}/cmdline; echo; readlink /proc/${pid}/cwd`)).toBe(
    "sleep 2000 \n/tmp",
  );
  expect(await machine.sh(`sed -n 's/^\\([UG]id\\|Groups\\):[[:space:]]*//p' /proc/${pid}/status`)).toBe(
    "1\t1\t1\t1\n1\t1\t1\t1\n1",
  );
  await expect(subject.up({ ...changed, command: ["nosuch"] })).rejects.toThrow(
    /^Process "nosuch-[0-9a-f]{6}" on the machine: cannot start nosuch: No such file or directory\. The host is as it was\.$/,
  );
  expect(await subject.refresh()).toEqual([]);
  expect(await machine.sh("pgrep -cx sleep")).toBe("1");
  expect(await machine.sh(`stat -c %U /proc/${subject.outputs.pid}`)).toBe("daemon");
  await subject.destroy();
});

test.each([
  [{ command: ["nosuch"] }, "cannot start nosuch: No such file or directory"],
  [{ command: ["/etc/passwd"] }, "cannot start /etc/passwd: Permission denied"],
  [{ command: ["-n"] }, "cannot start -n: No such file or directory"],
  [{ command: ["a=b"] }, "cannot start a=b: No such file or directory"],
  [{ ...sleeper, cwd: "/no/such" }, "cannot start sleep: cannot enter the folder /no/such"],
  [{ ...sleeper, cwd: "/root", user: "daemon" }, "cannot start sleep: cannot enter the folder /root"],
  [{ ...sleeper, user: "nobody-here" }, "there is no user nobody-here. Nothing was changed."],
  [{ ...sleeper, netns: "none" }, "there is no namespace none. Nothing was changed."],
])("%j: one sentence, and nothing is left", async (args, message) => {
  const machine = await Machine.start();
  try {
    await withNetns(machine);
    const subject = new Subject(machine, "Process", "p");
    await expect(subject.up({ netns: "web", ...args })).rejects.toThrow(message);
    await machine.expectClean();
  } finally {
    await machine.stop();
  }
});

test("one that ends at once: why, and nothing is left", async ({ machine }) => {
  await withNetns(machine);
  const subject = new Subject(machine, "Process", "p");
  const said = await endedAtOnce(subject, { netns: "web", command: ["sh", "-c", "echo why >&2; exit 3"] });
  expect(said).toContain("it ended at once with code 3: why. The host is as it was.");
});

test("all children go with it, one that ignores TERM and one with a session of its own too, and no one else", async ({
  machine,
}) => {
  await withNetns(machine);
  const child = "(trap '' TERM; setsid sleep 1001 & sleep 1002 & while :; do sleep 1003; done)";
  const command = ["sh", "-c", `${child} & env -i setsid sleep 1004 & wait`];
  const args = { netns: "web", command, stopTimeout: "500ms" };
  const subject = await make(machine, "Process", "p", args);
  const other = await make(machine, "Process", "other", { netns: "web", command: ["sleep", "3000"] });
  await expect.poll(() => machine.sh("pgrep -c sleep")).toBe("5");
  await subject.destroy();
  // The one that has thrown its environment away and has left the session is beyond reach.
  expect(await machine.sh("pgrep -a sleep | cut -d ' ' -f 2- | sort")).toBe("sleep 1004\nsleep 3000");
  await machine.sh("kill $(pgrep -fx 'sleep 1004')");
  expect(await other.refresh()).toEqual([]);
  await other.destroy();
});

test("a resource that was renamed runs under its new name, once", async ({ machine }) => {
  const { update, delete: remove } = crud(definitionOf("Process"), () => machine.host);
  const before = await make(machine, "Process", "before", sleeper);
  const owner = `${before.outputs.owner}`.replace("/before@", "/after@");
  const { outs } = await update(before.outputs, { ...before.outputs, owner });
  expect(outs.pid).not.toBe(before.outputs.pid);
  expect(await machine.sh("pgrep -x sleep; ls /run/linuxnet/process")).toBe(`${outs.pid}\n${ownerKey(owner)}`);
  await remove(outs);
});

test("a full /run: one sentence, nothing started, nothing left", async ({ machine }) => {
  await machine.sh("mkdir /run/linuxnet; mount -t tmpfs -o nr_inodes=4 tmpfs /run/linuxnet");
  await machine.baseline();
  const subject = new Subject(machine, "Process", "p");
  await expect(subject.up(sleeper)).rejects.toThrow(
    /cannot start sleep: .*No space left on device\. The host is as it was\. Free some space/,
  );
  await machine.expectClean();
  await machine.sh("umount /run/linuxnet; rmdir /run/linuxnet");
  await machine.baseline();
});

test("it goes on when the session that started it is gone", async ({ machine }) => {
  const subject = await make(machine, "Process", "p", sleeper);
  await machine.endSession();
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test("a pid that was given to someone else is nobody to us", async ({ machine }) => {
  await withNetns(machine);
  const subject = await make(machine, "Process", "p", { netns: "web", ...sleeper });
  const stranger = await machine.spawn(["sleep", "4000"], "web");
  await machine.sh(
    `cd /run/linuxnet/process/*; read -r pid rest <pid; kill -KILL $pid; until [ -e exit ]; do sleep 0.02; done; echo "${stranger} $rest" >pid`,
  );
  expect(await subject.refresh()).toEqual(["drift"]);
  await subject.destroy();
  expect(await machine.sh(`tr '\\0' ' ' </proc/${stranger}/cmdline`)).toBe("sleep 4000");
  await machine.sh(`kill ${stranger}`);
});

test("it is restarted when its namespace was rebuilt, and ended when that is gone", async ({ machine }) => {
  await withNetns(machine);
  const subject = await make(machine, "Process", "p", { netns: "web", ...sleeper });
  await machine.sh("ip netns del web; ip netns add web");
  expect(await subject.refresh()).toEqual(["drift"]);
  expect(subject.outputs.drift).toEqual(["its namespace web was rebuilt, it runs in the former one"]);
  await subject.up({ netns: "web", ...sleeper });
  expect(await machine.sh(`ip netns identify ${subject.outputs.pid}`)).toBe("web");
  await machine.sh("ip netns del web");
  expect(await subject.refresh()).toEqual(["drift"]);
  await subject.destroy();
  await machine.sh("umount /run/netns; rmdir /run/netns");
  await machine.baseline();
});
