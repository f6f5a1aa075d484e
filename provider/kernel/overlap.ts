import { familyOf, overlaps, subnetOf } from "./addresses.ts";
import type { Fact } from "./command.ts";
import { refuse } from "./failure.ts";
import { type Link, linksFact } from "./links.ts";
import { isOwner, sameProgram } from "./owner.ts";
import { type Route, routesFact } from "./routes.ts";

/** What has to be asked about a host before one of its own links gets an address. */
export const overlapFacts: { links: Fact<Link[]>; routes4: Fact<Route[]>; routes6: Fact<Route[]> } = {
  links: linksFact(),
  routes4: routesFact(undefined, 4),
  routes6: routesFact(undefined, 6),
};

/** What has to be asked before a link gets its addresses: on the host's own {@link overlapFacts}, in a namespace its routes. */
export function addressFacts(netns: string | undefined, addresses: readonly string[]): Partial<typeof overlapFacts> {
  if (netns === undefined) return addresses.length > 0 ? overlapFacts : {};
  const families = new Set(addresses.map(familyOf));
  return {
    ...(families.has(4) && { routes4: routesFact(netns, 4) }),
    ...(families.has(6) && { routes6: routesFact(netns, 6) }),
  };
}

/** The answers to {@link overlapFacts}. */
export interface HostSubnets {
  links: Link[];
  routes4: Route[];
  routes6: Route[];
}

/**
 * Refuses addresses whose subnet the host uses already: it would cut that route off.
 * Links of the same program are left out: what it declares is its own to decide. Those of another stack are not.
 *
 * @param owner the resource that wants the addresses
 */
export function refuseOverlap(addresses: readonly string[], { links, routes4, routes6 }: HostSubnets, owner: string) {
  const aliases = new Map(links.map(({ name, alias }) => [name, alias]));
  const own = (dev: string) => {
    const alias = aliases.get(dev);
    return alias !== undefined && isOwner(alias) && sameProgram(alias, owner);
  };
  const used = [
    ...links.flatMap(({ name, addresses: all }) => all.map((address) => ({ subnet: subnetOf(address), dev: name }))),
    ...[...routes4, ...routes6].flatMap(({ to, dev }) => (to === "default" || !dev ? [] : [{ subnet: to, dev }])),
  ].filter(({ subnet, dev }) => !own(dev) && !/^(0\.0\.0\.0|::)\/0$|^fe80::/.test(subnet));
  for (const address of addresses) {
    const other = used.find(({ subnet }) => overlaps(subnet, subnetOf(address)));
    if (other) refuseUsed(address, other, aliases.get(other.dev));
  }
}

function refuseUsed(address: string, { subnet, dev }: { subnet: string; dev: string }, alias: string | undefined) {
  const whose = isOwner(alias) ? ` for ${alias}` : "";
  refuse(
    `the subnet of ${address} overlaps ${subnet}, which this host uses on ${dev}${whose}`,
    "Choose another subnet.",
  );
}
