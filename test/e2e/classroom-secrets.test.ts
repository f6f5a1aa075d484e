// Secrets that come from the stack's configuration, as the example `classroom` has them: a password, a key with a passphrase.
import { expect } from "vitest";
import type { LabHost } from "../support/hosts.ts";
import type { Answer } from "../support/machine.ts";
import { succeeded } from "../support/stack.ts";
import { setPath, test } from "./hosts-lab.ts";

/** Notes the arguments of all processes over and over, those on the hosts too, while another one runs. */
const sampled = (operation: string) => `touch /media/lab/samples
(${operation}) & engine=$!
while kill -0 $engine 2>/dev/null; do
  cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' >>/media/lab/samples
  sleep 0.1
done
wait $engine`;

/** What the engine itself writes from `-v=8` on of every property of every program, secret or not; the rest is searched. */
const engineDumps = /"msg":"(Unm|M)arshal|"msg":"(\w+Sink::)?.{0,80}RegisterResource(Outputs)? RPC /;

const loud = ["--logtostderr", "--logflow", "-v=9"];

test("secrets of the configuration are found nowhere", async ({ start, open }) => {
  const lab = await start(2);
  const { machine, keys } = lab;
  const [h1, h2] = lab.hosts as [LabHost, LabHost];
  const random = (text: string) => /[0-9a-f]{18}/.exec(text)?.[0] ?? text;
  const needles = [random(keys.password), random(keys.passphrase), keys.locked.text.split("\n")[2] ?? ""].join("\n");
  await machine.exec("cat >/media/lab/needles; touch /media/lab/began", `${needles}\n`);
  const stack = await open(lab, "classroom");
  await setPath(stack, "hosts[0].host", "h1");
  await setPath(stack, "hosts[0].user", "labpw");
  await setPath(stack, "hosts[0].password", keys.password, true);
  await setPath(stack, "hosts[1].host", "h2");
  await setPath(stack, "hosts[1].user", "lab");
  await setPath(stack, "hosts[1].privateKey", keys.locked.text, true);
  await setPath(stack, "hosts[1].privateKeyPassword", keys.passphrase, true);

  const printed: string[] = [];
  const run = async (verb: string, ...more: string[]): Promise<Answer> => {
    const answer = await machine.exec(sampled(stack.operation(verb, "--yes", "--skip-preview", ...loud, ...more)));
    printed.push(answer.stdout, answer.stderr);
    return answer;
  };
  succeeded(await run("up", "--diff"));
  await h1.sh("ip link set lab0 mtu 1300");
  succeeded(await run("refresh", "--diff"));
  // An update that fails: the new port is taken on one host, and the other one does not let its user in any more.
  const holder = await h1.spawn(["python3", "-m", "http.server", "8081"]);
  await h1.sh("until ss -Htln sport = :8081 | grep -q .; do sleep 0.02; done");
  await h2.sh("usermod -s /usr/sbin/nologin lab");
  await stack.configure("port", "8081");
  expect((await run("up", "--diff", "--continue-on-error", "--refresh=false")).code).not.toBe(0);
  await h1.sh(`kill ${holder}`);
  await h2.sh("usermod -s /bin/bash lab");
  const state = await machine.sh(`grep -rlFf /media/lab/needles ${stack.state} || echo nothing`);
  succeeded(await run("destroy", "--diff"));

  expect(printed.join("\n")).toContain("pages");
  const lines = printed.flatMap((text) => text.split("\n")).filter((line) => !engineDumps.test(line));
  const leaks = lines.filter((line) => needles.split("\n").some((needle) => line.includes(needle)));
  expect(leaks.map((line) => line.slice(0, 300))).toEqual([]);
  expect(state).toBe("nothing");
  expect(await machine.sh("grep -c linuxnet /media/lab/samples")).not.toBe("0");
  expect(await machine.sh("grep -cFf /media/lab/needles /media/lab/samples || :")).toBe("0");
  const written = "find /tmp /var/tmp /run /dev/shm /root /home -xdev -newer /media/lab/began -type f -print0";
  const found = `${written} 2>/dev/null | xargs -0r grep -lFf /media/lab/needles || echo nothing`;
  expect(await machine.sh(found)).toBe("nothing");
  for (const host of [h1, h2]) {
    const places = "/tmp /var/tmp /run /dev/shm /root /home /var/log /etc";
    expect((await host.exec(`grep -rlFf - ${places} 2>/dev/null || echo nothing`, needles)).stdout).toBe("nothing\n");
  }
});
