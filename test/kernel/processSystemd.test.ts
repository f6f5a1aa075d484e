// A Process as a transient unit, with a real systemd as PID 1 of the machine.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { endedAtOnce, make, Subject } from "../support/subject.ts";
import { SystemdMachine } from "../support/systemd.ts";

let machine: SystemdMachine;

beforeAll(async () => {
  machine = await SystemdMachine.start();
  await machine.sh("ip netns add web && ip -n web link set lo up");
  await machine.baseline();
});
afterAll(async () => await machine?.stop());
beforeEach(() => async () => {
  await machine.expectClean();
  expect(
    await machine.sh("systemctl list-units --all --plain --no-legend 'linuxnet*'; ls /run/systemd/transient"),
  ).toBe("");
});

const sleeper = { netns: "web", command: ["sleep", "1000"] };
const show = (unit: unknown, ...names: string[]) =>
  machine.sh(`systemctl show ${names.map((name) => `-p ${name}`).join(" ")} --value ${unit}`);

test("it is a unit, with the program as its main process, and leaves no trace", async () => {
  const subject = await make(machine, "Process", "p", { ...sleeper, stopTimeout: "3s", restart: "always" });
  const { pid, unit, owner } = subject.outputs;
  expect(unit).toMatch(/^linuxnet-p-[0-9a-f]{8}\.service$/);
  expect(await show(unit, "MainPID", "Description", "Restart", "TimeoutStopUSec", "ActiveState", "SubState")).toBe(
    ["always", "3s", pid, owner, "active", "running"].join("\n"),
  );
  expect(await machine.sh(`ip netns identify ${pid}; tr '\\0' ' ' </proc/${pid}/cmdline`)).toBe("web\nsleep 1000");
  expect(await machine.sh(`cut -d ' ' -f 5,6 /proc/${pid}/stat; readlink /proc/${pid}/cwd`)).toBe(`${pid} ${pid}\n/`);
  expect(await machine.sh(`tr '\\0' '\\n' </proc/${pid}/environ | sort`)).toBe(
    `LINUXNET_OWNER=${owner}\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
  );
  expect(await machine.sh(`grep -c '^Sig\\(Blk\\|Ign\\):.0*$' /proc/${pid}/status`)).toBe("2");
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test("how it ended is known, and the next up starts it", async () => {
  const subject = await make(machine, "Process", "p", sleeper);
  const { pid, unit } = subject.outputs;
  await machine.sh(`kill -KILL ${pid}; until [ -s /run/linuxnet/process/*/exit ]; do sleep 0.05; done`);
  expect(await subject.refresh()).toEqual(["drift"]);
  expect(subject.outputs.drift).toEqual(["it is not running: it was ended by SIGKILL"]);
  await subject.up(sleeper);
  expect(subject.outputs.unit).toBe(unit);
  await machine.sh(`systemctl stop ${unit}`);
  expect(await subject.refresh()).toEqual(["drift"]);
  expect(subject.outputs.drift).toEqual(["it is not running: it was ended by SIGTERM"]);
  await subject.up({ ...sleeper, restart: "on-failure" });
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test.each(["KILL", "TERM"])("systemd starts it again after a SIG%s", async (signal) => {
  const subject = await make(machine, "Process", "p", { ...sleeper, restart: "on-failure" });
  const { pid } = subject.outputs;
  await machine.sh(`kill -${signal} ${pid}; cd /run/linuxnet/process/*
    until read -r pid rest <pid && [ "$pid" != ${pid} ] && [ "$(cat /proc/$pid/comm)" = sleep ]; do sleep 0.05; done`);
  expect(await subject.refresh()).toEqual([]);
  expect(await machine.sh("pgrep -x sleep")).toBe(`${subject.outputs.pid}`);
  expect(subject.outputs.pid).not.toBe(pid);
  await subject.destroy();
});

test("one that has done its work: on-failure leaves it, always starts it again", async () => {
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

test("one that fails again and again is not given up, and is drift", async () => {
  const command = ["sh", "-c", "sleep 0.1; echo no luck >&2; exit 3"];
  const subject = await make(machine, "Process", "p", { command, restart: "on-failure" });
  // Its pause stands still while it is looked at.
  const main = `$(systemctl show -p MainPID --value ${subject.outputs.unit})`;
  await machine.sh(
    `cd /run/linuxnet/process/*; until [ -s last ] && read -r _ row <last && [ $row -ge 5 ]; do sleep 0.05; done
    kill -STOP ${main}`,
  );
  expect(await subject.refresh()).toEqual(["drift"]);
  expect(subject.outputs.drift).toEqual(["it is not running: it exited with code 3: no luck"]);
  await machine.sh(`kill -CONT ${main}`);
  await subject.destroy();
});

test("all children go with it, whatever they did to get away", async () => {
  const child = "(trap '' TERM; setsid sleep 1001 & sleep 1002 & while :; do sleep 1003; done)";
  const command = ["sh", "-c", `${child} & env -i setsid -f sleep 1004; wait`];
  const subject = await make(machine, "Process", "p", { netns: "web", command, stopTimeout: "500ms" });
  await expect.poll(() => machine.sh("pgrep -c sleep")).toBe("4");
  await subject.destroy();
  expect(await machine.sh("pgrep -c sleep || :")).toBe("0");
});

test("it is given the time that it may take to end", async () => {
  const slow = "trap 'sleep 1; echo done >/media/done; exit' TERM; while :; do sleep 0.05; done";
  const subject = await make(machine, "Process", "p", { command: ["bash", "-c", slow] });
  await subject.destroy();
  expect(await machine.sh("cat /media/done; rm /media/done")).toBe("done");
});

test("one that cannot start, or is never ready: one sentence, and nothing is left", async () => {
  const subject = new Subject(machine, "Process", "p");
  const refused = async (args: Record<string, unknown>, message: string) => {
    await expect(subject.up({ ...sleeper, ...args })).rejects.toThrow(message);
    await machine.expectClean();
  };
  await refused({ command: ["nosuch"] }, "cannot start nosuch: No such file or directory. The host is as it was.");
  await refused({ command: ["nosuch"], restart: "always" }, "cannot start nosuch: No such file or directory");
  await refused({ cwd: "/no/such" }, "cannot start sleep: cannot enter the folder /no/such");
  const ending = { ...sleeper, command: ["sh", "-c", "echo why >&2; exit 3"] };
  expect(await endedAtOnce(subject, ending)).toContain("it ended at once with code 3: why");
  await machine.expectClean();
  await refused({ ready: { tcp: 80, timeout: "200ms" } }, "nothing listens on TCP port 80 in namespace web");
});

test("a unit of that name that is another's is left alone", async () => {
  const subject = await make(machine, "Process", "p", sleeper);
  const { unit } = subject.outputs;
  await subject.destroy();
  await machine.sh(`systemd-run --quiet --unit=${unit} --description=mine sleep 2000`);
  await expect(subject.up(sleeper)).rejects.toThrow(/cannot start sleep: .*already loaded.*The host is as it was/);
  expect(await show(unit, "Description", "ActiveState")).toBe("mine\nactive");
  await machine.sh(`systemctl stop ${unit}`);
});

test("a secret is in no unit, on no command line, and in no file that others can read", async () => {
  const spying = await machine.spawn([
    "sh",
    "-c",
    "while :; do cat /proc/[0-9]*/cmdline 2>/dev/null; done >/media/spy",
  ]);
  const args = { ...sleeper, environment: { PASSWORD: "s3cret-never-seen" }, restart: "always", user: "daemon" };
  const subject = await make(machine, "Process", "p", args);
  const { pid, unit } = subject.outputs;
  expect(await machine.sh(`tr '\\0' '\\n' </proc/${pid}/environ | grep -c s3cret; stat -c %U /proc/${pid}`)).toBe(
    "1\ndaemon",
  );
  await machine.sh(`kill ${spying}; ! grep -qa s3cret /media/spy; rm /media/spy; ! systemctl show ${unit} | grep s3cret
    ! grep -rl s3cret /run --exclude-dir=linuxnet; [ "$(stat -c %a $(grep -rl s3cret /run/linuxnet))" = 600 ]`);
  await subject.destroy();
});

