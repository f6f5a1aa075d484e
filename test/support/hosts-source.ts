import { readdirSync } from "node:fs";
import type { Connection } from "../../provider/kernel/connection.ts";
import { Hosts, type Keys, type LabHost, type User } from "./hosts.ts";
import { source } from "./machine.ts";

/** Tests of the sessions' ground, of what a machine is, of packets, and with machines of their own: not of what a session does. */
const elsewhere = [
  "machine.test.ts",
  "processSystemd.test.ts",
  "attacks-container.test.ts",
  "attacks-neighbour.test.ts",
  "hostile.test.ts",
  "trouble.test.ts",
];

/** What is run over ssh by default: what a session's end, its environment or its errors could make different. */
const chosen: Partial<Record<User, readonly string[]>> = {
  root: ["expect.test.ts"],
  lab: ["process.test.ts"],
  labpw: ["processExact.test.ts"],
};

const logins: Partial<Record<User, (keys: Keys) => Connection>> = {
  labpw: ({ password }) => ({ password }),
};

/**
 * Runs tests of `test/kernel` as a user, each on a host of its own that is reached by ssh: with LINUXNET_TEST_ALL (`npm run
 * test:ssh`) all of them, else a chosen few. The host has the uplink and the world that a machine has; what a test does by
 * hand is done on the host itself.
 *
 * @param half which half of the files: two files of tests share them, so that no core waits long for the last one
 */
export async function kernelTestsAs(user: User, half: 0 | 1): Promise<void> {
  source.start = async () => {
    const lab = await Hosts.start(1, { world: true });
    const [host] = lab.hosts as [LabHost];
    host.login = { host: host.address, user, ...logins[user]?.(lab.keys) };
    host.called = "the machine";
    return { machine: host, stop: () => lab.stop() };
  };
  const folder = new URL("../kernel/", import.meta.url);
  const all = readdirSync(folder).filter((name) => name.endsWith(".test.ts") && !elsewhere.includes(name));
  const inHalf = all.toSorted().filter((_, index) => index % 2 === half);
  for (const name of process.env.LINUXNET_TEST_ALL ? inHalf : (chosen[user] ?? []))
    await import(new URL(name, folder).pathname);
}
