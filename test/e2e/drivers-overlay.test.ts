// The lab "drivers" with two hosts: the driver overlay, beside the others on this machine.
import { expect } from "vitest";
import type { LabHost } from "../support/hosts.ts";
import { succeeded } from "../support/stack.ts";
import { test } from "./hosts-lab.ts";

test("an overlay: a container on each of two hosts, as on one switch", async ({ start, open }) => {
  const lab = await start(2);
  const [h1, h2] = lab.hosts as [LabHost, LabHost];
  const stack = await open(lab, "drivers");
  await stack.configure(
    "hosts",
    JSON.stringify([h1, h2].map(({ name, address }) => ({ host: name, user: "root", address }))),
  );
  succeeded(await stack.up());
  const [on1, on2] = (await stack.outputs()).overlay as { netns: string; addresses: string[] }[];
  expect([on1, on2]).toMatchObject([{ addresses: ["10.88.80.2/24"] }, { addresses: ["10.88.80.3/24"] }]);
  const pings = await h1.sh(`ip netns exec ${on1?.netns} ping -c 3 -i 0.2 -W 5 10.88.80.3`);
  expect(pings).toContain("3 packets transmitted, 3 received, 0% packet loss");
  expect(pings).not.toContain("DUP!");
  expect(await h2.sh(`ip netns exec ${on2?.netns} ping -c 1 -W 5 10.88.80.1`)).toContain("1 received");
  // Each packet goes in a datagram from host to host.
  expect(await h1.sh("ip -d link show type vxlan")).toContain(`local ${h1.address}`);

  succeeded(await stack.preview("--diff", "--expect-no-changes"));
  succeeded(await stack.destroy());
});
