import * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs } from "../resources/connection.ts";
import type { Network } from "./network.ts";
import type { Site } from "./sites.ts";

/** What a container's arguments say of where it is. */
export interface PlaceArgs {
  host?: string;
  connection?: pulumi.Input<ConnectionArgs>;
}

/** Where a container is. */
export interface Place {
  /** How that host is reached; undefined: this machine. */
  connection: pulumi.Input<ConnectionArgs> | undefined;
  /** What a network has there; undefined where its driver makes nothing. */
  siteOf(network: Network): Site | undefined;
}

/**
 * Where a container is: on its host of an overlay, else where it says, else where its first network is.
 *
 * @param other the connection of the container whose namespace it joins
 * @throws RunError that names the argument, where the host of an overlay is missing or none of its hosts
 */
export function placeOf(
  container: string,
  { host, connection }: PlaceArgs,
  networks: readonly Network[],
  other?: pulumi.Input<ConnectionArgs>,
): Place {
  const refuse = (problem: string): never => {
    throw new pulumi.RunError(`container "${container}": ${problem}`);
  };
  const [overlay] = networks.filter(({ driver }) => driver === "overlay");
  if (host !== undefined && !overlay) refuse("host needs a network with the driver overlay");
  if (connection !== undefined && overlay) refuse("connection cannot be given in an overlay: host says where it is");
  const siteOf = (network: Network): Site | undefined => {
    if (network.driver !== "overlay") return network.sites[""];
    const [fault, site] = siteIn(network, host);
    return fault === undefined ? site : refuse(fault);
  };
  for (const network of networks) siteOf(network);
  const own = overlay ? siteOf(overlay)?.connection : (connection ?? networks[0]?.args.connection ?? other);
  return { connection: own, siteOf };
}

/** What an overlay has on a host, or why there is no such. */
function siteIn({ sites }: Network, host: string | undefined): [fault: string] | [fault: undefined, site: Site] {
  const hosts = Object.keys(sites);
  const name = host ?? (hosts.length === 1 ? hosts[0] : undefined);
  if (name === undefined) return [`host is needed: which one of its network's hosts ${hosts.join(", ")}`];
  const site = Object.hasOwn(sites, name) ? sites[name] : undefined;
  return site ? [undefined, site] : [`host is ${name}, and its network has the hosts ${hosts.join(", ")}`];
}
