// What namespaces cannot show, on two real machines (Debian, systemd, udev), over ssh as a user with sudo. The tests use the
// same two machines, one after the other; each leaves them as they were.
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkout, type Stack, succeeded } from "../support/stack.ts";
import { connection, Lab, show } from "./lab.ts";
import { config, type Vm } from "./vms.ts";

const lab = Lab.use();

async function overlay(): Promise<Stack> {
  const hosts = lab.vms.map(({ name, address }) => ({ host: name, sshConfigFile: config, address }));
  const folder = join(checkout, "examples/overlay");
  return lab.open(undefined, { folder, config: { hosts: JSON.stringify(hosts) } });
}

const inside = ["10.88.79.2", "10.88.79.3"];

/** Each container reaches the other one, with packets of the right size. */
async function expectReached([vm1, vm2]: readonly [Vm, Vm]): Promise<void> {
  const ping = "ip netns exec member ping -W 10";
  const pings = await vm1.sh(`${ping} -c 3 ${inside[1]}`);
  expect(pings).toContain(" 0% packet loss");
  expect(pings).not.toContain("DUP!");
  expect(await vm2.sh(`${ping} -c 1 -M do -s 1422 ${inside[0]}`)).toContain("1 received");
  const refused = await vm2.ssh(`${ping} -c 1 -M do -s 1472 ${inside[0]} 2>&1`);
  expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining("mtu=1450") });
  show("ping from container to container", `${pings.split("\n").slice(1).join("\n")}\n${refused.stdout}`);
}

/** All but what is named stands as it was, or is an expectation that is told of. */
function expectRest({ same = 0, update = 0, ...changes }: Record<string, number>, named: Record<string, number>): void {
  expect(changes).toEqual(named);
  expect(same + update).toBe(10);
}

const macsOf = "-br link | awk '{ print $1, $3 }'";

test("the overlay, MACs that stay, and a true reboot of one machine", async () => {
  const [vm1, vm2] = lab.vms;
  const stack = await overlay();
  expect(succeeded(await stack.up()).changes).toEqual({ create: 14 });
  await expectReached(lab.vms);

  // udev gives a link that was made without a MAC another one, and the kernel notes that it was set (3): it is at work here.
  const probe = await vm1.sh(`ip link add name probe0 type bridge; udevadm settle; cd /sys/class/net/probe0
    cat addr_assign_type address; ip link del probe0`);
  expect(probe).toMatch(/^3\n/);
  await vm1.sh("udevadm settle");
  const standing = await vm1.sh(`ip ${macsOf}; ip -n member ${macsOf}`);
  const { resources = [] } = (await stack.export()).deployment;
  const wanted = resources.flatMap(({ urn, outputs }) =>
    `${urn}`.includes("::vm1-") ? [...JSON.stringify(outputs).matchAll(/"macAddress":"([0-9a-f:]+)"/g)] : [],
  );
  const macs = [...new Set(wanted.map(([, mac]) => `${mac}`))];
  expect(macs.filter((mac) => standing.includes(mac))).toEqual(macs);
  expect(macs).toHaveLength(4);
  expect(succeeded(await stack.preview("--diff", "--expect-no-changes")).changes).toEqual({ same: 14 });
  show("MACs: udev sets one where none was given, and leaves ours", `probe0 ${probe.split("\n")[1]}\n${standing}`);

  await vm2.reboot();
  expect(await vm2.sh("ip netns list; ls /sys/class/net")).toBe("eth0\neth1\nlo");
  const refresh = succeeded(await stack.refresh());
  expectRest(refresh.changes, { delete: 4 });
  const up = succeeded(await stack.up());
  expectRest(up.changes, { create: 4 });
  await expectReached(lab.vms);
  show("after the reboot of vm2", `refresh: ${JSON.stringify(refresh.changes)}, up: ${JSON.stringify(up.changes)}`);

  expect(succeeded(await stack.destroy()).changes).toEqual({ delete: 14 });
  await lab.expectClean();
});

