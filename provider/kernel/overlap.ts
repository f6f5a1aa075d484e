import { overlaps, subnetOf } from "./addresses.ts";
import type { Fact } from "./command.ts";
import { refuse } from "./failure.ts";
import { type Link, linksFact } from "./links.ts";
import { isOwner } from "./owner.ts";
import { type Route, routesFact } from "./routes.ts";

/** What has to be asked about a host before one of its own links gets an address. */
export const overlapFacts: { links: Fact<Link[]>; routes4: Fact<Route[]>; routes6: Fact<Route[]> } = {
  links: linksFact(),
  routes4: routesFact(undefined, 4),
  routes6: routesFact(undefined, 6),
};

/** The answers to {@link overlapFacts}. */
export interface HostSubnets {
  links: Link[];
  routes4: Route[];
  routes6: Route[];
}

/**
 * Refuses addresses whose subnet the host uses already: it would cut that route off.
 * Links of ours are left out: what their programs declare is theirs to decide.
 */
export function refuseOverlap(addresses: readonly string[], { links, routes4, routes6 }: HostSubnets): void {
  const ours = new Set(links.filter(({ alias }) => isOwner(alias)).map(({ name }) => name));
  const used = [
    ...links.flatMap(({ name, addresses: own }) =>
      ours.has(name) ? [] : own.map((address) => ({ subnet: subnetOf(address), name })),
    ),
    ...[...routes4, ...routes6].flatMap(({ to, dev }) =>
      to === "default" || !dev || ours.has(dev) ? [] : [{ subnet: to, name: dev }],
    ),
  ].filter(({ subnet }) => !/^(0\.0\.0\.0|::)\/0$|^fe80::/.test(subnet));
  for (const address of addresses) {
    const other = used.find(({ subnet }) => overlaps(subnet, subnetOf(address)));
    if (other)
      refuse(
        `the subnet of ${address} overlaps ${other.subnet}, which this host uses on ${other.name}`,
        "Choose another subnet.",
      );
  }
}
