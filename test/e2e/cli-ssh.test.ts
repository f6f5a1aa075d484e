// The command `linuxnet` on a host behind ssh, with a password that ssh and sudo want, and that only the state knows.
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { quoteAll } from "../../provider/kernel/quote.ts";
import type { Hosts, LabHost } from "../support/hosts.ts";
import { test } from "../support/hosts-test.ts";
import { startCommand } from "../support/running.ts";
import { Stack, succeeded } from "../support/stack.ts";

const program = `
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";
const connection = { host: "10.99.0.1", user: "labpw", password: new pulumi.Config().requireSecret("password") };
const shop = new linuxnet.Network("shop", { subnet: "10.5.0.0/24", connection });
const web = new linuxnet.Container("web", {
  network: shop,
  command: ["sleep", "1000"],
  environment: { TOKEN: pulumi.secret("hush-hush") },
});
new linuxnet.Container("client", { network: shop });
const quiet = ["sh", "-c", "echo one; while [ ! -e /media/more ]; do sleep 0.1; done; echo two; exec sleep 1000"];
new linuxnet.Process("quiet", { command: quiet, connection });
new linuxnet.Netns("far", { name: "far", connection: { host: "10.99.0.1", user: "lab" } });
`;

test("a stack on a host behind ssh is shown, entered and checked; its secrets go nowhere else", async ({ start }) => {
  const lab = await start(1);
  const { machine, keys } = lab;
  const stack = await Stack.open(machine, program);
  try {
    const file = ["--config-file", `${stack.state}/Pulumi.dev.yaml`];
    succeeded(
      await machine.exec(
        stack.command("config", "set", "--stack", "dev", ...file, "--secret", "password"),
        keys.password,
      ),
    );
    succeeded(await stack.up());
    const line = (...args: string[]) => stack.linuxnetLine("--stack", "dev", ...args);
    const token = "cat; hostname; tr '\\0' '\\n' </proc/$(pgrep -xf 'sleep 1000')/environ | grep -c TOKEN; exit 5";
    const answers = await Promise.all([
      machine.exec(line("ls")),
      machine.exec(line("exec", "web", "--", "sh", "-c", token), "what 'comes' in\n"),
      machine.exec(line("inspect", "web", "--json")),
      machine.exec(stack.linuxnetLine("ls", "--host", "lab@10.99.0.1", "--json")),
      machine.exec(line("check")),
      machine.exec(line("logs", "-f", "wbe")),
      machine.exec(line("doctor")),
      machine.exec(stack.linuxnetLine("doctor", "--host", "lab@10.99.0.1", "--json")),
    ]);
    const [own, entered, web, host, checked, wrong, doctor, fit] = answers;
    expect(own).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("10.99.0.1") });
    expect(own?.stdout).not.toContain("drifted");
    expect(entered).toMatchObject({
      code: 5,
      stderr: "",
      stdout: expect.stringMatching(/^what 'comes' in\n\S+\n1\n$/),
    });
    expect(web?.stdout).toContain('"password": "[secret]"');
    expect(JSON.parse(host?.stdout ?? "")).toMatchObject({ host: "10.99.0.1" });
    expect(host?.stdout).toContain("namespace web-");
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining("All is as it should be.") });
    expect(doctor).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/lab\/dev on 10\.99\.0\.1\n.*No known cause/),
    });
    expect(fit).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(fit?.stdout ?? "")).toMatchObject({ hosts: [{ findings: [], features: { bridge: true } }] });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("Did you mean web?") });
    for (const { stdout, stderr } of answers)
      for (const secret of [keys.password, "hush-hush"]) expect(stdout + stderr).not.toContain(secret);
    // Somebody who sits before a terminal has one there, too.
    const typed = quoteAll(["script", "-qec", line("exec", "far", "tty"), "/dev/null"]);
    expect(await machine.exec(`timeout 30 ${typed}`)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\/dev\/pts\/\d+\r\n$/),
    });
    await readingOn(lab, stack);
    await following(lab, stack);
    await cutOff(lab, stack);
    succeeded(await stack.destroy());
  } finally {
    stack.close();
  }
});

/** A log is followed there, and what follows it goes with its reader: also when nothing more is printed, or the connection is lost. */
async function readingOn({ hosts }: Hosts, stack: Stack): Promise<void> {
  const host = hosts[0] as LabHost;
  const gone = "for i in $(seq 300); do pgrep -x tail >/dev/null || exit 0; sleep 0.1; done; exit 1";
  const [log, other] = [
    await startCommand(stack, "logs", "-f", "quiet"),
    await startCommand(stack, "logs", "-f", "-n", "1", "quiet"),
  ];
  expect([await log.line(), await other.line()]).toEqual(["one", "one"]);
  await host.sh("touch /media/more");
  expect([await log.line(), await other.line()]).toEqual(["two", "two"]);
  expect(await log.stop("INT")).toEqual({ code: 0, signal: undefined, stderr: "" });
  expect(await host.sh("pgrep -cx tail")).toBe("1");
  await host.cutConnections();
  await expect(other.line()).rejects.toThrow("on 10.99.0.1: the connection has ended");
  await host.sh(`rm /media/more; ${gone}`);
}

/** A packet is followed there, and captured meanwhile. */
async function following({ machine }: Hosts, stack: Stack): Promise<void> {
  const line = (...args: string[]) => `(${stack.linuxnetLine("--stack", "dev", ...args)})`;
  const said = `${stack.folder}/capturing`;
  const capturing = `${line("capture", "web", "-c", "1", "--", "icmp")} 2>${said} & until grep -q 'capturing at' ${said}; do sleep 0.1; done`;
  const { code, stdout } = await machine.exec(
    `${capturing}; ${line("trace", "web", "client")}; code=$?; wait $!; exit $code`,
  );
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringContaining("it got there, and the answer came back"),
  });
  expect(stdout).toMatch(/^ {2}web +eth0 +out {2}10\.5\.0\.\d → 10\.5\.0\.\d {2}echo request$/m);
  expect(stdout).toMatch(/^\S+ {2}web {2}IP 10\.5\.0\.\d > 10\.5\.0\.\d: ICMP echo request/m);
}

/** When the connection is lost, all that watched there ends. */
async function cutOff({ machine, hosts }: Hosts, stack: Stack): Promise<void> {
  const host = hosts[0] as LabHost;
  const traces = () => host.sh("nft list tables | grep linuxnet-trace; pgrep -x tcpdump; :");
  // There is nobody at 10.5.0.99: it is waited for.
  const answer = machine.exec(stack.linuxnetLine("--stack", "dev", "trace", "web", "10.5.0.99"));
  while (!/linuxnet-trace.*\n\d+\n\d+/.test(await traces())) await sleep(50);
  await host.cutConnections();
  const { code, stdout, stderr } = await answer;
  expect({ code, stdout, lines: stderr.split("\n").length }).toEqual({ code: 2, stdout: "", lines: 2 });
  while ((await traces()) !== "") await sleep(50);
}
