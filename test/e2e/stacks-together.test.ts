// Several stacks on one host at the same moment: what is another's is refused by its owner's name and left alone.
import { expect } from "vitest";
import { long } from "../support/long.ts";
import { type Outcome, succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const everything = (name: string, subnet = "10.7.0.0/24") => `
import * as linuxnet from "pulumi-linuxnet";

new linuxnet.Bridge("${name}-bridge", { name: "lab0", addresses: ["10.7.0.1/24"] });
new linuxnet.Netns("${name}-netns", { name: "ct1" });
new linuxnet.VethPair("${name}-cable", { name: "veth-ct1", peer: { name: "eth0", netns: "ct1" } });
new linuxnet.PortPublish("${name}-port", { hostPort: 8080, targetAddress: "10.7.0.2", targetPort: 80 });
new linuxnet.ResolvConf("${name}-dns", { netns: "ct1", nameservers: ["10.7.0.1"] });
new linuxnet.Bridge("${name}-subnet", { name: "lab-${name}", addresses: ["${subnet.replace("0/", "254/")}"] });
`;

/** What the second stack's resources are told, each with the owner of what stands in its way. */
const refusals: Record<string, RegExp> = {
  Netns: /namespace ct1 is there already and belongs to linuxnet:first\/dev\/Netns\/one-netns@\w+\./,
  VethPair: /a link veth-ct1 is there already and belongs to linuxnet:first\/dev\/VethPair\/one-cable@\w+\./,
  Bridge: /a link lab0 is there already and belongs to linuxnet:first\/dev\/Bridge\/one-bridge@\w+\./,
  PortPublish: /port tcp 8080 is held by linuxnet:first\/dev\/PortPublish\/one-port@\w+\./,
  ResolvConf: /resolv\.conf is there already and belongs to linuxnet:first\/dev\/ResolvConf\/one-dns@\w+\./,
  "Bridge of its subnet":
    /10\.8\.0\.0\/24, which this host uses on lab-one for linuxnet:first\/dev\/Bridge\/one-subnet@\w+\./,
};

test("what another stack has is refused by its owner's name, and stays as it is", async ({ machine, open }) => {
  const first = await open(everything("one", "10.8.0.0/24"), { project: "first" });
  const second = await open(everything("two", "10.8.0.0/25"), { project: "second" });
  succeeded(await first.up());
  const stands = await machine.snapshot();
  const refused = await second.up("--continue-on-error");
  expect(refused.code).not.toBe(0);
  for (const [what, said] of Object.entries(refusals)) expect(refused.stdout, what).toMatch(said);
  // To take over what another resource owns is no way out.
  expect(refused.stdout).not.toContain("adopt");
  expect(await machine.snapshot()).toEqual(stands);
  succeeded(await second.destroy());
  expect(await machine.snapshot()).toEqual(stands);
  succeeded(await first.preview("--expect-no-changes"));
  succeeded(await first.destroy());
});

const small = (n: number) => `
import * as linuxnet from "pulumi-linuxnet";
const net = new linuxnet.Network("net", { subnet: "10.9.${n}.0/24" });
new linuxnet.Container("web", { network: net, publish: ["${9000 + n}:80"] });
`;

const unchanged = ["--diff", "--expect-no-changes"];
const count = long ? 20 : 4;

const all = (work: Promise<Outcome>[]) => Promise.all(work).then((outcomes) => outcomes.map(succeeded));

test(`${count} stacks come up at the same moment, each whole, and go at the same moment`, async ({ machine, open }) => {
  const numbers = Array.from({ length: count }, (_, n) => n);
  const stacks = await Promise.all(numbers.map((n) => open(small(n), { project: `p${n}` })));
  await all(stacks.map((stack) => stack.up()));
  const [going, staying] = [stacks.slice(0, count / 2), stacks.slice(count / 2)];
  await all([...going.map((stack) => stack.destroy()), ...staying.map((stack) => stack.preview(...unchanged))]);
  expect((await machine.sh("nft list map inet linuxnet all4")).match(/" : /g)).toHaveLength(count / 2);
  if (long) {
    await all([...staying.map((stack) => stack.destroy()), ...going.map((stack) => stack.up())]);
    await all(going.map((stack) => stack.preview(...unchanged)));
  }
  await all((long ? going : staying).map((stack) => stack.destroy()));
});
