// Networks and containers as a program of a user: isolation, links, publishing, joining, and what must hold.
import { expect } from "vitest";
import { succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
const shop = new linuxnet.Network("shop", { subnet: "10.5.0.0/24" });
const other = new linuxnet.Network("other");
const inner = new linuxnet.Network("inner", { internal: true });
const serving = { command: ["python3", "-m", "http.server", "80"], cwd: "/usr/share/common-licenses", ready: { tcp: 80 } };
const web = new linuxnet.Container("web", { network: shop, publish: ["8080:80", "127.0.0.1:8081:80"], ...serving });
const client = new linuxnet.Container("client", { network: [shop, inner], links: { serveur: web }, address: "10.5.0.77" });
const far = new linuxnet.Container("far", { network: other });
const lost = new linuxnet.Container("lost", { network: inner });
const side = new linuxnet.Container("side", { netns: web });
const all = { dependsOn: [web, client, far, lost] };
new linuxnet.Expect("out", { from: far, to: "203.0.113.1" }, all);
new linuxnet.Expect("by link", { from: client, to: "serveur", port: 80 }, all);
new linuxnet.Expect("itself", { from: web, to: "203.0.113.2", port: 8080 }, all);
new linuxnet.Expect("only from here", { from: "host", to: "127.0.0.1", port: 8081 }, all);
new linuxnet.Expect("isolated", { from: far, to: web, port: 80, reachable: false }, all);
new linuxnet.Expect("no way out", { from: lost, to: "203.0.113.1", reachable: false }, all);
export const sameNetns = [web.netns, side.netns];
export const addresses = { web: web.addresses, client: client.addresses };
export const inspect = shop.inspect;
`;

test("networks keep apart what they should, and what must hold is tried at every refresh", async ({
  machine,
  open,
}) => {
  const stack = await open(program);
  succeeded(await stack.up());
  const { sameNetns, addresses, inspect } = await stack.outputs();
  expect(new Set(sameNetns as string[]).size).toBe(1);
  expect(addresses).toMatchObject({
    web: ["10.5.0.2/24"],
    client: ["10.5.0.77/24", expect.stringMatching(/^10\.200\./)],
  });
  expect(inspect).toMatchObject([{ Name: "shop", IPAM: { Config: [{ Subnet: "10.5.0.0/24", Gateway: "10.5.0.1" }] } }]);
  expect(await machine.world("curl -s -m 3 http://203.0.113.2:8080/")).toContain("Directory listing");
  await expect(machine.world("curl -s -m 2 http://203.0.113.2:8081/")).rejects.toThrow();
  succeeded(await stack.preview("--expect-no-changes"));
  // Isolation is rules: without them an expectation is seen to fail, and the next up brings back both.
  await machine.sh("nft flush ruleset");
  const drifted = await stack.preview("--diff");
  expect(drifted.stdout).toContain("by tcp, and must not");
  succeeded(await stack.up());
  succeeded(await stack.preview("--expect-no-changes"));
  // A program keeps its namespace alive, and the cables in it, when only the namespace's name is deleted.
  await machine.sh(`ip netns del ${(sameNetns as string[])[0]}`);
  expect(succeeded(await stack.preview("--diff")).stdout).toContain("there is no namespace web-");
  succeeded(await stack.up());
  succeeded(await stack.preview("--expect-no-changes"));
  await machine.sh(`ip netns del ${(sameNetns as string[])[0]}`);
  succeeded(await stack.destroy());
  await machine.expectClean();
});