/** Stages on vm2, each of which waits for the one before it: a bridge, a namespace, a cable and more. */
const stages = (count: number, delay?: string) => `
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";
const connection = ${connection({ name: "vm2" })};
let last: pulumi.Resource[] = [];
for (let n = 1; n <= ${count}; n += 1) {
  const after = { dependsOn: last };
  const bridge = new linuxnet.Bridge(\`lab\${n}\`, { name: \`lab\${n}\`, addresses: [\`10.70.\${n}.1/24\`], connection }, after);
  const netns = new linuxnet.Netns(\`ct\${n}\`, { name: \`ct\${n}\`, connection }, after);
  const cable = new linuxnet.VethPair(\`ct\${n}\`, {
    name: \`veth\${n}\`, bridge: bridge.name, connection,
    peer: { name: "eth0", netns: netns.name, addresses: [\`10.70.\${n}.2/24\`], gateway: \`10.70.\${n}.1\`,
      ${delay ? `impairment: { delay: "${delay}" },` : ""} },
  });
  const nat = new linuxnet.NatRule(\`out\${n}\`, { type: "masquerade", source: \`10.70.\${n}.0/24\`, connection }, after);
  const dns = new linuxnet.ResolvConf(\`ct\${n}\`, { netns: netns.name, nameservers: ["10.0.2.3"], connection });
  last = [cable, nat, dns];
}
`;

test("a power loss in the middle of an up", async () => {
  const [, vm2] = lab.vms;
  const count = 4;
  const stack = await lab.open(stages(count));
  const running = stack.up();
  while (!(await vm2.sh("ip -o link show type bridge")).includes("lab2:"));
  await vm2.cut();
  const cut = await running;
  expect(cut.code).not.toBe(0);
  const said = cut.stdout.split("\n").filter((line) => /^ +error: \w+ ".*" on vm2: /.test(line));
  expect(said.length).toBeGreaterThan(0);
  await vm2.boot();
  const left = await vm2.sh("ls /etc/netns 2>/dev/null; ip netns list; ls /sys/class/net");
  const again = succeeded(await stack.up());
  const standing = await vm2.sh(
    `for n in $(seq ${count}); do ip netns exec ct$n ping -c 1 -W 10 10.70.$n.1 | grep -c '1 received'; done`,
  );
  expect(standing).toBe(Array(count).fill("1").join("\n"));
  expect(succeeded(await stack.preview("--diff", "--expect-no-changes")).changes).toEqual({ same: 1 + 5 * count });
  show(
    "a power loss of vm2 in the middle of an up",
    `${said[0]?.trim()}\nleft on its disk and started: ${left.replaceAll("\n", " ")}\nthe next up: ${JSON.stringify(again.changes)}`,
  );
  succeeded(await stack.destroy());
  await lab.expectClean();
});

test("an impairment, measured by ping", async () => {
  const [, vm2] = lab.vms;
  const measured = async () => (await vm2.sh("ping -c 10 -i 0.2 10.70.1.2")).split("\n").at(-1) ?? "";
  const fastest = (line: string) => Number(/= ([0-9.]+)\//.exec(line)?.[1]);
  const stack = await lab.open(stages(1, "50ms"));
  succeeded(await stack.up());
  const delayed = await measured();
  // netem holds a packet back for as long as it says, or longer: never less.
  expect(fastest(delayed)).toBeGreaterThanOrEqual(50);
  stack.write(stages(1));
  expect(succeeded(await stack.up()).changes).toEqual({ update: 1, same: 5 });
  expect(await vm2.sh("ip netns exec ct1 tc qdisc show")).not.toContain("netem");
  const plain = await measured();
  show("a delay of 50 ms", `with it: ${delayed}\nwithout: ${plain}`);
  succeeded(await stack.destroy());
  await lab.expectClean();
});
