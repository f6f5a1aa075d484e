import { expect } from "vitest";
import { processDir } from "../../provider/kernel/processes.ts";
import { processFact } from "../../provider/kernel/processes-fact.ts";
import type { Machine } from "../support/machine.ts";
import { make, type Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

const sleeper = { command: ["sleep", "1000"] };

/** Ends the program's first process, and waits until another one runs in its place. */
async function killed(machine: Machine, { outputs }: Subject, signal = "KILL"): Promise<void> {
  await machine.sh(`kill -${signal} ${outputs.pid}; cd /run/linuxnet/process/*
    until read -r pid rest <pid && [ "$pid" != ${outputs.pid} ] && [ "$(cat /proc/$pid/comm)" = sleep ]; do sleep 0.02; done`);
}

test("one that is ended by a signal is started again, and that is no drift", async ({ machine }) => {
  const subject = await make(machine, "Process", "p", { ...sleeper, restart: "on-failure" });
  for (const signal of ["KILL", "TERM"]) {
    const { pid } = subject.outputs;
    await killed(machine, subject, signal);
    expect(await subject.refresh()).toEqual([]);
    expect(subject.outputs.pid).not.toBe(pid);
    expect(await machine.sh("pgrep -x sleep")).toBe(`${subject.outputs.pid}`);
  }
  await subject.destroy();
});

test("one that has done its work: on-failure leaves it, always starts it again", async ({ machine }) => {
  const command = ["sh", "-c", "echo run; sleep 0.3"];
  const one = await make(machine, "Process", "one", { command, restart: "on-failure" });
  const other = await make(machine, "Process", "other", { command, restart: "always" });
  await machine.sh(`until [ "$(grep -c run ${other.outputs.logPath})" -ge 3 ]; do sleep 0.05; done`);
  expect(await machine.sh(`cat ${one.outputs.logPath}`)).toBe("run");
  expect(await one.refresh()).toEqual(["drift"]);
  expect(one.outputs.drift).toEqual(["it is not running: it exited with code 0: run"]);
  await one.destroy();
  await other.destroy();
});

test("one that fails again and again is drift, and is ended between two starts too", async ({ machine }) => {
  const subject = await make(machine, "Process", "p", {
    command: ["sh", "-c", "sleep 0.1; echo no luck >&2; exit 3"],
    restart: "on-failure",
  });
  // What starts it again stands still while it is looked at: the pause is over soon.
  await machine.sh(
    `cd /run/linuxnet/process/*; until [ -s exit ] && read -r _ row <exit && [ $row -ge 4 ]; do sleep 0.05; done
    read -r pid _ <supervisor; kill -STOP $pid`,
  );
  expect(await subject.refresh()).toEqual(["drift"]);
  expect(subject.outputs.drift).toEqual(["it is not running: it exited with code 3: no luck"]);
  await machine.sh("read -r pid _ </run/linuxnet/process/*/supervisor; kill -CONT $pid");
  await subject.destroy();
  expect(await machine.sh("pgrep -c sleep || :")).toBe("0");
});

test("it is ready when a later run of it is", async ({ machine }) => {
  const command = [
    "sh",
    "-c",
    "[ -e /media/there ] && echo ready && exec sleep 1000; sleep 0.2; : >/media/there; exit 1",
  ];
  const subject = await make(machine, "Process", "p", { command, restart: "on-failure", ready: { log: "ready" } });
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test("its exit code is read whole, also in the moment in which it is started again", async ({ machine }) => {
  const owner = "linuxnet:test/dev/Process/p@00000000";
  const dir = processDir(owner);
  const fake = '#!/bin/sh\n[ "$1" != exit ] || mv exit last\nexec /run/real "$@"\n';
  await machine.sh(`mkdir -p ${dir}; cd ${dir}; echo '${owner} x' >owner; echo '7 3' >exit; echo '1 1' >supervisor
    cp $(command -v cat) /run/real; printf '%s' '${fake}' >/run/fake; chmod 755 /run/fake; mount --bind /run/fake $(command -v cat)`);
  const { seen } = await machine.host.observe({ seen: processFact(owner) });
  expect(seen).toMatchObject({ exit: 7, failures: 3 });
  await machine.sh("umount $(command -v cat); rm -rf /run/fake /run/real /run/linuxnet");
});

test("what a program leaves behind ends with it, and it is started again alone", async ({ machine }) => {
  const command = ["sh", "-c", "setsid sleep 1001 & (trap '' TERM; sleep 1002) & exec sleep 1003"];
  const args = { command, restart: "always", stopTimeout: "300ms" };
  const subject = await make(machine, "Process", "p", args);
  await expect.poll(() => machine.sh("pgrep -c sleep")).toBe("3");
  await killed(machine, subject);
  await expect
    .poll(() => machine.sh("pgrep -a sleep | cut -d ' ' -f 2- | sort"))
    .toBe("sleep 1001\nsleep 1002\nsleep 1003");
  await subject.destroy();
});

test("nothing starts it again when it is removed while it ends", async ({ machine }) => {
  for (let round = 0; round < 5; round += 1) {
    const subject = await make(machine, "Process", "p", { ...sleeper, restart: "always" });
    await machine.sh(`kill ${subject.outputs.pid}`);
    await subject.destroy();
    await machine.expectClean();
  }
});

test("when what restarts it is gone, that is drift, and the next up mends it", async ({ machine }) => {
  const args = { ...sleeper, restart: "always" };
  const subject = await make(machine, "Process", "p", args);
  await machine.sh(
    "read -r pid _ </run/linuxnet/process/*/supervisor; kill -KILL $pid; while kill -0 $pid 2>/dev/null; do sleep 0.02; done",
  );
  expect(await subject.refresh()).toEqual(["drift"]);
  expect(subject.outputs.drift).toEqual(["what restarts it is gone"]);
  await subject.up(args);
  expect(await subject.refresh()).toEqual([]);
  expect(await machine.sh("pgrep -c sleep")).toBe("1");
  await subject.destroy();
});

test("it is given the time that it may take to end, and not more", async ({ machine }) => {
  const slow = "trap 'sleep 1; echo done >/media/done; exit' TERM; while :; do sleep 0.05; done";
  const subject = await make(machine, "Process", "p", { command: ["bash", "-c", slow] });
  await subject.destroy();
  expect(await machine.sh("cat /media/done; rm /media/done")).toBe("done");
  const args = { command: ["bash", "-c", slow], stopTimeout: "200ms" };
  const hasty = await make(machine, "Process", "p", args);
  await hasty.destroy();
  expect(await machine.sh("ls /media")).not.toContain("done");
});

test("while one takes its time to end, others can work on the host", async ({ machine }) => {
  const stubborn = ["bash", "-c", "trap '' TERM; while :; do sleep 0.05; done"];
  const subject = await make(machine, "Process", "p", { command: stubborn, stopTimeout: "8s" });
  let ended = false;
  const ending = subject.destroy().then(() => {
    ended = true;
  });
  await machine.sh("until ! flock -n /var/cache/ldconfig true; do sleep 0.01; done; flock /var/cache/ldconfig true");
  expect(ended).toBe(false);
  await ending;
});

test("its log is two files of at most four MB, and holds what was said last", async ({ machine }) => {
  const command = [
    "bash",
    "-c",
    "for ((n = 0; n < 400000; n += 1)); do echo line of some length $n; done; echo end; exec sleep 1000",
  ];
  const subject = await make(machine, "Process", "p", { command, ready: { log: "end", timeout: "1m" } });
  const { logPath } = subject.outputs;
  const sizes = (await machine.sh(`stat -c %s ${logPath} ${logPath}.1`)).split("\n").map(Number);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(sizes[1]).toBeGreaterThanOrEqual(2 * 1024 * 1024);
  const [last, gap] = (
    await machine.sh(
      `tail -n 1 ${logPath}; cat ${logPath}.1 ${logPath} | sed 1d | awk '$1 == "line" { if (n && $5 != n + 1) print "gap", n; n = $5 }'`,
    )
  ).split("\n");
  expect([last, gap]).toEqual(["end", undefined]);
  await subject.destroy();
});

test("in a cgroup of its own, no child escapes", async ({ machine }) => {
  await machine.sh(`mkdir /media/cgroup; mount -t cgroup2 none /media/cgroup
    mkdir /media/cgroup/linuxnet-test-$$; mount --bind /media/cgroup/linuxnet-test-$$ /mnt; umount /media/cgroup; rmdir /media/cgroup`);
  await machine.baseline();
  try {
    const command = ["sh", "-c", "env -i setsid -f sleep 1001; exec sleep 1002"];
    const subject = await make(machine, "Process", "p", { command, restart: "always" });
    await expect.poll(() => machine.sh("sort -n /mnt/linuxnet/*/cgroup.procs | wc -l")).toBe("2");
    await killed(machine, subject);
    await expect.poll(() => machine.sh("pgrep -a sleep | cut -d ' ' -f 2- | sort")).toBe("sleep 1001\nsleep 1002");
    await subject.destroy();
    expect(await machine.sh("ls -d /mnt/linuxnet 2>&1 || :")).toContain("No such file");
  } finally {
    await machine.sh(
      `mkdir /media/cgroup; mount -t cgroup2 none /media/cgroup; umount /mnt; rmdir /media/cgroup/linuxnet-test-*; umount /media/cgroup; rmdir /media/cgroup`,
    );
    await machine.baseline();
  }
});
