import * as pulumi from "@pulumi/pulumi";
import { canonicalAddress, contains, familyOf } from "../kernel/addresses.ts";
import type { ConnectionArgs } from "../resources/connection.ts";

/** The hosts of an overlay with their own addresses in the network between them, in the order of their names. */
export type Underlay = Record<string, string>;

type Connections = Record<string, pulumi.Input<ConnectionArgs>>;

function isPlain<T>(value: pulumi.Input<T> | undefined): value is T | undefined {
  return !pulumi.Output.isInstance(value) && !(value instanceof Promise);
}

/** The `host` of a connection; its address is no secret, even where the connection as a whole is one. */
function hostOf(connection: pulumi.Input<ConnectionArgs>): pulumi.Input<string | undefined> {
  if (isPlain(connection)) return connection.host;
  return pulumi.unsecret(pulumi.output(connection)).apply((one) => one?.host);
}

/** Whether the `host` of a connection is an address that other hosts can have for it. */
function isReachable(host: string): boolean {
  const address = canonicalAddress(host);
  if (address === undefined) return false;
  return !(familyOf(address) === 4 ? contains("127.0.0.0/8", address) : address === "::1");
}

/**
 * The underlay's addresses: those that are given, else the `host` of each connection.
 *
 * @param given addresses by host; may be outputs, which are looked at when they are known
 * @throws RunError that names the property, at once where all is plain data
 */
export function underlayOf(
  network: string,
  connections: Connections,
  given: Record<string, pulumi.Input<string>>,
): pulumi.Output<Underlay> {
  const hosts = Object.keys(connections).toSorted();
  const found = hosts.map((host) => {
    const own = given[host];
    return own === undefined ? { host, from: hostOf(connections[host] ?? {}) } : { host, address: own };
  });
  const values = found.map(({ address, from }) => address ?? from);
  const read = (all: readonly (string | undefined)[]): Underlay =>
    readUnderlay(
      network,
      found.map(({ host, address }, index) => ({ host, given: address !== undefined, value: all[index] })),
    );
  if (values.every((value) => isPlain(value))) return pulumi.output(read(values));
  return pulumi.all(values).apply(read);
}

/** Where an address of the underlay comes from. */
export interface Source {
  host: string;
  /** Whether it stands in `overlay.addresses`, or is the `host` of a connection. */
  given: boolean;
  value: string | undefined;
}

/**
 * Reads the underlay's addresses.
 * @throws RunError for one that is missing or none, for two that are the same, for two families
 */
export function readUnderlay(network: string, sources: readonly Source[]): Underlay {
  const refuse = (host: string, problem: string): never => {
    throw new pulumi.RunError(`network "${network}": overlay.addresses.${host} ${problem}`);
  };
  const entries = sources.map(({ host, given, value }) => {
    const address = value === undefined ? undefined : canonicalAddress(value);
    if (given && address === undefined) refuse(host, `must be an IP address, and is ${JSON.stringify(value)}`);
    if (!given && !isReachable(value ?? ""))
      refuse(
        host,
        `is needed: ${value === undefined ? "its connection has no host" : `the host of its connection, ${value}, is no IP address of the underlay`}`,
      );
    return [host, address ?? ""] as const;
  });
  for (const [index, [host, address]] of entries.entries()) {
    const [first = "", family = ""] = entries[0] ?? [];
    const same = entries.slice(0, index).find(([, other]) => other === address);
    if (same) refuse(host, `is ${address}, as that of ${same[0]} is`);
    if (familyOf(address) !== familyOf(family)) refuse(host, `is ${address}, and that of ${first} of the other family`);
  }
  return Object.fromEntries(entries);
}
