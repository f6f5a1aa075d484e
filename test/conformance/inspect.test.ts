// `docker network inspect` of Debian's docker.io, read into networks of ours, and those shown again by the real engine.
import { expect } from "vitest";
import { readDocker } from "../../provider/components/docker.ts";
import { succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";
import { Docker } from "./docker.ts";

/** Networks of Docker's, by the arguments that they are made with. */
const created: Record<string, string[]> = {
  plain: ["--subnet", "10.61.0.0/24"],
  ranged: ["--subnet", "10.62.0.0/16", "--gateway", "10.62.0.254", "--ip-range", "10.62.5.0/24"],
  closed: ["--subnet", "10.63.0.0/24", "--internal"],
  optioned: [
    ...["--subnet", "10.64.0.0/24", "-o", "com.docker.network.bridge.name=opt0"],
    ...["-o", "com.docker.network.driver.mtu=1400", "-o", "com.docker.network.bridge.enable_ip_masquerade=false"],
  ],
  dual: ["--ipv6", "--subnet", "10.65.0.0/24", "--subnet", "fd00:65::/64", "--gateway", "fd00:65::1"],
};

interface Shown {
  Name: string;
  Driver: string;
  Internal: boolean;
  EnableIPv6: boolean;
  IPAM: { Config: { Subnet: string; IPRange?: string; Gateway?: string }[] };
  Containers: Record<string, object>;
  Options: Record<string, string>;
}

test("what Docker shows of its networks is read, and what ours show is of the same shape", async ({ open }) => {
  const docker = await Docker.start();
  let texts: Record<string, string>;
  try {
    for (const [name, args] of Object.entries(created)) await docker.run("network", "create", ...args, name);
    await docker.run("run", "-d", "--name", "web", "--network", "plain", "lab", "/bin/busybox", "sleep", "1000");
    const names = [...Object.keys(created), "bridge", "host", "none"];
    const entries = names.map(async (name) => [name, await docker.run("network", "inspect", name)] as const);
    texts = Object.fromEntries(await Promise.all(entries));
  } finally {
    await docker.stop();
  }
  const stack = await open(`
    import * as linuxnet from "pulumi-linuxnet";
    const texts = ${JSON.stringify(texts)};
    const networks = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, linuxnet.Network.fromDockerInspect(name, text)]));
    new linuxnet.Container("web", { network: networks.plain });
    export const shown = Object.fromEntries(Object.entries(networks).map(([name, { inspect }]) => [name, inspect]));`);
  succeeded(await stack.up());
  const { shown } = (await stack.outputs()) as { shown: Record<string, [Shown]> };
  for (const [name, text] of Object.entries(texts)) {
    const [theirs] = JSON.parse(text) as [Shown];
    const [ours] = shown[name] ?? [];
    expect(ours).toMatchObject(relevant(theirs));
    expect(keysOf(ours)).toEqual(expect.arrayContaining(keysOf(theirs)));
    // A gateway that Docker has chosen itself is not shown by it at first.
    const { gateway = [], ...read } = readDocker(text);
    expect(readDocker(shown[name])).toMatchObject(read);
    expect(readDocker(shown[name]).gateway ?? []).toEqual(expect.arrayContaining(gateway));
  }
  expect(Object.values(shown.plain?.[0].Containers ?? {})).toMatchObject([
    { Name: "web", IPv4Address: "10.61.0.2/24", IPv6Address: "", MacAddress: expect.stringMatching(/^[0-9a-f:]{17}$/) },
  ]);
  succeeded(await stack.destroy());
});

/** What of a network a reader goes by. */
function relevant({ Name, Driver, Internal, EnableIPv6, IPAM, Options }: Shown) {
  const options = Object.entries(Options).filter(([key]) => /bridge\.name|mtu|enable_ip_masquerade/.test(key));
  return {
    Name,
    Driver,
    Internal,
    EnableIPv6,
    IPAM: { Config: IPAM.Config },
    Options: Object.fromEntries(options),
  };
}

/** The paths of all keys, without those that have names in them, and without `Created`: ours have no such time. */
function keysOf(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null || /\.(Containers|Options|Labels)$/.test(path)) return [];
  if (Array.isArray(value)) return value.flatMap((one) => keysOf(one, `${path}[]`));
  const entries = Object.entries(value).filter(([key]) => key !== "Created");
  return entries.flatMap(([key, one]) => [`${path}.${key}`, ...keysOf(one, `${path}.${key}`)]);
}
