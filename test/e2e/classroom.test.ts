// The example `classroom` in the hands of the real engine: hosts that are down, set up anew, or gone for good.
import { expect } from "vitest";
import type { Hosts, LabHost } from "../support/hosts.ts";
import { type Outcome, type Stack, succeeded } from "../support/stack.ts";
import { faultsIn, setPath, test } from "./hosts-lab.ts";

const perHost = 6;

/** Three hosts, and a stack of the example that has them in its list. */
async function classroom(
  start: (count: number) => Promise<Hosts>,
  open: (lab: Hosts, example: string) => Promise<Stack>,
): Promise<{ lab: Hosts; stack: Stack; hosts: [LabHost, LabHost, LabHost] }> {
  const lab = await start(3);
  const stack = await open(lab, "classroom");
  for (const [index, { name }] of lab.hosts.entries()) {
    await setPath(stack, `hosts[${index}].host`, name);
    await setPath(stack, `hosts[${index}].user`, "root");
  }
  return { lab, stack, hosts: lab.hosts as [LabHost, LabHost, LabHost] };
}

/** What the client side gets from the pages of hosts: their status codes. */
async function pages(lab: Hosts, names: readonly string[], port = 8080): Promise<string[]> {
  const get = (name: string) => `curl -s -m 10 -o /dev/null -w '%{http_code}\\n' http://${name}:${port}/`;
  return (await lab.machine.sh(`${names.map(get).join("; ")}; true`)).split("\n");
}

/** How many resources the state has of a host. */
async function resourcesOf(stack: Stack, host: string): Promise<number> {
  const { resources = [] } = (await stack.export()).deployment;
  return resources.filter(({ urn }) => `${urn}`.includes(`::${host}-`)).length;
}

/** Runs an operation that is to forget a host. */
async function forgetting(stack: Stack, host: string, verb: "refresh" | "destroy"): Promise<Outcome["stdout"]> {
  const line = stack.operation(verb, "--yes", "--skip-preview");
  return succeeded(await stack.machine.exec(`export LINUXNET_FORGET_HOST=${host}; ${line}`)).stdout;
}

const forget = (host: string) => `LINUXNET_FORGET_HOST=${host} makes refresh and destroy forget what was there.`;

