import * as pulumi from "@pulumi/pulumi";
import { canonicalAddress, contains, familyOf, overlaps, parseCidr } from "../kernel/addresses.ts";
import { freeSubnet } from "../kernel/free-subnet.ts";
import type { ConnectionArgs } from "../resources/connection.ts";

/** Where a network is, as far as the program knows: a host's name ("" for this machine), or a connection that is known later. */
export type Place = string | object;

/** The subnets that this program's networks have so far, each with its network. */
const used: { network: string; subnet: string; places: readonly Place[] }[] = [];

/** The places of a network, by the connections to its hosts; undefined is this machine. */
export function placesOf(connections: readonly (pulumi.Input<ConnectionArgs> | undefined)[]): Place[] {
  return connections.map((connection) => {
    if (connection === undefined) return "";
    if (pulumi.Output.isInstance(connection) || connection instanceof Promise) return connection;
    const { host = "" } = connection;
    return typeof host === "string" ? host : connection;
  });
}

/**
 * Notes the subnets that the program names for a network.
 * @throws RunError when two are of one family, or one overlaps that of another network of this program on the same host
 */
export function takeSubnets(network: string, subnets: readonly string[], places: readonly Place[]): void {
  const refuse = (problem: string): never => {
    throw new pulumi.RunError(`network "${network}": ${problem}`);
  };
  for (const [index, subnet] of subnets.entries()) {
    if (!parseCidr(subnet)) continue;
    const twin = subnets.slice(0, index).find((one) => parseCidr(one) && familyOf(one) === familyOf(subnet));
    if (twin) refuse(`its subnets ${twin} and ${subnet} are of one family, and one of each is allowed`);
    const other = used.find(
      (one) => overlaps(one.subnet, subnet) && one.places.some((place) => places.includes(place)),
    );
    if (other) refuse(`its subnet ${subnet} overlaps ${other.subnet} of network "${other.network}"`);
    used.push({ network, subnet, places });
  }
}

/**
 * Refuses a range to give addresses from that is of another family than all subnets.
 * @throws RunError
 */
export function refuseRange(network: string, subnets: readonly string[], range: string | undefined): void {
  if (range === undefined || subnets.some((one) => familyOf(one) === familyOf(range))) return;
  throw new pulumi.RunError(`network "${network}": its ipRange ${range} lies outside ${subnets.join(", ")}`);
}

/**
 * Refuses addresses that a container cannot have in a network.
 * @throws RunError that names the first of them
 */
export function refuseStray(
  container: string,
  network: string,
  subnets: readonly string[],
  addresses: readonly string[],
): void {
  const refuse = (problem: string): never => {
    throw new pulumi.RunError(`container "${container}": ${problem}`);
  };
  for (const [index, address] of addresses.entries()) {
    if (canonicalAddress(address) === undefined) refuse(`its address "${address}" must be an address without a prefix`);
    if (!subnets.some((subnet) => contains(subnet, address)))
      refuse(`its address ${address} lies outside network "${network}" (${subnets.join(", ")})`);
    const twin = addresses.slice(0, index).find((one) => familyOf(one) === familyOf(address));
    if (twin) refuse(`its addresses ${twin} and ${address} are of one family, and one of each is allowed`);
  }
}

/** A subnet for a network that names none: a /24 of 10.200.0.0/16 by its name, stepped past those that are used so far. */
export function chooseSubnet(network: string, places: readonly Place[]): string {
  const subnet = freeSubnet(
    network,
    used.map((one) => one.subnet),
  );
  if (subnet === undefined)
    throw new pulumi.RunError(
      `network "${network}": all of 10.200.0.0/16 is used by this program's networks; give it a subnet`,
    );
  used.push({ network, subnet, places });
  return subnet;
}
