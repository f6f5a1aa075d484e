// What the engine lets a user do to one stack: targets, protection, renaming, replacement, what it lets stand.
import { expect } from "vitest";
import { identities } from "../support/identity.ts";
import { succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const kind = "pulumi-nodejs:dynamic/linuxnet";
const urn = (type: string, name: string) => `urn:pulumi:dev::lab::${kind}:${type}::${name}`;

const program = (port: number, { alpha = '"a"', options = "", retain = false } = {}) => `
import * as linuxnet from "pulumi-linuxnet";

const sysctls = { "net.ipv4.ip_unprivileged_port_start": "${port}" };
new linuxnet.Netns(${alpha}, { name: "a", sysctls }, { ${options} });
const b = new linuxnet.Netns("b", { name: "b", sysctls });
const lab0 = new linuxnet.Bridge("lab0", { name: "lab0", addresses: ["10.7.0.1/24"] }, { retainOnDelete: ${retain} });
new linuxnet.VethPair("cable", { name: "veth-b", bridge: lab0.name, peer: { name: "eth0", netns: b.name, addresses: ["10.7.0.2/24"] } });
`;

test("--target, protect, aliases, --replace, retainOnDelete", async ({ machine, open }) => {
  const port = (netns: string) =>
    machine.sh(`ip netns exec ${netns} cat /proc/sys/net/ipv4/ip_unprivileged_port_start`);
  const identity = async (name: string) => (await identities(machine))[`netns ${name}`];
  const stack = await open(program(80, { options: "protect: true" }));
  succeeded(await stack.up());
  const a = await identity("a");

  stack.write(program(81, { options: "protect: true" }));
  expect(succeeded(await stack.up("--target", urn("Netns", "b"))).changes).toMatchObject({ update: 1 });
  expect([await port("a"), await port("b")]).toEqual(["80", "81"]);

  const refused = await stack.destroy();
  expect(refused.code).not.toBe(0);
  expect(`${refused.stdout}${refused.stderr}`).toContain("protected");
  expect(await machine.sh("ip netns list; cat /sys/class/net/lab0/ifindex 2>/dev/null || :")).toBe("a");

  // Another name in the program is the same namespace, in place; its mark goes with the name.
  stack.write(program(81, { alpha: '"alpha"', options: 'aliases: [{ name: "a" }]', retain: true }));
  expect(succeeded(await stack.up()).changes).toEqual({ create: 3, update: 1, same: 1 });
  const b = await identity("b");
  expect(await identity("a")).toBe(a);
  expect(await machine.sh("ip -n a -d link show lo")).toContain("linuxnet:lab/dev/Netns/alpha@");

  // What the user wants replaced is made anew, and stands.
  succeeded(await stack.up("--replace", urn("Netns", "b")));
  expect(await machine.sh("ip netns exec b ping -c 1 -W 1 10.7.0.1")).toContain("1 received");
  expect(await identity("b")).not.toBe(b);

  // What is retained stays, with its mark, and is taken up again by the same name. Who keeps a namespace is told.
  const holder = await machine.spawn(["sleep", "1000"], "a");
  expect(succeeded(await stack.destroy()).stdout).toMatch(
    /warning: Netns "a" on this machine: namespace a has no name any more, .*: sleep \(pid \d+\)\./,
  );
  await machine.sh(`kill ${holder}; while kill -0 ${holder} 2>/dev/null; do sleep 0.02; done`);
  expect(await machine.sh("ip -d link show lab0; ip netns list")).toContain("linuxnet:lab/dev/Bridge/lab0@");
  stack.write(
    'import { Bridge } from "pulumi-linuxnet";\nnew Bridge("lab0", { name: "lab0", addresses: ["10.7.0.1/24"] });',
  );
  const index = await machine.sh("cat /sys/class/net/lab0/ifindex");
  succeeded(await stack.up());
  expect(await machine.sh("cat /sys/class/net/lab0/ifindex")).toBe(index);
  succeeded(await stack.destroy());
});

const published = `
import * as linuxnet from "pulumi-linuxnet";
const web = new linuxnet.Netns("web", { name: "web" });
const lab0 = new linuxnet.Bridge("lab0", { name: "lab0", addresses: ["10.7.0.1/24"] });
const peer = { name: "eth0", netns: web.name, addresses: ["10.7.0.2/24"], gateway: "10.7.0.1" };
const cable = new linuxnet.VethPair("web", { name: "veth-web", bridge: lab0.name, peer });
new linuxnet.NatRule("out", { type: "masquerade", source: "10.7.0.0/24", outInterface: "uplink" });
new linuxnet.PortPublish("web", { hostPort: 8080, targetAddress: "10.7.0.2", targetPort: 80 }, { dependsOn: cable });
`;

test("what is left of something that somebody has deleted goes with the rest of the stack", async ({
  machine,
  open,
}) => {
  const stack = await open(published);
  for (const [deleting, gone] of [
    ["ip link del lab0", 1],
    ["nft flush ruleset", 2],
  ] as const) {
    succeeded(await stack.up());
    await machine.sh(deleting);
    expect(succeeded(await stack.refresh()).changes.delete).toBe(gone);
    succeeded(await stack.destroy());
    await machine.expectClean();
  }
});
