import { contains, familyOf, parseCidr } from "../../kernel/addresses.ts";
import { freeSubnet } from "../../kernel/free-subnet.ts";
import { listed } from "../../kernel/issue.ts";
import { derivedName } from "../../kernel/names.ts";
import { addressAt, allocate, isNoHost } from "../../kernel/pool.ts";
import type { LabArgs, LabContainer, LabNetwork } from "./shape.ts";

/** Names and addresses of a lab, and of names that it could give none. */
export interface Worked {
  args: LabArgs;
  /** The containers that got no address, by network. */
  full: Record<string, string[]>;
}

/** Hex digits in the names of a lab: it has many of them. */
const digits = 8;

/** What tells the names of a lab from those of others: the owner without who runs it. */
function scopeOf(owner: string): string[] {
  return [owner.replace(/@[0-9a-f]{8}$/, "")];
}

/** The name of a container's namespace (`end` omitted), or of the host's end of one of its cables. */
export function labName(owner: string, name: string, end = ""): string {
  return derivedName(scopeOf(owner), name, end, digits);
}

/** The networks of a container that have a bridge, in its order. */
export function bridgedOf({ network }: LabContainer, networks: LabArgs["networks"]): string[] {
  return listed(network).filter((name) => Object.hasOwn(networks, name) && isBridged(networks[name]));
}

/** The network by which a container's published ports are reached: the first one with a way out. */
export function publishingOf(container: LabContainer, networks: LabArgs["networks"]): LabNetwork | undefined {
  return bridgedOf(container, networks)
    .map((name) => networks[name])
    .find((network) => !network?.internal);
}

/** Whether containers of a network are attached to a bridge. */
export function isBridged(network: LabNetwork | undefined): boolean {
  return (network?.driver ?? "bridge") === "bridge";
}

/** The container of the lab whose namespace another one joins. */
export function joinedBy({ joins }: LabContainer, containers: LabArgs["containers"]): LabContainer | undefined {
  return joins !== undefined && Object.hasOwn(containers, joins) ? containers[joins] : undefined;
}

/**
 * Works out what a lab leaves open: subnets, gateways, names, addresses. A container keeps its addresses whatever containers come
 * and go.
 *
 * @param olds the inputs of the last run
 */
export function workOut(args: LabArgs, olds: Partial<LabArgs>): Worked {
  const networks = withSubnets(args, olds.networks ?? {});
  const given = addressesOf(args, networks, olds);
  const containers: Record<string, LabContainer> = {};
  for (const [name, { netns: joins, ...container }] of Object.entries(args.containers)) {
    const addresses = given.byContainer.get(name) ?? [];
    const on = bridgedOf(container, networks)[0];
    const gateway = (on !== undefined && networks[on]?.gateways?.[0]) || "";
    const host = listed(container.network).some((one) => networks[one]?.driver === "host");
    const own = joins ?? (host ? "" : labName(args.owner, name));
    containers[name] = { ...container, netns: own, ...(joins !== undefined && { joins }), addresses, gateway };
  }
  for (const container of Object.values(containers)) {
    const other = joinedBy(container, containers);
    if (other) Object.assign(container, { netns: other.netns, addresses: other.addresses, gateway: other.gateway });
  }
  return { args: { ...args, networks, containers }, full: given.full };
}

function withSubnets({ networks, owner }: LabArgs, before: LabArgs["networks"]): Record<string, LabNetwork> {
  const given = (network: LabNetwork) => network.subnets ?? listed(network.subnet);
  const used = Object.values(networks).flatMap(given);
  const entries = Object.entries(networks).map(([name, network]) => {
    if (!isBridged(network)) return [name, network] as const;
    const kept = Object.hasOwn(before, name) ? (before[name]?.subnets ?? []) : [];
    let subnets = given(network);
    if (subnets.length === 0) {
      const free = kept.length === 1 && kept.every((one) => one.startsWith("10.200.") && !used.includes(one));
      subnets = free ? kept : listed(freeSubnet(name, used));
      used.push(...subnets);
    }
    const gateways = subnets.map((one) => gatewayIn(one, network));
    return [name, { ...network, subnets, gateways, bridgeName: network.bridgeName ?? labName(owner, name) }] as const;
  });
  return Object.fromEntries(entries);
}

function gatewayIn(subnet: string, { gateway }: LabNetwork): string {
  return listed(gateway).find((one) => familyOf(one) === familyOf(subnet)) ?? addressAt(subnet, 1n);
}

/** The names of a network's members, sorted: the engine keeps no order of an object's keys. */
export function membersOf(network: string, { containers }: Pick<LabArgs, "containers">): string[] {
  return Object.keys(containers)
    .filter((name) => listed(containers[name]?.network).includes(network))
    .toSorted();
}

function addressesOf(args: LabArgs, networks: LabArgs["networks"], olds: Partial<LabArgs>) {
  const byContainer = new Map<string, string[]>();
  const full: Record<string, string[]> = {};
  const perNetwork = new Map<string, Record<string, string>[]>();
  for (const [name, network] of Object.entries(networks)) {
    const members = membersOf(name, args);
    const given = (network.subnets ?? []).filter(canGive).map((subnet) => {
      const fixed = fixedIn(subnet, name, members, args);
      const range = network.ipRange && contains(subnet, network.ipRange) ? network.ipRange : undefined;
      const pool = { subnet, gateway: gatewayIn(subnet, network), range, reserved: [], names: members, fixed };
      const { addresses, left } = allocate(pool, before(subnet, members, olds));
      if (left.length > 0) full[name] = left;
      return addresses;
    });
    perNetwork.set(name, given);
  }
  for (const [name, container] of Object.entries(args.containers)) {
    const on = bridgedOf(container, networks).flatMap((network) => perNetwork.get(network) ?? []);
    byContainer.set(
      name,
      on.flatMap((addresses) => addresses[name] ?? []),
    );
  }
  return { byContainer, full };
}

/** Whether a subnet has addresses to give. */
export function canGive(subnet: string): boolean {
  return (parseCidr(subnet)?.prefix ?? 0) < (familyOf(subnet) === 4 ? 31 : 127);
}

/** The addresses that containers must have: those that they give for their first network. */
export function fixedIn(subnet: string, network: string, members: readonly string[], { containers }: LabArgs) {
  const entries = members.flatMap((name) => {
    const { address, network: on } = containers[name] as LabContainer;
    const own = listed(on)[0] === network ? listed(address) : [];
    return own.filter((one) => contains(subnet, one) && !isNoHost(subnet, one)).map((one) => [name, one] as const);
  });
  return Object.fromEntries(entries);
}

/** What the members had in a subnet; those that have left too, whose addresses are given again last. */
function before(subnet: string, members: readonly string[], { containers = {} }: Partial<LabArgs>) {
  const all = new Set([...members, ...Object.keys(containers)]);
  const entries = [...all].flatMap((name) => {
    const had = Object.hasOwn(containers, name) ? containers[name] : undefined;
    if (!had || had.joins !== undefined) return [];
    return (had.addresses ?? []).filter((one) => contains(subnet, one)).map((one) => [name, one] as const);
  });
  return Object.fromEntries(entries);
}

/** The addresses of a container that lie in some subnets, by what `derive` gave it: they have the subnet's prefix. */
export function inSubnets(addresses: readonly string[], subnets: readonly string[]): string[] {
  return addresses.filter((one) => subnets.some((subnet) => contains(subnet, one)));
}
