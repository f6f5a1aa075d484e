import { gateway, hostAddress, subnet } from "../proof.ts";

/** The ways in which this package declares a lab. */
export type Way = "primitives" | "components" | "lab";

/** What a lab's program is to say. */
export interface Wanted {
  way: Way;
  /** How many hosts. */
  n: number;
  /** The last host has another setting than the others. */
  changed?: boolean;
  /** Where it stands; default: this machine. */
  connection?: Record<string, unknown>;
}

/** The setting that a change of one host changes, and what it becomes. */
export const changedSetting = { key: "net.ipv4.ip_default_ttl", value: "65" } as const;

/** What the hosts of a program are, as data. */
function hosts(n: number, changed: boolean): { name: string; address: string; sysctls?: Record<string, string> }[] {
  return Array.from({ length: n }, (_, index) => ({
    name: `h${index + 1}`,
    address: hostAddress(index + 1),
    ...(changed && index + 1 === n && { sysctls: { [changedSetting.key]: changedSetting.value } }),
  }));
}

const bodies: Record<Way, string> = {
  primitives: `
const bridge = new linuxnet.Bridge("lab", { name: "br0", addresses: [gateway + "/16"], connection });
new linuxnet.NatRule("lab", { type: "masquerade", source: subnet, notOutInterface: bridge.name, connection });
const made = hosts.map(({ name, address, sysctls }) => {
  const netns = new linuxnet.Netns(name, { name, ...(sysctls && { sysctls }), connection });
  new linuxnet.VethPair(name, {
    name: "v" + name,
    bridge: bridge.name,
    peer: { name: "eth0", netns: netns.name, addresses: [address + "/16"], gateway },
    connection,
  });
  return netns.name;
});
export const netns = [made[0], made.at(-1)];`,
  components: `
const network = new linuxnet.Network("lab", { subnet, connection });
const made = hosts.map(({ name, address, sysctls }) =>
  new linuxnet.Container(name, { network, address, ...(sysctls && { sysctls }) }).netns);
export const netns = [made[0], made.at(-1)];`,
  lab: `
const lab = new linuxnet.Lab("lab", {
  networks: { lab: { subnet } },
  containers: Object.fromEntries(hosts.map(({ name, ...args }) => [name, { network: "lab", ...args }])),
  connection,
});
export const netns = lab.containers.apply((all) => [hosts[0], hosts.at(-1)].map(({ name }) => all[name].netns));`,
};

/** The program of a lab: N hosts on one bridge behind NAT. It exports the namespaces of the first and the last one. */
export function programOf({ way, n, changed = false, connection }: Wanted): string {
  const data = { subnet, gateway, hosts: hosts(n, changed), connection };
  return `import * as linuxnet from "pulumi-linuxnet";
const { subnet, gateway, hosts, connection } = ${JSON.stringify(data)};
${bodies[way]}
`;
}
