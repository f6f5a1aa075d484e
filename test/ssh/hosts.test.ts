// The tests' own ground: hosts that are reached by ssh, and of which nothing is seen or left on the machine.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { execa } from "execa";
import { expect } from "vitest";
import { Hosts } from "../support/hosts.ts";
import { test } from "../support/hosts-test.ts";

const seen = async () =>
  (await execa("sh", ["-c", "ip -o link; ip netns; nft list tables; cat /proc/self/mounts"])).stdout;

test("three hosts know themselves and each other", async ({ start }) => {
  const lab = await start(3);
  for (const [index, { address, name }] of lab.hosts.entries()) {
    const { stdout } = await lab.ssh(`root@${address}`, "hostname; cat /etc/machine-id; ps -e -o comm= | head -1");
    expect(stdout).toBe(`${name}\n${(0x1ab1 + index).toString(16).padStart(32, "0")}\ncat\n`);
    for (const other of lab.hosts) await lab.hosts[index]?.sh(`ping -c 1 -W 5 ${other.address}`);
  }
});

test("each user comes in, and has the rights that the name says", async ({ start }) => {
  const lab = await start();
  const sudo = "id -un; sudo -n true && echo all; sudo -n ip link >/dev/null && echo ip";
  const rights = { root: "all\nip\n", lab: "all\nip\n", labfew: "ip\n", labno: "" };
  for (const [user, allowed] of Object.entries(rights))
    expect((await lab.ssh(`${user}@h1`, sudo)).stdout).toBe(`${user}\n${allowed}`);
  expect((await lab.ssh("labpw@h1", "true")).stderr).toContain("Permission denied (publickey,password)");
  expect((await lab.ssh("-i", lab.keys.spare.path, "labpw@h1", sudo)).stdout).toBe("labpw\n");
  const asked = `exec sudo -k -S -p '' id -un`;
  const words = `ssh -i ${lab.keys.spare.path} labpw@h1 "${asked}"`;
  expect((await lab.client(words, `${lab.keys.password}\n`)).stdout).toBe("root\n");
  expect((await lab.client(words, "wrong\n")).stdout).toBe("");
});

test("keys open what they should", async ({ start }) => {
  const lab = await start();
  const only = (path: string) => ["-o", "IdentitiesOnly=yes", "-o", `IdentityFile=${path}`, "-F", "none", "h1", "true"];
  expect((await lab.ssh(...only(lab.keys.id.path))).code).toBe(0);
  expect((await lab.ssh(...only(lab.keys.spare.path))).code).toBe(0);
  expect((await lab.ssh(...only(lab.keys.wrong.path))).code).toBe(255);
  expect((await lab.ssh(...only(lab.keys.locked.path))).code).toBe(255);
  const { socket } = await lab.agent(lab.keys.spare);
  expect((await lab.client(`SSH_AUTH_SOCK=${socket} ssh -T labpw@h1 id -un`)).stdout).toBe("labpw\n");
});

test("a host behind another is reached through it alone", async ({ start }) => {
  const lab = await start(2, { jump: true });
  const [, inner] = lab.hosts;
  expect((await lab.ssh("-o", "ConnectTimeout=1", `${inner?.address}`, "true")).code).toBe(255);
  expect((await lab.ssh("-J", "root@h1", `${inner?.address}`, "hostname")).stdout).toBe("h2\n");
});

test("sshd is set up anew, and is gone, and is cut", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts;
  if (!host) return;
  const before = await host.sshdPid();
  await host.restartSshd("Banner /etc/issue.net\n");
  expect(await host.sshdPid()).not.toBe(before);
  expect((await lab.ssh("h1", "true")).stderr).not.toBe("");
  await host.restartSshd();
  expect(await lab.ssh("h1", "true")).toEqual({ code: 0, stdout: "", stderr: "" });

  const session = lab.ssh("h1", "touch /run/begun; sleep 3; touch /run/ended");
  await host.sh("until [ -e /run/begun ]; do sleep 0.05; done");
  await host.cutConnections();
  expect((await session).code).toBe(255);
  await host.sh("until [ -e /run/ended ]; do sleep 0.05; done");

  await host.stopSshd();
  expect(await host.sshdPid()).toBe(0);
  expect((await lab.ssh("h1", "true")).stderr).toContain("Connection refused");
});

test("a host that has lost its power is silent, and boots empty", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts;
  const dead = ["-o", "ConnectTimeout=2", "h1", "true"];
  await host?.sh("ip link add left0 type bridge; touch /etc/left; echo x >/root/left");
  await host?.kill();
  expect((await lab.ssh(...dead)).code).toBe(255);
  await host?.boot();
  expect((await lab.ssh("h1", "ls /etc/left /root/left; ip -o link show left0")).stdout).toBe("");
  await host?.dropPackets();
  expect((await lab.ssh(...dead)).stderr).toContain("timed out");
  await host?.passPackets();
  await host?.baseline();
});

test("a leak on a host is noticed, and a session is none", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts;
  const session = lab.ssh("lab@h1", "sudo sleep 3");
  await host?.sh(
    "until [ -n \"$(ls /proc | grep -v '[^0-9]' | xargs -I{} cat /proc/{}/comm 2>/dev/null | grep sleep)\" ]; do sleep 0.05; done",
  );
  await host?.expectClean(1);
  await session;
  const pid = await host?.spawn(["sleep", "100"]);
  await expect(host?.expectClean(1)).rejects.toThrow("sleep 100");
  await host?.sh(`kill ${pid}`);
});

test("nothing of it is seen on the machine, nor left", async () => {
  const before = await seen();
  const lab = await Hosts.start(2, { world: true });
  const { socket } = await lab.agent(lab.keys.spare);
  const { pid } = lab.machine;
  await lab.hosts[0]?.sh("ip link add left0 type bridge; nft add table inet left0; mount -t tmpfs tmpfs /srv");
  expect(await seen()).toBe(before);
  await lab.stop();
  expect(await seen()).toBe(before);
  expect(existsSync(dirname(socket))).toBe(false);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});
