import type { Connection } from "../../../provider/kernel/connection.ts";
import { gateway, hostAddress, subnet } from "../proof.ts";

/** The ways in which this package declares a lab. */
export type Way = "primitives" | "components" | "lab";

/** What a lab's program is to say. */
export interface Wanted {
  way: Way;
  /** How many hosts, on each machine. */
  n: number;
  /** What the last host's {@link changedSetting} is, on the first machine; default: not said. */
  setting?: string;
  /** The machines on which such a lab stands; default: this one. */
  connections?: readonly Connection[];
  /** Variables of the engine's environment. */
  env?: Readonly<Record<string, string>>;
}

/** The setting that a change of one host changes: of its own namespace. */
export const changedSetting = "net.ipv4.ip_default_ttl";

/** The hosts of one machine, as data. */
const hosts = (n: number) =>
  Array.from({ length: n }, (_, index) => ({ name: `h${index + 1}`, address: hostAddress(index + 1) }));

const bodies: Record<Way, string> = {
  primitives: `
  const bridge = new linuxnet.Bridge(where + "br0", { name: "br0", addresses: [gateway + "/16"], connection });
  new linuxnet.NatRule(where + "nat", { type: "masquerade", source: subnet, notOutInterface: bridge.name, connection });
  const made = hosts.map(({ name, address, ...args }) => {
    const netns = new linuxnet.Netns(where + name, { name, ...args, connection });
    new linuxnet.VethPair(where + name, {
      name: "v" + name,
      bridge: bridge.name,
      peer: { name: "eth0", netns: netns.name, addresses: [address + "/16"], gateway },
      connection,
    });
    return netns.name;
  });
  return [made[0], made.at(-1)];`,
  components: `
  const network = new linuxnet.Network(where + "lab", { subnet, connection });
  const made = hosts.map(({ name, ...args }) => new linuxnet.Container(where + name, { network, ...args }).netns);
  return [made[0], made.at(-1)];`,
  lab: `
  const containers = Object.fromEntries(hosts.map(({ name, ...args }) => [name, { network: "lab", ...args }]));
  const lab = new linuxnet.Lab(where + "lab", { networks: { lab: { subnet } }, containers, connection });
  return lab.containers.apply((all) => [hosts[0], hosts.at(-1)].map(({ name }) => all[name].netns));`,
};

/**
 * The program of a lab: N hosts on one bridge behind NAT, on one machine or on several. It exports the namespaces of the first
 * and the last host of each machine.
 */
export function programOf({ way, n, setting, connections = [] }: Wanted): string {
  const machines = connections.map((connection, index) => ({ where: `m${index + 1}-`, connection }));
  const data = { subnet, gateway, hosts: hosts(n), machines: machines.length > 0 ? machines : [{ where: "" }] };
  const changed = setting === undefined ? "" : `{ ${JSON.stringify(changedSetting)}: "${setting}" }`;
  return `import * as linuxnet from "pulumi-linuxnet";
const { subnet, gateway, hosts: all, machines } = ${JSON.stringify(data)};
const last = ${changed ? `{ ...all.at(-1), sysctls: ${changed} }` : "all.at(-1)"};
export const netns = machines.map(({ where, connection }, index) => {
  const hosts = index === 0 ? [...all.slice(0, -1), last] : all;
${bodies[way].slice(1)}
});
`;
}
