// ufw and firewalld as Debian installs them, under systemd: what is published and forwarded through them, and what of it
// outlives their reloads and restarts.
import { expect, onTestFinished, test } from "vitest";
import { type Outcome, type Stack, succeeded } from "../support/stack.ts";
import { connection, Lab, show } from "./lab.ts";

const lab = Lab.use();

/** A container behind vm2, published there; its way out leads to vm1. */
const program = `
import * as linuxnet from "pulumi-linuxnet";
const connection = ${connection({ name: "vm2" })};
const bridge = new linuxnet.Bridge("lab0", { name: "lab0", addresses: ["10.9.0.1/24"], isolate: true, connection });
const netns = new linuxnet.Netns("web", { name: "web", connection });
const cable = new linuxnet.VethPair("web", {
  name: "v-web", bridge: bridge.name, connection,
  peer: { name: "eth0", netns: netns.name, addresses: ["10.9.0.2/24"], gateway: "10.9.0.1" },
});
new linuxnet.Process("web", {
  netns: netns.name, connection, ready: { tcp: 80 },
  command: ["socat", "TCP-LISTEN:80,fork,reuseaddr", "SYSTEM:echo web"],
}, { dependsOn: cable });
new linuxnet.NatRule("out", { type: "masquerade", source: "10.9.0.0/24", outInterface: "eth1", connection }, { dependsOn: bridge });
new linuxnet.PortPublish("web", { hostPort: 8080, targetAddress: "10.9.0.2", targetPort: 80, connection }, { dependsOn: cable });
`;

/** What a neighbour gets of the published port, and whether the container gets out. */
async function reached(): Promise<string> {
  const [vm1, vm2] = lab.vms;
  const greeting = (place: string, to: string) => `${place} timeout 20 bash -c 'head -c 3 </dev/tcp/${to}'`;
  const inward = await vm1.ssh(greeting("", "10.98.0.2/8080"));
  const outward = await vm2.ssh(greeting("ip netns exec web", "10.98.0.1/22"));
  return `published: ${inward.stdout.trim() || "no"}, out: ${outward.stdout.trim() === "SSH" ? "yes" : "no"}`;
}

/** Fails unless this is what works; an emulated machine takes its time. */
async function expectReached(wanted: string): Promise<void> {
  await expect.poll(reached, { timeout: 180_000, interval: 0 }).toBe(wanted);
}

const works = "published: web, out: yes";

async function unchanged(stack: Stack, after: string): Promise<void> {
  const { changes } = succeeded(await stack.preview("--refresh"));
  await expectReached(works);
  show(after, `${works}\nthe preview: ${JSON.stringify(changes)}`);
}

/** Has a firewall's end: `off` is what its admin types; also behind a test that has failed, for the one behind it. */
function ending(off: string): () => Promise<string> {
  const [, vm2] = lab.vms;
  onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") await vm2.ssh(off);
  });
  return () => vm2.sh(off);
}

function refused({ code, stdout, stderr }: Outcome): string {
  expect(code).not.toBe(0);
  return /[^\n]* is stopped by [^\n]*/.exec(`${stdout}\n${stderr}`)?.[0].trim() ?? `${stdout}\n${stderr}`;
}

test("ufw: what is published and forwarded outlives reload and restart; a deny of its admin's holds", async () => {
  const [, vm2] = lab.vms;
  // What it has set beside its rules (/etc/ufw/sysctl.conf) stays as it is.
  const end = ending(`systemctl disable --now ufw; ufw --force disable </dev/null; nft flush ruleset
    sysctl -w net.ipv4.conf.all.accept_redirects=1`);
  await vm2.sh("ufw allow 22/tcp </dev/null");
  await vm2.sh("ufw --force enable </dev/null");
  await vm2.sh("systemctl enable ufw </dev/null; systemctl start ufw");
  const stack = await lab.open(program);
  succeeded(await stack.up());
  show("behind ufw", `${await vm2.sh("ufw status verbose | head -n 4")}\n${await reached()}`);
  await expectReached(works);

  await vm2.sh("ufw reload");
  await unchanged(stack, "after ufw reload");
  await vm2.sh("systemctl restart ufw");
  await unchanged(stack, "after systemctl restart ufw");

  await vm2.sh("ufw route deny proto tcp to 10.9.0.2 port 80");
  await expectReached("published: no, out: yes");
  show("ufw route deny", refused(await stack.up("--refresh")));
  await vm2.sh("ufw route delete deny proto tcp to 10.9.0.2 port 80");

  await vm2.sh("nft flush ruleset; systemctl restart ufw");
  const { changes } = succeeded(await stack.up("--refresh"));
  show("after nft flush ruleset, and ufw again", `up: ${JSON.stringify(changes)}\n${await reached()}`);
  await expectReached(works);

  succeeded(await stack.destroy());
  await end();
  await lab.expectClean();
});

test("firewalld: it is said what to tell it; then all outlives reload and restart", async () => {
  const [, vm2] = lab.vms;
  const end = ending(`firewall-cmd --permanent --zone=trusted --remove-interface=lab0
    systemctl stop firewalld; nft flush ruleset`);
  await vm2.sh("modprobe br_netfilter; systemctl start firewalld; firewall-cmd --state");
  const stack = await lab.open(program);
  const why = refused(await stack.up());
  show("behind firewalld", why);
  const remedy = /`(firewall-cmd [^`]*)`/.exec(why)?.[1];
  await vm2.sh(`${remedy}`);
  succeeded(await stack.up());
  await expectReached(works);

  await vm2.sh("firewall-cmd --reload");
  await unchanged(stack, "after firewall-cmd --reload");
  await vm2.sh("systemctl restart firewalld");
  await unchanged(stack, "after systemctl restart firewalld");

  await vm2.sh("nft flush ruleset; systemctl restart firewalld");
  const { changes } = succeeded(await stack.up("--refresh"));
  show("after nft flush ruleset, and firewalld again", `up: ${JSON.stringify(changes)}\n${await reached()}`);
  await expectReached(works);

  succeeded(await stack.destroy());
  await end();
  await lab.expectClean();
});
