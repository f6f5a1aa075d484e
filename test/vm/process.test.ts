// Programs on a machine with systemd: what a login's end, a reboot and logind do to them cannot be seen in a namespace.
import { expect, test } from "vitest";
import { succeeded } from "../support/stack.ts";
import { connection, Lab, show } from "./lab.ts";

const lab = Lab.use();

/** A server that answers with the resolv.conf that it sees, and has a child in a session of its own. */
const program = `
import * as linuxnet from "pulumi-linuxnet";
const connection = ${connection({ name: "vm2" })};
const netns = new linuxnet.Netns("box", { name: "box", connection });
const dns = new linuxnet.ResolvConf("box", { netns: netns.name, nameservers: ["192.0.2.53"], search: ["lab.test"], connection });
const serve = new linuxnet.Process("serve", {
  netns: netns.name, connection, ready: { tcp: 80 }, restart: "always", environment: { SECRET: "geheim" },
  command: ["sh", "-c", "echo begun; setsid sleep 4242 & exec socat TCP-LISTEN:80,fork,reuseaddr EXEC:'cat /etc/resolv.conf'"],
}, { dependsOn: dns });
export const pid = serve.pid;
export const logPath = serve.logPath;
export const unit = serve.unit;
`;

/** How logind sees the log-ins of `lab`. */
const states = `loginctl list-sessions --no-legend | awk '$3 == "lab" { print $1 }' |
  xargs -r -n 1 loginctl show-session -p State --value`;

test("a program outlives the login that started it, sees its resolv.conf, and is back after a reboot", async () => {
  const [, vm2] = lab.vms;
  const stack = await lab.open(program);
  expect(succeeded(await stack.up()).changes).toEqual({ create: 4 });
  // The engine's session has ended; one of which processes are left stays in logind's list, as closing.
  await expect.poll(() => vm2.sh(states), { timeout: 60_000 }).not.toMatch(/active|online/);
  const ask = "ip netns exec box curl -s --http0.9 -m 30 127.0.0.1";
  const answer = await vm2.sh(ask);
  expect(answer).toContain("nameserver 192.0.2.53");
  expect(answer).toContain("search lab.test");
  const { pid, logPath, unit } = await stack.outputs();
  expect(await vm2.sh(`cat ${logPath}`)).toBe("begun");
  expect(await vm2.sh("ip netns pids box | xargs -n 1 ps -o args= -p")).toContain("sleep 4242");
  const where = await vm2.sh(`cat /proc/${pid}/cgroup`);
  expect(where).toContain(`/system.slice/${unit}`);
  const state = await vm2.sh(`systemctl show -p MainPID -p Restart -p ActiveState ${unit}`);
  expect(state).toContain(`MainPID=${pid}\n`);
  expect(await vm2.sh(`systemctl show ${unit} | grep -c geheim || :; ls /run/systemd/transient | grep linuxnet`)).toBe(
    `0\n${unit}`,
  );
  show("a program, when the login has ended", `${answer}\nits cgroup: ${where}\n${state}`);
  await vm2.sh(`kill -KILL ${pid}; until ${ask} >/dev/null; do sleep 0.2; done`);
  succeeded(await stack.preview("--diff", "--expect-no-changes"));

  await vm2.reboot();
  expect((await vm2.ssh("pgrep -x socat")).code).toBe(1);
  const up = succeeded(await stack.up());
  expect(await vm2.sh(ask)).toBe(answer);
  show("after a reboot", `up: ${JSON.stringify(up.changes)}`);

  succeeded(await stack.destroy());
  expect((await vm2.ssh("pgrep -f 'socat|sleep 4242'")).code).toBe(1);
  await lab.expectClean();
});
