// After all that the engine can do with secrets, none of them can be found: not in the state, the logs, the output, the list
// of processes, the environment of processes, nor in any file that was written meanwhile.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Hosts, LabHost } from "../support/hosts.ts";
import { test } from "../support/hosts-test.ts";
import { Stack, succeeded } from "../support/stack.ts";

/** Reads its secrets from files of the client side that are not searched, and marks none of them. */
const program = `
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { Bridge, Netns } from "pulumi-linuxnet";
const read = (name: string) => readFileSync("/media/lab/" + name, "utf8");
const { mtu, address } = JSON.parse(readFileSync("values.json", "utf8"));
const ways = {
  password: { host: "10.99.0.1", user: "labpw", password: read("password") },
  passphrase: { host: "10.99.0.1", user: "lab", privateKey: read("keys/locked"), privateKeyPassword: read("passphrase") },
  jump: { host: "10.98.0.2", user: "labpw", privateKey: read("keys/spare"), sudoPassword: read("password"),
    proxy: { host: "10.99.0.1", user: "labpw", privateKey: read("keys/spare"), password: read("password") } },
};
for (const [way, connection] of Object.entries(ways)) {
  new Bridge(way, { name: "b-" + way, addresses: way === "password" ? [address] : [], mtu, connection });
  new Netns(way, { name: way, connection: pulumi.output(connection) });
}
`;

/** What stands for each secret in a search: a part that no encoding of text changes. */
function needles({ keys }: Hosts): Record<string, string> {
  const random = (text: string) => /[0-9a-f]{18}/.exec(text)?.[0] ?? "";
  const line = (text: string) => text.split("\n")[2]?.slice(0, 40) ?? "";
  return {
    password: random(keys.password),
    passphrase: random(keys.passphrase),
    key: line(keys.spare.text),
    "locked key": line(keys.locked.text),
  };
}

/** Notes every process's arguments and environment over and over, here and (in namespaces within) on the hosts. */
const sampler = `while :; do
  for process in /proc/[0-9]*; do
    [ "$process" = /proc/$$ ] || cat $process/cmdline $process/environ 2>/dev/null | tr '\\0' '\\n'
  done >>/media/lab/samples
  find /media/lab/tmp /tmp /var/tmp /run /dev/shm /root/.ssh -xdev -newer /media/lab/began -type f -print0 2>/dev/null |
    xargs -0r grep -lFf /media/lab/needles >>/media/lab/found 2>/dev/null
  sleep 0.2
done`;

/**
 * What the engine and its SDK write of every property of every program from `-v=8` on, secret or not ("log level 11 will
 * print sensitive information", the engine says): no provider can change it. All else at that level is searched.
 */
const engineDumps =
  /"msg":"(?:Unm|M)arshal|"msg":"(?:defaultSink::|eventSink::)?.{0,80}(?:RegisterResource|RegisterResourceOutputs) RPC /;

/** Puts what to search for beside the secrets themselves, and begins to watch; the pid of the watcher. */
async function watch(lab: Hosts, secrets: Record<string, string>): Promise<number> {
  const { machine, keys } = lab;
  await machine.exec("cat >/media/lab/needles", `${Object.values(secrets).join("\n")}\n`);
  await machine.exec("cat >/media/lab/passphrase; touch /media/lab/began /media/lab/samples", keys.passphrase);
  const held = "mkdir /media/lab/tmp; cd /media/lab && grep -lFf needles password passphrase keys/spare keys/locked";
  expect(await machine.sh(held)).toBe("password\npassphrase\nkeys/spare\nkeys/locked");
  return await machine.spawn(["bash", "-c", sampler]);
}

/** Runs the engine through all that it can do and that can go wrong; all that was printed. */
async function live(lab: Hosts, stack: Stack): Promise<string[]> {
  const [first, inner] = lab.hosts as [LabHost, LabHost];
  const printed: string[] = [];
  const values = (mtu: number, address = "10.9.0.1/24") =>
    writeFileSync(join(stack.folder, "values.json"), JSON.stringify({ mtu, address }));
  const run = async (command: string) => {
    const answer = await lab.client(`export TMPDIR=/media/lab/tmp; ${command}`);
    printed.push(answer.stdout, ...answer.stderr.split("\n").filter((line) => !engineDumps.test(line)));
    return answer;
  };
  const loud = ["--logtostderr", "--logflow", "-v=11", "--diff"];
  const operate = (verb: string) => run(stack.operation(verb, "--yes", "--skip-preview", ...loud));
  values(1500);
  await run(stack.operation("preview", ...loud));
  succeeded(await operate("up"));
  await first.sh("ip link set b-password mtu 1300");
  await inner.sh("ip link del b-jump");
  succeeded(await operate("refresh"));
  // A subnet that another bridge has, and a host that is out of reach: errors that could tell too much.
  await first.sh("ip link add dev taken type bridge; ip addr add 10.9.7.1/24 dev taken; ip link set taken up");
  values(1400, "10.9.7.2/24");
  expect((await operate("up")).code).not.toBe(0);
  await first.sh("ip link del taken");
  await first.stopSshd();
  await first.cutConnections();
  expect((await operate("up")).code).not.toBe(0);
  await first.restartSshd();
  values(1400);
  succeeded(await operate("up"));
  await run(stack.command("stack", "export", "--stack", "dev"));
  await run(stack.command("stack", "output", "--stack", "dev", "--json"));
  await run(`grep -rlFf /media/lab/needles ${stack.folder} ${stack.state}`);
  succeeded(await operate("destroy"));
  return printed;
}

test("no secret is found anywhere", async ({ start }) => {
  const lab = await start(2, { jump: true });
  const { machine } = lab;
  const secrets = needles(lab);
  const watcher = await watch(lab, secrets);
  const stack = await Stack.open(machine, program);
  try {
    const printed = await live(lab, stack);
    await machine.sh(`kill ${watcher}`);
    const found = (where: string, text: string) =>
      Object.entries(secrets).flatMap(([what, needle]) => {
        const at = text.indexOf(needle);
        return at < 0 ? [] : [`${what} in ${where}: ${text.slice(Math.max(0, at - 300), at)}`];
      });
    expect(printed.flatMap((text) => found("the output", text))).toEqual([]);
    expect(printed.filter((text) => text.startsWith(stack.folder) || text.startsWith(stack.state))).toEqual([]);
    expect(found("the processes", await machine.sh("cat /media/lab/samples"))).toEqual([]);
    expect(await machine.sh("cat /media/lab/found")).toBe("");
    expect(await machine.sh(`grep -rlFf /media/lab/needles ${stack.folder} ${stack.state} || :`)).toBe("");
    // Nor is anything else left of how they were handed over.
    expect(await machine.sh("ls /media/lab/tmp | grep linuxnet || :")).toBe("");
    const folders = "/tmp /run /var/log /var/tmp /root /home";
    for (const host of lab.hosts) {
      const { stdout } = await host.exec(`grep -rlF -f - ${folders} 2>/dev/null`, Object.values(secrets).join("\n"));
      expect(stdout).toBe("");
    }
  } finally {
    stack.close();
  }
});
