import { readdirSync } from "node:fs";
import type { Connection } from "../../provider/kernel/connection.ts";
import { Hosts, type Keys, type LabHost, type User } from "./hosts.ts";
import { source } from "./machine.ts";

/** Tests of the sessions' ground and of what a machine is, not of what a session does. */
const elsewhere = ["machine.test.ts"];

const logins: Partial<Record<User, (keys: Keys) => Connection>> = {
  labpw: ({ password }) => ({ password }),
};

/**
 * Runs all tests of `test/kernel` in this file, each on a host of its own that is reached by ssh. The host has the uplink and
 * the world that a machine has; what a test does by hand is done on the host itself.
 */
export async function kernelTestsAs(user: User): Promise<void> {
  source.start = async () => {
    const lab = await Hosts.start(1, { world: true });
    const [host] = lab.hosts as [LabHost];
    host.login = { host: host.address, user, ...logins[user]?.(lab.keys) };
    host.called = "the machine";
    return { machine: host, stop: () => lab.stop() };
  };
  const folder = new URL("../kernel/", import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts") && !elsewhere.includes(name));
  for (const name of files.toSorted()) await import(new URL(name, folder).pathname);
}
