import type { Connection } from "../../../provider/kernel/connection.ts";
import { Hosts } from "../../support/hosts.ts";
import { type Subject, usualSizes } from "../record.ts";
import { onMachine } from "../shell-peer.ts";
import { slowWire } from "./distance.ts";
import { engineFloor } from "./floor.ts";
import { life } from "./life.ts";
import type { Wanted, Way } from "./programs.ts";

const prepare = async () => undefined;

/** A way of ours as a subject: whole operations of the real engine, and beside them the engine alone. */
export function ours(way: Way, title: string, sizes: readonly number[] = usualSizes): Subject {
  return { name: way, title, sizes, prepare, measure: (n) => besideEngine({ way, n }) };
}

/** A way of ours when the engine writes its state once, at the end. */
export function unsaved(way: Way): Subject {
  const env = { PULUMI_SKIP_CHECKPOINTS: "true", PULUMI_EXPERIMENTAL: "true" };
  const title = `${way}, PULUMI_SKIP_CHECKPOINTS`;
  return {
    name: `${way}-unsaved`,
    title,
    sizes: usualSizes,
    scenario: true,
    prepare,
    measure: (n) => besideEngine({ way, n, env }),
  };
}

const besideEngine = (wanted: Wanted) =>
  onMachine(async (machine) => {
    const { values, resources } = await life({ client: machine, machines: [machine] }, wanted);
    return { values: { ...values, ...(await engineFloor(machine, resources, wanted.env)) }, notes: [] };
  });

/**
 * A way of ours on another machine, which is reached by ssh.
 *
 * @param delay milliseconds of round trip to it
 */
export function overSsh(way: Way, delay: number): Subject {
  const name = `${way}-ssh-${delay}ms`;
  const measure = (n: number) =>
    onHosts(1, async ({ machine: client, hosts: machines }) => {
      const connection = delay === 0 ? reach(1) : await slowWire(client, "10.99.0.1", delay);
      const { values } = await life({ client, machines }, { way, n, connections: [connection] });
      return { values, notes: [] };
    });
  return { name, title: `${way} over ssh, ${delay} ms away`, sizes: [100], scenario: true, prepare, measure };
}

/** As many machines as `n` says, each with ten hosts, in one `up`. */
export function manyMachines(way: Way): Subject {
  const measure = (n: number) =>
    onHosts(n, async ({ machine: client, hosts: machines }) => {
      const connections = machines.map((_, index) => reach(index + 1));
      const { values, resources } = await life({ client, machines }, { way, n: 10, connections });
      return { values: { ...values, ...(await engineFloor(client, resources)) }, notes: [] };
    });
  const title = `N machines over ssh, 10 hosts on each: ${way}`;
  return { name: `${way}-machines`, title, sizes: [30], scenario: true, prepare, measure };
}

const reach = (number: number): Connection => ({ host: `10.99.0.${number}`, user: "root" });

async function onHosts<T>(count: number, run: (hosts: Hosts) => Promise<T>): Promise<T> {
  const hosts = await Hosts.start(count, { world: true });
  for (const machine of [hosts.machine, ...hosts.hosts]) machine.patience = 1_200_000;
  try {
    return await run(hosts);
  } finally {
    await hosts.stop();
  }
}
