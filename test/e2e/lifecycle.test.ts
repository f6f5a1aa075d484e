// The real engine, through the life of one lab: the package's own class names, no example.
import { expect } from "vitest";
import { succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = (address = "172.18.0.12/16", mtu = 1500) => `
import * as linuxnet from "pulumi-linuxnet";

const lab0 = new linuxnet.Bridge("lab0", { name: "lab0", addresses: ["172.18.0.1/16"], mtu: ${mtu} });
const pair = (name: string, address: string) => {
  const netns = new linuxnet.Netns(name, { name });
  const peer = { name: "eth0", netns: netns.name, addresses: [address], gateway: "172.18.0.1" };
  return new linuxnet.VethPair(name, { name: \`veth-\${name}\`, bridge: lab0.name, peer });
};
export const ct1 = pair("ct1", "172.18.0.11/16").peer.macAddress;
export const ct2 = pair("ct2", "${address}").peer.macAddress;
export const ct3 = pair("ct3", "172.18.0.13/16").peer.macAddress;
`;

const kind = "pulumi-nodejs:dynamic/linuxnet";
/** The lines of a preview that tell of a change, without what stands around them. */
const changed = (text: string) =>
  [...text.matchAll(/^ +([~+-] {0,2}\w+ *: .*)$/gm)].map(([, line]) => `${line}`.replace(/ +/g, " "));

test("up, no change, drift and repair, a change in place, destroy", async ({ machine, open }) => {
  const stack = await open(program());
  const untouched =
    "cat /sys/class/net/{lab0,veth-ct1,veth-ct3}/ifindex; ip netns exec ct1 cat /proc/net/dev_snmp6/eth0";
  const indexes = async () => (await machine.sh(untouched)).match(/^\d+$|ifIndex.*/gm);

  expect(succeeded(await stack.up()).changes).toEqual({ create: 8 });
  expect(await machine.sh("ip netns exec ct1 ping -c 1 -W 1 172.18.0.13")).toContain("1 received");
  expect(succeeded(await stack.preview("--diff", "--expect-no-changes")).changes).toEqual({ same: 8 });
  for (const resource of (await stack.export()).deployment.resources ?? []) {
    const { __provider } = (resource.inputs ?? {}) as { __provider?: string };
    if (`${resource.type}`.startsWith(kind)) expect(__provider?.length).toBeLessThanOrEqual(250);
    expect(JSON.stringify(resource.inputs ?? {})).not.toContain(stack.folder);
  }

  // Drift: one property of one link, and a namespace that is gone with its end of a cable.
  const before = await indexes();
  await machine.sh(
    "ip link set lab0 mtu 1400; ip netns del ct2; until ! ip link show veth-ct2 2>/dev/null; do sleep 0.02; done",
  );
  const pings = "ping -i 0.2 -c 40 172.18.0.13 >/run/pings; echo ended >>/run/pings";
  await machine.spawn(["sh", "-c", pings], "ct1");
  const preview = succeeded(await stack.preview("--diff"));
  expect(preview.stdout).toMatch(/~ mtu +: 1500 => 1400/);
  const refresh = succeeded(await stack.refresh());
  expect(refresh.changes).toMatchObject({ update: 1, delete: 2 });
  expect(refresh.stdout).toMatch(/Bridge lab0 updated .*\[diff: ~mtu\]/);
  expect(succeeded(await stack.up()).changes).toEqual({ create: 2, update: 1, same: 5 });
  expect(await machine.sh("cat /sys/class/net/lab0/mtu; ip netns exec ct2 ping -c 1 -W 1 172.18.0.1")).toMatch(
    /^1500\n(.|\n)*1 received/,
  );
  expect(await indexes()).toEqual(before);
  await machine.sh("until grep -q ended /run/pings; do sleep 0.1; done");
  expect(await machine.sh("cat /run/pings")).toContain(" 0% packet loss");

  // A change of the program: that property alone, in place.
  stack.write(program("172.18.0.99/16"));
  const planned = succeeded(await stack.preview("--diff"));
  expect(planned.changes).toEqual({ update: 1, same: 7 });
  expect(planned.stdout).toMatch(/~ \[0\]: "172\.18\.0\.12\/16" => "172\.18\.0\.99\/16"/);
  expect(changed(planned.stdout)).toEqual(["~ peer : {", "~ addresses : ["]);
  expect(succeeded(await stack.up()).changes).toEqual({ update: 1, same: 7 });
  expect(await machine.sh("ip -n ct2 -o -4 addr show eth0")).toContain("172.18.0.99/16");
  expect(await indexes()).toEqual(before);

  expect(succeeded(await stack.destroy()).changes).toEqual({ delete: 8 });
});

test("a bridge of another's is refused and untouched, and taken over with adopt", async ({ machine, open }) => {
  await machine.sh("ip link add lab0 address 02:00:00:00:00:05 type bridge; ip addr add 10.7.0.1/24 dev lab0");
  await machine.sh(
    "for f in ipv4/conf/lab0/{accept,send}_redirects ipv6/conf/lab0/accept_{ra,redirects}; do echo 0 >/proc/sys/net/$f; done",
  );
  await machine.sh("ip link set lab0 addrgenmode none up");
  await machine.baseline();
  const adopting = (adopt: boolean) => `
import { Bridge } from "pulumi-linuxnet";
new Bridge("lab0", { name: "lab0", addresses: ["172.18.0.1/16"], macAddress: "02:00:00:00:00:05", adopt: ${adopt} });
`;
  const stack = await open(adopting(false));
  const refused = await stack.up();
  expect(refused.code).not.toBe(0);
  expect(refused.stdout).toContain(
    'Bridge "lab0" on this machine: a link lab0 is there already and nothing of linuxnet\'s owns it.',
  );
  expect(refused.stdout).toContain("adopt: true");
  expect(refused.stdout).not.toMatch(/^ +at /m);
  await machine.expectClean();
  stack.write(adopting(true));
  expect(succeeded(await stack.up()).changes).toMatchObject({ create: 1 });
  expect(await machine.sh("ip -o -4 addr show lab0")).toMatch(/10\.7\.0\.1(.|\n)*172\.18\.0\.1/);
  succeeded(await stack.preview("--expect-no-changes"));
  succeeded(await stack.destroy());
});

test("bad input is refused at preview, each by property and rule, before any command runs", async ({
  machine,
  open,
}) => {
  await machine.sh("mount --bind /bin/false $(command -v ip)");
  const stack = await open(`
import * as linuxnet from "pulumi-linuxnet";
const args = { name: "has space", mtu: 67, addresses: ["010.0.0.1/8", "172.18.0.0/16"], adresses: [] };
new linuxnet.Bridge("bad", args);
`);
  const { code, stdout, stderr } = await stack.preview("--diff");
  await machine.sh("umount $(command -v ip)");
  expect(code).not.toBe(0);
  const said = `${stdout}${stderr}`;
  expect(said).toMatch(/property name .*must consist of letters/);
  expect(said).toMatch(/property mtu .*must be at least 68/);
  expect(said).toMatch(/property addresses\[0\] .*without leading zeros/);
  expect(said).toMatch(/property addresses\[1\] .*network address of 172\.18\.0\.0\/16/);
  expect(said).toMatch(/property adresses .*did you mean "addresses"\?/);
  expect(said).not.toMatch(/^ +at /m);
});
