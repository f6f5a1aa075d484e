// A host whose clock is a year off, and is set while a lab stands; over ssh, under systemd.
import { expect, test } from "vitest";
import { succeeded } from "../support/stack.ts";
import { connection, Lab } from "./lab.ts";

const lab = Lab.use();

const program = `
import * as linuxnet from "pulumi-linuxnet";
const connection = ${connection({ name: "vm2" })};
const ct1 = new linuxnet.Netns("ct1", { name: "ct1", connection });
const lab0 = new linuxnet.Bridge("lab0", { name: "lab0", addresses: ["10.70.1.1/24"], connection });
const target = { targetAddress: "10.70.1.2", targetPort: 80 };
new linuxnet.PortPublish("web", { hostPort: 8080, ...target, connection }, { dependsOn: lab0 });
new linuxnet.Process("ct1", { netns: ct1.name, command: ["sleep", "1000000"], restart: "always", connection });
`;

test("a host's clock is set a year ahead, and two years back: nothing drifts, and all goes", async () => {
  const [, vm2] = lab.vms;
  const stack = await lab.open(program);
  try {
    await vm2.sh("date -s '1 year'");
    expect(succeeded(await stack.up()).changes).toEqual({ create: 5 });
    await vm2.sh("date -s '2 years ago'");
    expect(succeeded(await stack.preview("--diff", "--expect-no-changes")).changes).toEqual({ same: 5 });
    expect(succeeded(await stack.destroy()).changes).toEqual({ delete: 5 });
  } finally {
    await vm2.sh("date -s '1 year'");
  }
  await lab.expectClean();
});
