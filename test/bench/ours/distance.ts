import { fileURLToPath } from "node:url";
import type { Connection } from "../../../provider/kernel/connection.ts";
import type { Machine } from "../../support/machine.ts";

const port = 2022;

/** The name by which ssh on the client side finds the way over the slow wire. */
const alias = "far";

/**
 * Lays a slow wire from the client side to the sshd at an address.
 *
 * @param delay milliseconds of round trip
 * @returns the connection that goes over it
 */
export async function slowWire(client: Machine, address: string, delay: number): Promise<Connection> {
  const proxy = fileURLToPath(new URL("delay-proxy.ts", import.meta.url));
  await client.spawn([process.execPath, proxy, `${port}`, address, "22", `${delay}`]);
  await client.sh(`umask 077; cat >>/root/.ssh/config <<'CONFIG'
Host ${alias}
  HostName 127.0.0.1
  Port ${port}
  HostKeyAlias ${address}
CONFIG
  until ss -Htln 'sport = :${port}' | grep -q .; do sleep 0.05; done`);
  const [before, answer, after] = [
    Date.now(),
    await client.exec(`ssh -o BatchMode=yes root@${alias} true`),
    Date.now(),
  ];
  if (answer.code !== 0) throw new Error(`the slow wire does not work: ${answer.stderr}`);
  // A log-in takes at least six round trips (RFC 4253, RFC 4252).
  if (after - before < 6 * delay) throw new Error(`the slow wire is not slow: a log-in took ${after - before} ms`);
  return { host: alias, user: "root" };
}
