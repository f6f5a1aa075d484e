// The command `linuxnet` on a stack of components, a Lab and a bare namespace, in the hands of the real engine. What asks only
// is asked side by side.
import { expect } from "vitest";
import { quoteAll } from "../../provider/kernel/quote.ts";
import type { Answer } from "../support/machine.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
const shop = new linuxnet.Network("shop", { subnet: "10.5.0.0/24", dns: true });
const inner = new linuxnet.Network("inner", { subnet: "10.6.0.0/24", internal: true });
const serving = { command: ["python3", "-u", "-m", "http.server", "80"], cwd: "/usr/share/common-licenses", ready: { tcp: 80 } };
const web = new linuxnet.Container("web", { network: shop, publish: ["8080:80"], ...serving });
const client = new linuxnet.Container("client", { network: [shop, inner], links: { serveur: web } });
const lost = new linuxnet.Container("lost", { network: inner });
new linuxnet.Netns("plain", { name: "plain" });
new linuxnet.Lab("bench", {
  networks: { desk: { subnet: "10.7.0.0/24", dns: true } },
  containers: { one: { network: "desk", command: ["sleep", "1000"] }, two: { network: "desk" } },
  expect: [{ from: "two", to: "one" }],
});
new linuxnet.Expect("page", { from: client, to: "serveur", port: 80 }, { dependsOn: [web, client] });
new linuxnet.Expect("closed", { from: lost, to: web, port: 80, reachable: false }, { dependsOn: [web, lost] });
`;

type Bag = Record<string, unknown>;

const json = ({ stdout }: Answer) => JSON.parse(stdout);
const having = (some: Bag) => expect.arrayContaining([expect.objectContaining(some)]);

test("the command shows a stack, goes into it, checks it, finds what differs, and sweeps what no state knows", async ({
  machine,
  open,
}) => {
  const stack = await open(program);
  succeeded(await stack.up());
  await Promise.all([showing(stack), entering(stack)]);
  await healthy(stack);
  await machine.sh("ip link set dev $(ls /sys/class/net | grep ^client | head -1) mtu 1400; nft flush ruleset");
  await broken(stack);
  await mended(stack);
  await refused(stack);
  await sweeping(stack);
});

async function showing(stack: Stack): Promise<void> {
  const dev = (...args: string[]) => stack.linuxnet("--stack", "dev", ...args);
  const [all, own, web, programs] = await Promise.all([
    stack.linuxnet("ls", "--json"),
    dev("ls"),
    dev("inspect", "web", "--json"),
    stack.linuxnet("ps", "--json"),
  ]);
  expect(all).toMatchObject({ code: 0, stderr: "" });
  const { objects } = json(all);
  expect(objects).toEqual(having({ project: "lab", stack: "dev", kind: "Bridge", what: "link" }));
  expect([...new Set(objects.map(({ kind }: Bag) => kind))].toSorted()).toEqual([
    "Bridge",
    "Lab",
    "NatRule",
    "Netns",
    "PortPublish",
    "Process",
    "ResolvConf",
    "Resolver",
    "VethPair",
  ]);
  expect(own).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^lab\/dev\n +KIND/) });
  const [found] = json(web);
  expect(found).toMatchObject({ container: { addresses: ["10.5.0.2/24"], gateway: "10.5.0.1" } });
  expect(found.kernel.join("\n")).toContain("10.5.0.2/24");
  expect(json(programs)).toEqual(having({ name: "web", containers: ["web"], alive: true }));
  expect(json(programs)).toEqual(having({ name: "bench/one", command: ["sleep", "1000"], alive: true }));
}

async function entering(stack: Stack): Promise<void> {
  const { machine } = stack;
  const line = (...args: string[]) => stack.linuxnetLine("--stack", "dev", ...args);
  await machine.sh("curl -s http://127.0.0.1:8080/GPL-3 >/dev/null");
  const [log, read, piped, desk, shell] = await Promise.all([
    machine.exec(line("logs", "-n", "1", "web")),
    machine.exec(line("exec", "client", "--", "sh", "-c", "getent hosts web; cat /etc/resolv.conf; exit 7")),
    machine.exec(line("exec", "-u", "nobody", "web", "sh", "-c", "id -un; cat"), "a 'b' $c"),
    machine.exec(line("exec", "bench/two", "--", "getent", "hosts", "one")),
    machine.exec(line("shell", "client"), "echo in $debian_chroot; ip -br link | cut -c 1-4; exit 3"),
  ]);
  expect(log.stdout).toContain("GET /GPL-3");
  expect(read).toMatchObject({ code: 7, stderr: "", stdout: expect.stringContaining("nameserver 10.5.0.1") });
  expect(read.stdout).toContain("10.5.0.2");
  expect(piped).toMatchObject({ code: 0, stdout: "nobody\na 'b' $c" });
  expect(desk).toMatchObject({ code: 0, stdout: expect.stringMatching(/^10\.7\.0\.2 /) });
  expect(shell).toMatchObject({ code: 3, stdout: expect.stringContaining("in client\n") });
  expect(shell.stdout).toContain("eth1");
}

async function healthy(stack: Stack): Promise<void> {
  const [checked, picture, doctor] = await Promise.all([
    stack.linuxnet("check", "--json"),
    stack.linuxnet("graph", "--refresh", "--format", "html"),
    stack.linuxnet("doctor", "--json"),
  ]);
  expect(json(doctor)).toMatchObject({ project: "lab", stack: "dev", hosts: [{ findings: [] }] });
  expect(doctor).toMatchObject({ code: 0, stderr: "" });
  const { trials, points } = json(checked);
  expect(trials.filter(({ wrong }: Bag) => wrong)).toEqual([]);
  expect(checked).toMatchObject({ code: 0, stderr: "" });
  expect(points).toEqual({ held: 3, total: 3 });
  expect(trials).toEqual(having({ group: "containers", from: "web", to: "client", expected: true, held: true }));
  expect(trials).toEqual(having({ group: "containers", from: "lost", to: "web", expected: false, held: false }));
  expect(trials).toEqual(
    having({ group: "containers", from: "bench/two", to: "bench/one", expected: true, held: true }),
  );
  expect(trials).toEqual(having({ group: "gateways", from: "lost", to: "10.6.0.1", expected: false, held: false }));
  expect(trials).toEqual(having({ group: "world", from: "web", to: "203.0.113.1", expected: true, held: true }));
  expect(trials).toEqual(having({ group: "names", from: "client", to: "serveur", held: true }));
  expect(trials).toEqual(having({ group: "ports", to: "127.0.0.1:8080 → 10.5.0.2:80", held: true }));
  expect(picture).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("10.5.0.2/24") });
  expect(picture.stdout).not.toContain(' drift"');
}

async function broken(stack: Stack): Promise<void> {
  const [listed, checked, picture] = await Promise.all([
    stack.linuxnet("--stack", "dev", "ls", "--json"),
    stack.linuxnet("check", "--format", "junit"),
    stack.linuxnet("graph", "--refresh", "--format", "svg"),
  ]);
  expect(listed.code).toBe(1);
  const cable = { kind: "VethPair", standing: "drifted", notes: expect.arrayContaining(["mtu is 1400, not 1500"]) };
  expect(json(listed)[0].objects).toEqual(having(cable));
  expect(checked).toMatchObject({ code: 1, stderr: "" });
  expect(checked.stdout).toContain('<failure message="web does not reach 203.0.113.1');
  expect(checked.stdout).toContain("the host does not reach 127.0.0.1:8080");
  expect(checked.stdout).toContain('name="client reaches web"/>');
  expect(picture).toMatchObject({ code: 1, stdout: expect.stringContaining("container drift") });
}

/** What is ours is brought back without the engine; what is left is told. */
async function mended(stack: Stack): Promise<void> {
  const [text, client] = await Promise.all([stack.linuxnet("doctor"), stack.linuxnet("doctor", "client", "--json")]);
  expect(text).toMatchObject({ code: 1, stderr: "", stdout: expect.stringMatching(/1\. Our nftables table is gone/) });
  expect(json(client).hosts[0].findings.map(({ cause }: Bag) => cause)).toEqual(["rules-gone", "mtu"]);
  const fixed = await stack.linuxnet("doctor", "--fix");
  expect(fixed).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Mended \d+ objects of ours: .*\n.*\n.*No known cause/),
  });
}

/** What cannot be done is told in one sentence, with exit code 2. */
async function refused(stack: Stack): Promise<void> {
  const wrong: [string[], string][] = [
    [["--stack", "dve", "ls"], "there is no stack dve. Did you mean dev?"],
    [["--stack", "dev", "exec", "wbe", "true"], "there is no container wbe in lab/dev. Did you mean web?"],
    [["doctor", "wbe"], "there is no container and no network wbe in lab/dev. Did you mean web?"],
    [["doctor", "--host", "lab1", "web"], "--host judges a host without a stack"],
    [["ls", "--host", "nobody@127.0.0.1:1"], "127.0.0.1: the session could not be opened"],
  ];
  await Promise.all(
    wrong.map(async ([args, sentence]) => {
      const { code, stdout, stderr } = await stack.linuxnet(...args);
      expect({ args, code, stdout, lines: stderr.split("\n").length }).toEqual({ args, code: 2, stdout: "", lines: 2 });
      expect(stderr).toContain(sentence);
    }),
  );
}

async function sweeping(stack: Stack): Promise<void> {
  const nothing = await stack.linuxnet("sweep", "--dry-run");
  expect(nothing).toMatchObject({ code: 0, stdout: "Nothing on this machine is without a state.\n", stderr: "" });
  await stack.must("state", "delete", "--stack", "dev", "--all", "--force", "--yes");
  const [shown, unasked] = await Promise.all([stack.linuxnet("sweep", "--dry-run"), stack.linuxnet("sweep")]);
  expect(shown).toMatchObject({ code: 1, stdout: expect.stringContaining("namespace plain") });
  expect(unasked).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("Give --yes") });
  // On a terminal it asks, and goes on when the answer is yes.
  const typed = quoteAll(["script", "-qec", stack.linuxnetLine("sweep"), "/dev/null"]);
  const swept = await stack.machine.exec(typed, "y\n");
  expect(swept.stdout).toMatch(/Remove \d+ objects\? \[y\/N\] .*Removed \d+ objects\.\r\n$/s);
  expect(swept.code).toBe(0);
}
