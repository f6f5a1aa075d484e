import { begin, Machine, script } from "./machine.ts";

/** Stays outside: it ends the machine when the test process is gone, and removes its cgroup. */
const guardian = `set -eu
mount -t cgroup2 none /mnt
group=/mnt/linuxnet-test-$$
mkdir "$group"
unshare --net --mount --pid --uts --ipc --fork --kill-child --propagation private sh -c "$1" systemd "$group" &
cat >/dev/null
kill -KILL $! 2>/dev/null || :
wait $! || :
for round in 1 2 3 4 5 6 7 8 9 10; do
  find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
  sleep 0.1
done`;

/** A machine of which systemd is PID 1: the real one, as the machine that runs the tests has it installed. */
export class SystemdMachine extends Machine {
  /** Starts a machine, and waits until systemd has come up. */
  static override async start(): Promise<SystemdMachine> {
    const outside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", guardian, "sh"] as const;
    const machine = new SystemdMachine(await begin([...outside, script("systemd.sh")]));
    await machine.sh("until [ -S /run/systemd/private ] && systemctl is-system-running -q; do sleep 0.05; done");
    return machine;
  }

  override async stop(): Promise<void> {
    this.begun.init.stdin?.end();
    await this.begun.init;
  }
}
