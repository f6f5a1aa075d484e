// A lab from a file, in the hands of the real engine.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
const lab = linuxnet.Lab.fromFile("shop", "lab.yaml");
export const web = lab.containers.apply(({ web }) => web?.addresses[0]);
export const netns = lab.containers.apply(({ client }) => client?.netns);
`;

const file = (publish: string) => `
networks:
  shop: { subnet: 10.5.0.0/24 }
containers:
  web: { network: shop, publish: ["${publish}"], command: [python3, -m, http.server, "80"], ready: { tcp: 80 } }
  client: { network: shop, links: { server: web } }
expect:
  - { from: client, to: server, port: 80 }
  - { from: client, to: 203.0.113.1 }
`;

test("a lab from a file: made, drifted, repaired, changed and gone", async ({ machine, open }) => {
  const stack = await open(program);
  const write = (publish: string) => writeFileSync(join(stack.folder, "lab.yaml"), file(publish));
  write("8080:80");
  succeeded(await stack.up());
  const { web, netns } = await stack.outputs();
  expect(web).toBe("10.5.0.3/24");
  expect(await machine.world("curl -s -m 3 http://203.0.113.2:8080/")).toContain("Directory listing");
  succeeded(await stack.preview("--expect-no-changes"));
  await machine.sh(`ip netns del ${netns}`);
  const drifted = await stack.preview("--diff");
  expect(drifted.stdout).toContain(`containers.client: namespace ${netns} is missing`);
  succeeded(await stack.up());
  succeeded(await stack.preview("--expect-no-changes"));
  write("8082:80");
  const changed = await stack.preview("--diff");
  expect(changed.stdout).toContain('"8080:80" => "8082:80"');
  succeeded(await stack.up());
  expect(await machine.world("curl -s -m 3 http://203.0.113.2:8082/")).toContain("Directory listing");
  // The stack, the provider and the lab.
  expect((await stack.export()).deployment.resources).toHaveLength(3);
  succeeded(await stack.destroy());
  await machine.expectClean();
});
