import { expect } from "vitest";
import { LinuxnetError } from "../../provider/kernel/failure.ts";
import { open, serve, type Target } from "../kernel/attacks-lab.ts";
import { type Machine, machineAddress, worldAddress } from "../support/machine.ts";
import { Subject } from "../support/subject.ts";
import type { Place } from "../support/transfer.ts";

/** What is there before anything of ours: namespaces, and a neighbour that knows the way to the containers. */
const ground = `echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
for n in ct1 ct2 ct3; do ip netns add $n; ip -n $n link set lo up; done`;

const cable = (name: string, bridge: string, address: string, gateway: string) => {
  const peer = { name: "eth0", netns: name, addresses: [address], gateway };
  return { name: `v-${name}`, bridge, peer };
};

/** Two networks that are closed to each other, one with a way out, a published port and one on the loopback, and a drop. */
const declared: readonly (readonly [kind: string, name: string, args: Record<string, unknown>])[] = [
  ["Bridge", "br9", { name: "br9", addresses: ["10.9.0.1/24"], isolate: true }],
  ["Bridge", "br8", { name: "br8", addresses: ["10.8.0.1/24"], isolate: true }],
  ["VethPair", "ct1", cable("ct1", "br9", "10.9.0.2/24", "10.9.0.1")],
  ["VethPair", "ct2", cable("ct2", "br9", "10.9.0.3/24", "10.9.0.1")],
  ["VethPair", "ct3", cable("ct3", "br8", "10.8.0.2/24", "10.8.0.1")],
  ["NatRule", "out", { type: "masquerade", source: "10.9.0.0/24", outInterface: "uplink" }],
  ["PortPublish", "web", { hostPort: 8080, targetAddress: "10.9.0.2", targetPort: 80 }],
  ["PortPublish", "local", { hostAddress: "127.0.0.1", hostPort: 8081, targetAddress: "10.9.0.2", targetPort: 80 }],
  ["PortPublish", "late", { hostPort: 8082, targetAddress: "10.9.0.3", targetPort: 80 }],
  ["ForwardRule", "no", { action: "drop", destination: worldAddress, protocol: "tcp", destinationPorts: 7001 }],
];

/** All that anybody tries, by who tries it. */
const tried: Record<Place, readonly Target[]> = {
  world: [
    ["tcp", machineAddress, 8080],
    ["tcp", machineAddress, 8081],
    ["tcp", machineAddress, 8082],
    ["tcp", "10.9.0.2", 80],
    ["udp", "10.9.0.2", 81],
    ["tcp", "127.0.0.1", 8081],
  ],
  host: [["tcp", "127.0.0.1", 8081]],
  ct1: [
    ["tcp", worldAddress, 7000],
    ["tcp", worldAddress, 7001],
    ["tcp", "10.9.0.3", 81],
    ["tcp", "10.8.0.2", 81],
  ],
  ct3: [["tcp", "10.9.0.2", 81]],
};

/** What of it is to work, and nothing else. */
export const working = {
  published: `world: tcp ${machineAddress} 8080`,
  late: `world: tcp ${machineAddress} 8082`,
  loopback: "host: tcp 127.0.0.1 8081",
  out: `ct1: tcp ${worldAddress} 7000`,
  siblings: "ct1: tcp 10.9.0.3 81",
} as const;

/** What works, by name. */
export type Working = keyof typeof working;

interface Declared {
  name: string;
  subject: Subject;
  args: Record<string, unknown>;
}

/** A lab behind a firewall of others, in the hands of the lifecycle. */
export class FirewalledLab {
  readonly machine: Machine;
  /** The commands that errors have named as a remedy, and that were run. */
  readonly remedies: string[] = [];
  #subjects: Declared[];

  private constructor(machine: Machine) {
    this.machine = machine;
    this.#subjects = declared.map(([kind, name, args]) => ({ name, subject: new Subject(machine, kind, name), args }));
  }

  /** Makes what is there before: `start` brings the firewall up. */
  static async prepare(machine: Machine, start: () => Promise<unknown>): Promise<FirewalledLab> {
    await machine.sh(ground);
    await machine.world(`ip route add 10.8.0.0/15 via ${machineAddress}`);
    await serve(machine, "world", "world", [7000, 7001]);
    await start();
    await machine.baseline();
    return new FirewalledLab(machine);
  }

  /** Does what one `up` does. An error that names a remedy is believed: it is applied once, and tried again. */
  async up(): Promise<void> {
    for (const one of this.#subjects) {
      const fresh = !one.subject.exists;
      await this.#attempt(one);
      const { peer } = one.args as { peer?: { netns: string } };
      if (peer && fresh) await serve(this.machine, peer.netns, peer.netns, [80, 81]);
    }
  }

  async #attempt({ subject, args }: Declared): Promise<void> {
    try {
      await subject.up(args);
    } catch (error) {
      const remedy =
        error instanceof LinuxnetError ? /`(nft insert|firewall-cmd)[^`]*`/.exec(error.message)?.[0] : undefined;
      if (remedy === undefined) throw error;
      this.remedies.push(remedy.slice(1, -1));
      await this.machine.sh(remedy.slice(1, -1));
      await subject.up(args);
    }
  }

  /** The names of those that a refresh finds other than they were made. */
  async drifted(): Promise<string[]> {
    const drifts = await Promise.all(this.#subjects.map(({ subject }) => subject.refresh()));
    return this.#subjects.flatMap(({ name }, index) => (drifts[index]?.length ? name : []));
  }

  /** Takes the publish away that is called `late`. */
  async removeLate(): Promise<void> {
    const at = this.#subjects.findIndex(({ args }) => args.hostPort === 8082);
    await this.#subjects.splice(at, 1)[0]?.subject.destroy();
  }

  /** What works of all that is tried. */
  async works(patience = 1): Promise<string[]> {
    const found = await Promise.all(
      Object.entries(tried).map(async ([place, targets]) =>
        (await open(this.machine, place, targets, patience)).map((target) => `${place}: ${target}`),
      ),
    );
    return found.flat().toSorted();
  }

  /** Fails unless just this works. */
  async expectWorking(...names: Working[]): Promise<void> {
    const wanted = names.map((name) => working[name]).toSorted();
    // On a busy machine an answer may take longer than what is not to come is waited for.
    await expect.poll(() => this.works(), { timeout: 20_000, interval: 0 }).toEqual(wanted);
  }

  /** Takes everything away. */
  async destroy(): Promise<void> {
    for (const { subject } of this.#subjects.toReversed()) await subject.destroy();
    await this.machine.sh("for n in ct1 ct2 ct3; do kill -9 $(ip netns pids $n) 2>/dev/null || :; done");
  }
}