test("a host that is down fails alone, one that was set up anew is another, and none is taken for empty", async ({
  start,
  open,
}) => {
  const { lab, stack, hosts } = await classroom(start, open);
  const [h1, h2, h3] = hosts;
  await h2.kill();
  const first = await stack.up("--continue-on-error");
  expect(first.code).not.toBe(0);
  expect(first.changes).toEqual({ create: 1 + 2 * perHost });
  expect(faultsIn(first.stdout).hosts).toEqual(["h2"]);
  for (const sentence of faultsIn(first.stdout).sentences) {
    expect(sentence).toMatch(/^the session could not be opened: (it does not answer|there is no route to it): /);
    expect(sentence).toContain("Nothing was changed.");
  }
  expect(await pages(lab, ["h1", "h3"])).toEqual(["200", "200"]);
  const page = (host: string) => `http://${host}:8080/`;
  expect((await stack.outputs()).pages).toEqual({ h1: page("h1"), h2: "not up", h3: page("h3") });

  await h2.boot();
  await h2.baseline();
  expect(succeeded(await stack.up()).changes).toEqual({ create: perHost, same: 1 + 2 * perHost });
  expect((await stack.outputs()).pages).toEqual({ h1: page("h1"), h2: page("h2"), h3: page("h3") });
  expect(await pages(lab, ["h1", "h2", "h3"])).toEqual(["200", "200", "200"]);
  expect(succeeded(await stack.preview("--diff", "--expect-no-changes")).changes).toEqual({ same: 1 + 3 * perHost });

  await h2.kill();
  await h2.boot("f00d".repeat(8));
  await h2.baseline();
  const refused = await stack.up("--continue-on-error");
  expect(refused.code).not.toBe(0);
  expect(faultsIn(refused.stdout)).toEqual({
    hosts: ["h2"],
    sentences: [
      `another machine answers than the one that this was made on (machine id ${"f00d".repeat(8)}, not ${(0x1ab2)
        .toString(16)
        .padStart(32, "0")}). Nothing was changed. If the host was set up anew, ${forget("h2")}`,
    ],
  });
  await h2.expectClean();
  expect(await resourcesOf(stack, "h2")).toBe(perHost);
  expect(await forgetting(stack, "h2", "refresh")).toMatch(new RegExp(`- ${perHost} deleted`));
  expect(await resourcesOf(stack, "h2")).toBe(0);
  expect(succeeded(await stack.up()).changes).toEqual({ create: perHost, same: 1 + 2 * perHost });
  expect(await pages(lab, ["h1", "h2", "h3"])).toEqual(["200", "200", "200"]);

  // One that cannot be reached is never taken for an empty one, until it is forgotten.
  await h3.dropPackets();
  const refresh = await stack.refresh();
  expect(refresh.code).not.toBe(0);
  expect(refresh.stdout).not.toMatch(/\bdelet/);
  expect(faultsIn(refresh.stdout).hosts).toEqual(["h3"]);
  for (const sentence of faultsIn(refresh.stdout).sentences) expect(sentence).toContain(forget("h3"));
  expect(await resourcesOf(stack, "h3")).toBe(perHost);

  // The others go on without it, where the user wants that.
  await stack.configure("port", "8081");
  const meanwhile = await stack.up("--continue-on-error", "--refresh=false");
  expect(meanwhile.code).not.toBe(0);
  expect(faultsIn(meanwhile.stdout).hosts).toEqual(["h3"]);
  expect(await pages(lab, ["h1", "h2"], 8081)).toEqual(["200", "200"]);
  await h3.passPackets();
  expect(await pages(lab, ["h3"])).toEqual(["200"]);
  expect(succeeded(await stack.up()).changes).toEqual({ update: 1, same: 3 * perHost });
  expect(await pages(lab, ["h1", "h2", "h3"], 8081)).toEqual(["200", "200", "200"]);

  await h3.kill();
  const destroy = await stack.destroy("--continue-on-error", "--refresh=false");
  expect(destroy.code).not.toBe(0);
  expect(faultsIn(destroy.stdout).hosts).toEqual(["h3"]);
  for (const sentence of faultsIn(destroy.stdout).sentences) expect(sentence).toContain(forget("h3"));
  await Promise.all([h1.expectClean(), h2.expectClean()]);
  expect(await resourcesOf(stack, "h1")).toBe(0);
  expect(await resourcesOf(stack, "h3")).toBe(perHost);
  await forgetting(stack, "h3", "destroy");
  expect(await resourcesOf(stack, "h3")).toBe(0);
  await h3.boot();
  await h3.baseline();
});

/** What a host has of the room: its bridge, tunnel and translation, and the seat's namespace, cable and program. */
const perSeat = 6;

test("hosts that say their address share a room, and one that is down leaves its seat empty", async ({
  start,
  open,
}) => {
  const { stack, hosts } = await classroom(start, open);
  const [h1, h2, h3] = hosts;
  for (const [index, { address }] of hosts.entries()) await setPath(stack, `hosts[${index}].address`, address);
  await h2.kill();
  const first = await stack.up("--continue-on-error");
  expect(first.code).not.toBe(0);
  expect(faultsIn(first.stdout).hosts).toEqual(["h2"]);
  expect((await stack.outputs()).seats).toEqual({ h1: "10.88.80.2", h2: "10.88.80.3", h3: "10.88.80.4" });
  const reached = async (from: LabHost, to: string): Promise<boolean> => {
    const netns = await from.sh(`ls /run/netns | grep ^${from.name}-seat`);
    return (await from.exec(`ip netns exec ${netns} curl -s -m 5 http://${to}/ >/dev/null`)).code === 0;
  };
  expect([await reached(h1, "10.88.80.4"), await reached(h1, "10.88.80.3")]).toEqual([true, false]);

  await h2.boot();
  await h2.baseline();
  const second = succeeded(await stack.up());
  // All of h2, and the two Expects that it has a part in.
  expect(second.changes.create).toBe(perHost + perSeat + 2);
  expect([await reached(h1, "10.88.80.3"), await reached(h2, "10.88.80.4")]).toEqual([true, true]);
  succeeded(await stack.preview("--diff", "--expect-no-changes"));
  // The room is a network of its own: the lab beside it on each host is not reached from it.
  expect(await reached(h1, "10.88.78.11")).toBe(false);

  succeeded(await stack.destroy());
  await Promise.all([h1, h2, h3].map((host) => host.expectClean()));
});