test("it sees the DNS files of its namespace, its log rotates, and a rebuilt namespace gets a new one", async () => {
  await machine.sh("mkdir -p /etc/netns/web; echo nameserver 10.0.0.1 >/etc/netns/web/resolv.conf");
  const text =
    "cat /etc/resolv.conf; for ((n = 0; n < 80000; n += 1)); do echo a line of some length, $n; done; echo end; exec sleep 1000";
  const args = { netns: "web", command: ["bash", "-c", text], ready: { log: "end", timeout: "1m" } };
  const subject = await make(machine, "Process", "p", args);
  const { logPath, pid } = subject.outputs;
  expect(await machine.sh(`head -n 1 ${logPath}.1; tail -n 1 ${logPath}`)).toBe("nameserver 10.0.0.1\nend");
  await machine.sh("ip netns del web; ip netns add web; ip -n web link set lo up");
  expect(await subject.refresh()).toEqual(["drift"]);
  expect(subject.outputs.drift).toEqual(["its namespace web was rebuilt, it runs in the former one"]);
  await subject.up(args);
  expect(subject.outputs.pid).not.toBe(pid);
  expect(await machine.sh(`ip netns identify ${subject.outputs.pid}`)).toBe("web");
  await subject.destroy();
  await machine.sh("rm -r /etc/netns");
  await machine.baseline();
});
