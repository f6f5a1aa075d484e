import { readdirSync } from "node:fs";
import type { Connection } from "../../provider/kernel/connection.ts";
import { Hosts, type Keys, type LabHost, type User } from "./hosts.ts";
import { source } from "./machine.ts";

/** Tests of the sessions' ground, of what a machine is, and with machines of their own: not of what a session does. */
const elsewhere = ["machine.test.ts", "processSystemd.test.ts"];

/** Tests of rules that no resource asks for in these words: over ssh with LINUXNET_TEST_ALL alone. */
const byWords = ["iptables", "iptables-forward-accept", "iptables-undo", "nft-undo"].map((name) => `${name}.test.ts`);

const logins: Partial<Record<User, (keys: Keys) => Connection>> = {
  labpw: ({ password }) => ({ password }),
};

/** The users in whose names the tests are run; each file of them goes to one, or with LINUXNET_TEST_ALL to all. */
const turns: readonly User[] = ["root", "lab", "labpw"];

/**
 * Runs the tests of `test/kernel` that are this user's (all of them with `npm run test:ssh`), each on a host of its own that is reached by ssh. The host has the uplink and
 * the world that a machine has; what a test does by hand is done on the host itself.
 *
 * @param half which half of the user's files: two files of tests share them, so that no core waits long for the last one
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
  const left = process.env.LINUXNET_TEST_ALL ? elsewhere : [...elsewhere, ...byWords];
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts") && !left.includes(name));
  const own = (_: string, index: number) =>
    process.env.LINUXNET_TEST_ALL || index % turns.length === turns.indexOf(user);
  const inHalf = (_: string, index: number) => index % 2 === half;
  for (const name of files.toSorted().filter(own).filter(inHalf)) await import(new URL(name, folder).pathname);
}
