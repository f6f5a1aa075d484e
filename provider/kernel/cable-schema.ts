import { z } from "zod";
import { type Family, familyOf } from "./addresses.ts";
import { unreachable } from "./cable.ts";
import { type Fact, shAt } from "./command.ts";
import { type Impairment, impairment } from "./impairment-shape.ts";
import { type Issue, listed, when } from "./issue.ts";
import type { Route } from "./routes.ts";
import { address, interfaceAddress, linkName, macAddress, netnsName, oneOrMore, subnet } from "./schema.ts";

/** One end of a pair, checked and canonical. */
export interface End {
  name: string;
  netns?: string;
  bridge?: string;
  addresses: string[];
  gateway?: string | string[];
  routes?: Route[];
  macAddress: string;
  hairpin: boolean;
  isolated: boolean;
  addrgenmode?: "none" | undefined;
  impairment?: Impairment;
}

/** What a route costs: of two to one subnet the cheaper is taken (ip-route(8)). */
const metric = z
  .number("must be a number from 0 to 4294967295")
  .int("must be a whole number")
  .min(0, "must be at least 0")
  .max(4294967295, "must be at most 4294967295 (32 bits)");

/** The inputs of an end. */
export const endFields = {
  name: linkName,
  netns: netnsName.optional(),
  bridge: linkName.optional(),
  addresses: z.array(interfaceAddress, "must be a list of addresses").default([]),
  gateway: oneOrMore(address).optional(),
  routes: z
    .array(
      z.strictObject(
        {
          to: z.union([z.literal("default"), subnet], 'must be a subnet, an address or "default"'),
          via: address.optional(),
          metric: metric.optional(),
        },
        'must be an object such as { to: "10.0.0.0/8", via: "172.18.0.9" }',
      ),
      "must be a list of routes",
    )
    .optional(),
  macAddress: macAddress.optional(),
  hairpin: z.boolean("must be true or false").default(false),
  isolated: z.boolean("must be true or false").default(false),
  addrgenmode: z.literal("none", 'must be "none"').optional(),
  impairment: impairment.optional(),
};

/** What is wrong with an end as a whole. @param prefix where it stands among the inputs: "" or `peer.` */
export function endRules(end: End, prefix: string): Issue[] {
  const { addresses, bridge, routes = [] } = end;
  const both = bridge !== undefined && addresses.length > 0;
  return [
    ...gatewayRules(end),
    ...when(both, "addresses", "must be empty on a port of a bridge: give them to the bridge"),
    ...routes.flatMap((route, index) => routeRules(route, end, `routes[${index}]`)),
  ].map(({ property, reason }) => ({ property: `${prefix}${property}`, reason }));
}

function gatewayRules({ gateway, netns, addresses }: End): Issue[] {
  const gateways = listed(gateway);
  const families = new Set(gateways.map(familyOf));
  const ownWay = "is allowed only inside a namespace (netns): the host's own default route is never touched";
  const isOwn = (via: string) => addresses.some((cidr) => cidr.startsWith(`${via}/`));
  return [
    ...when(gateways.length > 0 && netns === undefined, "gateway", ownWay),
    ...when(families.size < gateways.length, "gateway", "must be at most one address per family"),
    ...gateways.flatMap((via) => reachableRule("gateway", via, addresses)),
    ...gateways.flatMap((via) => when(isOwn(via), "gateway", "must not be this end's own address")),
  ];
}

function routeRules({ via, to }: Route, { netns, addresses }: End, property: string): Issue[] {
  const isDefault = to === "default";
  return [
    ...(via ? reachableRule(`${property}.via`, via, addresses) : []),
    ...when(isDefault && !via, `${property}.via`, "is needed for the default route"),
    ...when(isDefault && netns === undefined, `${property}.to`, "must not be the host's own default route"),
  ];
}

function reachableRule(property: string, via: string, addresses: readonly string[]): Issue[] {
  const reason = unreachable(via, addresses);
  return reason ? [{ property, reason }] : [];
}

/** Whether an end has routes of a family, or had, be they those of its addresses: what was never set is not asked for. */
export function hasRoutes(family: Family, ...ends: readonly Partial<End>[]): boolean {
  return ends.some(({ gateway, routes = [], addresses = [] }) =>
    [...listed(gateway), ...routes.map(({ to }) => to), ...addresses].some(
      (one) => one === "default" || familyOf(one) === family,
    ),
  );
}

/** Asks whether the kernel has IPv6; costs no process. */
export const ipv6Fact: Fact<boolean> = {
  command: shAt("/proc/sys/net/ipv6/conf", "echo ipv6"),
  parse: ({ stdout }) => stdout.includes("ipv6"),
};

/** The ends as the kernel can have them: without `addrgenmode` where it has no IPv6, as on links with an MTU below 1280 (RFC 8200, 5). */
export function fitted<A extends End & { peer: End; mtu: number }>(args: A, ipv6: boolean | undefined): A {
  if (ipv6 && args.mtu >= 1280) return args;
  return { ...args, addrgenmode: undefined, peer: { ...args.peer, addrgenmode: undefined } };
}

/** The addresses that the host's own links get: those of ends outside any namespace. */
export function hostAddresses({ addresses, netns, peer }: End & { peer: End }): string[] {
  return [...(netns ? [] : addresses), ...(peer.netns ? [] : peer.addresses)];
}
