// The command `linuxnet` on a host behind ssh, with a password that ssh and sudo want, and that only the state knows.
import { expect } from "vitest";
import { quoteAll } from "../../provider/kernel/quote.ts";
import { test } from "../support/hosts-test.ts";
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
    succeeded(await stack.destroy());
  } finally {
    stack.close();
  }
});
