// A lab of the version of commit 134b85b: its program, its state, and its nftables table, as they were on 2026-11-21.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type Stack, succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const was = (name: string) => readFileSync(new URL(`previous-version/${name}`, import.meta.url), "utf8");

interface State {
  deployment: { manifest: object; resources: { urn: string }[]; pending_operations?: object[] };
}

/** What a file of the old version holds, as of the machine and the user that run this. */
function ofNow(name: string, now: State): string {
  const text = JSON.stringify(now);
  const [seal, machine] = [/@[0-9a-f]{8}(?=")/, /(?<="machineId":")[^"]+/].map((part) => part.exec(text)?.[0] ?? "");
  return was(name).replaceAll("@00000000", `${seal}`).replaceAll("MACHINE", `${machine}`);
}

/** A state as an engine leaves it that was killed while it made a resource. */
function cutAt(state: State, name: string): State {
  const [resource] = state.deployment.resources.filter(({ urn }) => urn.endsWith(`::${name}`));
  const resources = state.deployment.resources.filter((one) => one !== resource);
  const pending = { resource: { ...resource, id: undefined, outputs: undefined }, type: "creating" };
  return { ...state, deployment: { ...state.deployment, resources, pending_operations: [pending] } };
}

async function take(stack: Stack, state: State): Promise<void> {
  const file = join(stack.folder, "state.json");
  writeFileSync(file, JSON.stringify(state));
  await stack.must("stack", "import", "--stack", "dev", "--file", file);
}

test("a state and a table of an older version are taken up: --clear-pending-creates, up, destroy", async ({
  machine,
  open,
}) => {
  const stack = await open(was("program.txt"));
  expect(succeeded(await stack.up()).changes).toEqual({ create: 11 });
  const now = (await stack.export()) as State;
  const old: State = JSON.parse(ofNow("state.json", now));
  writeFileSync(join(stack.folder, "table.nft"), `delete table inet linuxnet\n${ofNow("table.nft", now)}`);
  await machine.sh(`nft -f ${join(stack.folder, "table.nft")}`);
  const standing = "stat -L -c %i /run/netns/ct1; cat /sys/class/net/{lab0,veth-ct1,vx7}/ifindex";
  const before = await machine.sh(standing);

  const { manifest } = now.deployment;
  await take(stack, cutAt({ ...old, deployment: { ...old.deployment, manifest } }, "web"));
  succeeded(await stack.refresh("--clear-pending-creates"));
  // What was cut off; what lies in the table; the defaults that are new, of the program.
  expect(succeeded(await stack.up()).changes).toEqual({ create: 1, update: 5, same: 5 });
  expect(await machine.sh(standing)).toBe(before);
  succeeded(await stack.preview("--diff", "--expect-no-changes"));
  expect(succeeded(await stack.destroy()).changes).toEqual({ delete: 11 });
});
