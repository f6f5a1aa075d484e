// A program may name bridges, namespaces and addresses as plain text, in any order: the engine then knows of no order either.
import { expect } from "vitest";
import { succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
new linuxnet.PortPublish("web", { hostPort: 9000, targetAddress: "10.9.9.2", targetPort: 80 });
new linuxnet.Process("web", { netns: "c1", command: ["python3", "-m", "http.server", "80"], ready: { tcp: 80 } });
for (const n of [1, 2, 3]) {
  const peer = { name: "eth0", netns: \`c\${n}\`, addresses: [\`10.9.9.\${n + 1}/24\`], gateway: "10.9.9.1" };
  new linuxnet.VethPair(\`v\${n}\`, { name: \`v\${n}\`, bridge: "br0", peer });
}
new linuxnet.NatRule("out", { type: "masquerade", source: "10.9.9.0/24", outInterface: "uplink" });
new linuxnet.Bridge("br0", { name: "br0", addresses: ["10.9.9.1/24"] });
for (const n of [1, 2, 3]) new linuxnet.Netns(\`c\${n}\`, { name: \`c\${n}\` });
`;

test("a program that declares everything in the wrong order comes up, and goes without a trace", async ({
  machine,
  open,
}) => {
  const stack = await open(program);
  succeeded(await stack.up());
  expect(await machine.sh("curl -s -m 3 http://127.0.0.1:9000/")).toContain("Directory listing");
  expect(await machine.sh("ip netns exec c3 ping -c 1 -W 1 203.0.113.1")).toContain("1 received");
  succeeded(await stack.destroy());
  await machine.expectClean();
});

test("what no resource makes is missed after a moment, in one sentence", async ({ machine, open }) => {
  const stack = await open(`
    import * as linuxnet from "pulumi-linuxnet";
    new linuxnet.VethPair("v", { name: "v0", bridge: "nobridge", peer: { name: "v1" } });
  `);
  const { code, stdout } = await stack.up();
  expect(code).not.toBe(0);
  expect(stdout).toContain(
    'VethPair "v0" on this machine: there is no bridge nobridge. Nothing was changed. Create it first',
  );
  await machine.expectClean();
});
