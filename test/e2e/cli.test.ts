// The command `linuxnet` on a stack of components, in the hands of the real engine.
import { expect } from "vitest";
import { succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
const shop = new linuxnet.Network("shop", { subnet: "10.5.0.0/24", dns: true });
const inner = new linuxnet.Network("inner", { subnet: "10.6.0.0/24", internal: true });
const serving = { command: ["python3", "-u", "-m", "http.server", "80"], cwd: "/usr/share/common-licenses", ready: { tcp: 80 } };
const web = new linuxnet.Container("web", { network: shop, publish: ["8080:80"], environment: { TOKEN: "hush-hush" }, ...serving });
const client = new linuxnet.Container("client", { network: [shop, inner], links: { serveur: web } });
const lost = new linuxnet.Container("lost", { network: inner });
const plain = new linuxnet.Netns("plain", { name: "plain" });
new linuxnet.Lab("bench", {
  networks: { desk: { subnet: "10.7.0.0/24", dns: true } },
  containers: { one: { network: "desk", command: ["sleep", "1000"] }, two: { network: "desk", publish: ["9090:90"] } },
});
`;

test("the command shows a stack, goes into its containers, and finds what differs", async ({ machine, open }) => {
  const stack = await open(program);
  succeeded(await stack.up());

  const all = await stack.linuxnet("ls", "--json");
  expect(all).toMatchObject({ code: 0, stderr: "" });
  const { objects } = JSON.parse(all.stdout) as { objects: Record<string, string>[] };
  expect(objects).toContainEqual(
    expect.objectContaining({ project: "lab", stack: "dev", kind: "Bridge", what: "link" }),
  );
  expect(new Set(objects.map(({ kind }) => kind))).toEqual(
    new Set(["Bridge", "Lab", "NatRule", "Netns", "PortPublish", "Process", "ResolvConf", "Resolver", "VethPair"]),
  );
  const own = await stack.linuxnet("--stack", "dev", "ls");
  expect(own.stdout).toMatch(/^lab\/dev\n.*KIND/);
  expect(own).toMatchObject({ code: 0, stderr: "" });
  expect(own.stdout).not.toContain("drifted");

  const web = await stack.linuxnet("--stack", "dev", "inspect", "web", "--json");
  expect(JSON.parse(web.stdout)[0]).toMatchObject({ container: { addresses: ["10.5.0.2/24"], gateway: "10.5.0.1" } });
  expect(JSON.parse(web.stdout)[0].kernel.join("\n")).toContain("10.5.0.2/24");

  const programs = JSON.parse((await stack.linuxnet("--stack", "dev", "ps", "--json")).stdout);
  expect(programs).toContainEqual(expect.objectContaining({ name: "web", containers: ["web"], alive: true }));
  await machine.sh("curl -s http://127.0.0.1:8080/GPL-3 >/dev/null");
  expect((await stack.linuxnet("--stack", "dev", "logs", "-n", "1", "web")).stdout).toContain("GET /GPL-3");
  expect(programs).toContainEqual(
    expect.objectContaining({ name: "bench/one", command: ["sleep", "1000"], alive: true }),
  );
  expect((await stack.linuxnet("--stack", "dev", "logs", "shop")).stdout).toContain("dnsmasq");

  const read = await stack.linuxnet(
    "exec",
    "client",
    "--",
    "sh",
    "-c",
    "getent hosts web; cat /etc/resolv.conf; exit 7",
  );
  expect(read).toMatchObject({ code: 7, stderr: "" });
  expect(read.stdout).toContain("10.5.0.2");
  expect(read.stdout).toContain("nameserver 10.5.0.1");
  const piped = await machine.exec(
    `${stack.linuxnetLine("--stack", "dev", "exec", "-u", "nobody", "web", "sh", "-c", "id -un; cat")}`,
    "a 'b' $c",
  );
  expect(piped).toMatchObject({ code: 0, stdout: "nobody\na 'b' $c" });
  const desk = await stack.linuxnet("--stack", "dev", "exec", "bench/two", "--", "getent", "hosts", "one");
  expect(desk).toMatchObject({ code: 0, stdout: expect.stringMatching(/^10\.7\.0\.2 /) });
  const shell = await machine.exec(
    stack.linuxnetLine("--stack", "dev", "shell", "client"),
    "echo in $debian_chroot; ip -br link | cut -c 1-4; exit 3",
  );
  expect(shell).toMatchObject({ code: 3, stdout: expect.stringContaining("in client\n") });
  expect(shell.stdout).toContain("eth1");

  await machine.sh(
    "ip link set dev $(ls /sys/class/net | grep ^client | head -1) mtu 1400; kill $(cat /run/linuxnet/process/*/pid | awk '/./ { print $1 }')",
  );
  const drifted = await stack.linuxnet("--stack", "dev", "ls", "--json");
  expect(drifted.code).toBe(1);
  const [{ objects: seen }] = JSON.parse(drifted.stdout);
  const cable = { kind: "VethPair", standing: "drifted", notes: expect.arrayContaining(["mtu is 1400, not 1500"]) };
  expect(seen).toContainEqual(expect.objectContaining(cable));
  expect((await stack.linuxnet("ps")).code).toBe(1);
  const said = async (...args: string[]) => {
    const { code, stdout, stderr } = await stack.linuxnet(...args);
    expect({ args, code, stdout, lines: stderr.split("\n").length }).toEqual({ args, code: 2, stdout: "", lines: 2 });
    return stderr;
  };
  expect(await said("--stack", "dve", "ls")).toContain("there is no stack dve. Did you mean dev?");
  expect(await said("--stack", "dev", "exec", "wbe", "true")).toContain(
    "there is no container wbe in lab/dev. Did you mean web?",
  );
  expect(await said("--stack", "dev", "logs", "wbe")).toContain("Did you mean web?");
  expect(await said("ls", "--host", "nobody@127.0.0.1:1")).toContain("127.0.0.1: the session could not be opened");
  succeeded(await stack.destroy());
});
