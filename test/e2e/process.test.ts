// The real engine and a program: what ends, and what is rebuilt under it.
import { expect } from "vitest";
import { succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = (pid?: number) => `
import * as linuxnet from "pulumi-linuxnet";
const netns = new linuxnet.Netns("web", { name: "web"${pid ? `, pid: ${pid}` : ""} });
const environment = { GREETING: "hello" };
const command = ["sh", "-c", "echo $GREETING; exec sleep 1000"];
const web = new linuxnet.Process("web", { netns: netns.name, command, environment, restart: "always", ready: { log: "hello" } });
export const pid = web.pid;
`;

test("a program is restarted in a namespace that was rebuilt, and its own restarts are no change", async ({
  machine,
  open,
}) => {
  const stack = await open(program());
  const where = async () => machine.sh(`ip netns identify ${(await stack.outputs()).pid}`);
  expect(succeeded(await stack.up()).changes).toEqual({ create: 3 });
  expect(await where()).toBe("web");

  const { pid } = await stack.outputs();
  await machine.sh(
    `kill ${pid}; until [ "$(pgrep -x sleep)" ] && [ "$(pgrep -x sleep)" != ${pid} ]; do sleep 0.02; done`,
  );
  succeeded(await stack.preview("--diff", "--expect-no-changes"));
  expect(succeeded(await stack.up()).changes).toEqual({ same: 3 });
  expect((await stack.outputs()).pid).not.toBe(pid);

  await machine.sh("ip netns del web");
  const preview = succeeded(await stack.preview("--diff"));
  expect(preview.stdout).toContain("there is no namespace web");
  expect(succeeded(await stack.up()).changes).toEqual({ create: 1, update: 1, same: 1 });
  expect(await where()).toBe("web");

  // Another namespace under the same name: both are replaced.
  const other = await machine.spawn(["unshare", "--net", "sh", "-c", "ip link set lo up; exec perl -e sleep"]);
  await machine.sh(
    `until [ "$(readlink /proc/${other}/ns/net)" != "$(readlink /proc/1/ns/net)" ]; do sleep 0.02; done`,
  );
  stack.write(program(other));
  expect(succeeded(await stack.up()).changes).toMatchObject({ replace: 2 });
  expect(await where()).toBe("web");
  expect(await machine.sh("pgrep -c sleep")).toBe("1");
  succeeded(await stack.preview("--diff", "--expect-no-changes"));
  succeeded(await stack.destroy());
  await machine.sh(`kill ${other}`);
});
