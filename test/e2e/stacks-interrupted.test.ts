// Ctrl-C, and the same stack in two hands: what the host is told to do is done whole, and the next `up` goes on from there.
import { expect } from "vitest";
import { long } from "../support/long.ts";
import type { Machine } from "../support/machine.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

/** A program that says it is ready when the test says so: until then the engine waits in the middle of an operation. */
const program = `
import * as linuxnet from "pulumi-linuxnet";
const lab0 = new linuxnet.Bridge("lab0", { name: "lab0", addresses: ["10.7.0.1/24"] });
const ct1 = new linuxnet.Netns("ct1", { name: "ct1" });
const cable = new linuxnet.VethPair("cable", { name: "veth-ct1", bridge: lab0.name, peer: { name: "eth0", netns: ct1.name, addresses: ["10.7.0.2/24"] } });
const command = ["sh", "-c", "until [ -e /media/go ]; do sleep 0.1; done; echo go; exec sleep 1000"];
const slow = new linuxnet.Process("slow", { netns: ct1.name, command, ready: { log: "go", timeout: "120s" } }, { dependsOn: cable });
new linuxnet.Netns("later", { name: "later" }, { dependsOn: slow });
`;

const waiting = 'until pgrep -f "^sh -c until . -e /media/go" >/dev/null; do sleep 0.05; done';

/** An \`up\` in a session of its own, which waits for its program; what it prints is in /media/NAME. */
async function begin(machine: Machine, stack: Stack, name: string): Promise<number> {
  const up = stack.operation("up", "--yes", "--skip-preview");
  const line = `exec setsid env --default-signal=INT,QUIT bash --norc -c '${up.replaceAll("'", `'\\''`)}' </dev/null >/media/${name} 2>&1`;
  return Number(await machine.sh(`(${line}) & echo $!`));
}

/** As the terminal's Ctrl-C: to the whole group in the foreground. */
const interrupt = (machine: Machine, pid: number) => machine.sh(`kill -INT -- -${pid}`);

const ended = (machine: Machine, pid: number) => machine.sh(`while kill -0 ${pid} 2>/dev/null; do sleep 0.05; done`);

const said = (machine: Machine, name: string, text: string) =>
  machine.sh(`until grep -q '${text}' /media/${name}; do sleep 0.05; done`);

test("an up that is under way keeps others of its stack out; Ctrl-C ends it after what it is about", async ({
  machine,
  open,
}) => {
  const stack = await open(program);
  const up = await begin(machine, stack, "up");
  await machine.sh(waiting);
  const stands = await machine.snapshot();
  const other = await stack.up();
  expect(other.code).not.toBe(0);
  expect(`${other.stdout}${other.stderr}`).toContain("currently locked");
  expect(await machine.snapshot()).toMatchObject({ links: stands.links, nftables: stands.nftables });
  await interrupt(machine, up);
  await said(machine, "up", "press .C again");
  await machine.sh("touch /media/go");
  await ended(machine, up);
  expect(await machine.sh("cat /media/up; ip netns list")).toMatch(/slow created(.|\n)*update canceled(.|\n)*\nct1/);
  expect(await machine.sh("ip netns list")).not.toContain("later");
  expect(succeeded(await stack.up()).changes).toEqual({ create: 1, same: 5 });
  succeeded(await stack.destroy());
});

// Of an engine that ends at once the default run has `killed`.
if (long) {
  test("a lock that is taken away by pulumi cancel: both hands come to the same end", async ({ machine, open }) => {
    const stack = await open(program);
    const first = await begin(machine, stack, "first");
    await machine.sh(waiting);
    await stack.must("cancel", "--yes", "--stack", "dev");
    const second = await begin(machine, stack, "second");
    await said(machine, "second", "slow creating");
    await machine.sh("touch /media/go");
    await ended(machine, first);
    await ended(machine, second);
    expect(await machine.sh("cat /media/first /media/second")).toMatch(/later created(.|\n)*later created/);
    succeeded(await stack.up());
    expect(await machine.sh("pgrep -cx sleep")).toBe("1");
    succeeded(await stack.preview("--diff", "--expect-no-changes"));
    succeeded(await stack.destroy());
  });

  test("Ctrl-C twice ends it at once: the next up goes on from what stands", async ({ machine, open }) => {
    const stack = await open(program);
    const up = await begin(machine, stack, "up");
    await machine.sh(waiting);
    await interrupt(machine, up);
    await said(machine, "up", "press .C again");
    await interrupt(machine, up);
    await ended(machine, up);
    expect(await machine.sh("cat /media/up")).toContain("terminating");
    await machine.sh("touch /media/go");
    await stack.pulumi("cancel", "--yes", "--stack", "dev");
    succeeded(await stack.up());
    expect(await machine.sh("pgrep -cx sleep")).toBe("1");
    succeeded(await stack.preview("--diff", "--expect-no-changes"));
    succeeded(await stack.destroy());
  });
}
