// The lab "by pid": a network for a process that runs already, which outlives it, and a pid that means another one by then.
import { describe, expect } from "vitest";
import { cloneTest as test } from "../support/clone.ts";
import { type Machine, machineAddress, worldAddress } from "../support/machine.ts";
import { fetched, reaches } from "../support/probes.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { at } from "../support/transfer.ts";
import { openOutside, startWorldDns, worldName } from "./examples-lab.ts";

/** A process in a namespace of its own, which has no name. */
async function contained(machine: Machine): Promise<number> {
  const pid = await machine.spawn(["unshare", "--net", "sleep", "1000"]);
  await apart(machine, pid);
  return pid;
}

/** Waits until a process has its own namespace: unshare(1) is there before it. */
const apart = (machine: Machine, pid: number) =>
  machine.sh(`until [ "$(readlink /proc/${pid}/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done`);

const links = (machine: Machine, pid: number) => machine.sh(`nsenter -t ${pid} -n ip -br addr`);

/** Brings the lab up: its stack, and the process that it is for. */
async function upFor(machine: Machine, stack: Stack): Promise<number> {
  const pid = await contained(machine);
  await stack.configure("pid", `${pid}`);
  succeeded(await stack.up());
  return pid;
}

async function end(machine: Machine, pid: number): Promise<void> {
  await machine.sh(`kill ${pid}; while [ -d /proc/${pid} ]; do sleep 0.01; done`);
}

describe("the lab by pid", () => {
  test("gives a running process a network, and takes it away without a touch to the process", async ({
    machine,
    clone,
    open,
  }) => {
    await openOutside(machine, "10.0.0.2", machineAddress);
    await startWorldDns(machine, [worldAddress]);
    const pid = await contained(machine);
    const web = await machine.spawn([...at("world"), "python3", "-m", "http.server", "8000"]);
    await machine.world("until ss -Htln sport = :8000 | grep -q .; do sleep 0.02; done");
    await machine.baseline();
    const config = {
      pid: `${pid}`,
      nameservers: JSON.stringify([worldAddress]),
      world: JSON.stringify([worldAddress, worldName]),
      outside: JSON.stringify({ netns: "outside" }),
    };
    const stack = await open(undefined, { folder: `${clone.folder}/examples/by-pid`, config });
    succeeded(await stack.up());
    expect(await links(machine, pid)).toMatch(/^lo .*\nveth1@if\d+ +UP +10\.0\.0\.2\/24 /);
    expect(await machine.sh("ip -br -4 addr show veth0")).toMatch(/^veth0@if\d+ +UP +10\.0\.0\.1\/24/);
    for (const address of ["10.0.0.1", worldAddress, "127.0.0.1"])
      expect(await reaches(machine, "by-pid", address), address).toBe(true);
    // By its name, with the namespace's own resolv.conf: only `ip netns exec` mounts that one.
    const curl = `ip netns exec by-pid curl -sf -m 5 http://${worldName}:8000/`;
    expect(await machine.sh(curl)).toContain("Directory listing");
    expect(await machine.sh("conntrack -L -p tcp --orig-src 10.0.0.2 2>/dev/null")).toContain(`dst=${machineAddress} `);
    expect(await fetched(machine, "world", "http://10.0.0.2:80/", 1)).toBeUndefined();
    succeeded(await stack.preview("--diff", "--expect-no-changes"));

    succeeded(await stack.destroy());
    expect(await links(machine, pid)).toMatch(/^lo [^\n]*$/);
    await machine.expectClean();
    await end(machine, pid);
    await end(machine, web);
    await machine.baseline();
  });

  test("goes when its process is gone, or when its pid is another one's by then", async ({ machine, clone, open }) => {
    const stack = await open(undefined, { folder: `${clone.folder}/examples/by-pid` });
    const first = await upFor(machine, stack);
    await end(machine, first);
    succeeded(await stack.destroy());
    await machine.expectClean();

    const second = await upFor(machine, stack);
    await end(machine, second);
    const setPid = `echo ${second - 1} >/proc/sys/kernel/ns_last_pid`;
    const pid = Number(await machine.sh(`${setPid}; unshare --net sleep 1000 </dev/null >/dev/null 2>&1 & echo $!`));
    expect(pid).toBe(second);
    await apart(machine, pid);
    await machine.sh(
      `nsenter -t ${pid} -n ip -batch - <<'IP'\nlink add name veth1 type bridge\naddr add 10.0.0.2/24 dev veth1\nIP`,
    );
    const stranger = () => machine.sh(`nsenter -t ${pid} -n sh -c 'ip -d addr; ip route; nft list ruleset'`);
    const before = await stranger();
    succeeded(await stack.destroy());
    expect(await stranger()).toBe(before);
    await end(machine, pid);
  });
});
