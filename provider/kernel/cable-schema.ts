import { z } from "zod";
import { familyOf } from "./addresses.ts";
import { unreachable } from "./cable.ts";
import { type Impairment, impairment } from "./impairment-shape.ts";
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
  impairment?: Impairment;
}

/** One value or several, as a list. */
export const listed = (value: string | string[] | undefined): string[] => [value ?? []].flat();

/** The inputs of an end. */
export const endFields = {
  name: linkName,
  netns: netnsName.optional(),
  bridge: linkName.optional(),
  addresses: z.array(interfaceAddress, "must be a list of addresses").default([]),
  gateway: oneOrMore(address).optional(),
  routes: z
    .array(
      z.strictObject({
        to: z.union([z.literal("default"), subnet]),
        via: address.optional(),
        metric: z.number().int().min(0).max(4294967295).optional(),
      }),
    )
    .optional(),
  macAddress: macAddress.optional(),
  hairpin: z.boolean("must be true or false").default(false),
  isolated: z.boolean("must be true or false").default(false),
  impairment: impairment.optional(),
};

/** What is wrong with an end as a whole. */
export function endRules(
  { gateway, netns, addresses, bridge, routes = [] }: End,
  prefix: string,
): { property: string; reason: string }[] {
  const gateways = listed(gateway);
  const issue = (property: string, reason: string | undefined | false) =>
    reason ? [{ property: `${prefix}${property}`, reason }] : [];
  const families = gateways.map(familyOf);
  return [
    ...issue(
      "gateway",
      gateways.length > 0 &&
        netns === undefined &&
        "is allowed only inside a namespace (netns): the host's own default route is never touched",
    ),
    ...issue("gateway", new Set(families).size < families.length && "must be at most one address per family"),
    ...gateways.flatMap((via) => issue("gateway", unreachable(via, addresses))),
    ...gateways.flatMap((via) =>
      issue("gateway", addresses.some((cidr) => cidr.startsWith(`${via}/`)) && "must not be this end's own address"),
    ),
    ...issue(
      "addresses",
      bridge !== undefined && addresses.length > 0 && "must be empty on a port of a bridge: give them to the bridge",
    ),
    ...routes.flatMap(({ via, to }, index) =>
      issue(
        `routes[${index}].via`,
        via ? unreachable(via, addresses) : to === "default" && "is needed for the default route",
      ),
    ),
    ...routes.flatMap(({ to }, index) =>
      issue(
        `routes[${index}].to`,
        to === "default" && netns === undefined && "must not be the host's own default route",
      ),
    ),
  ];
}
