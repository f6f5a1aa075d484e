import { z } from "zod";
import { canonicalAddress, type Family, familyOf, subnetOf } from "./addresses.ts";
import { type Fact, type IpCommand, ip } from "./command.ts";
import { isAbsence, readJson } from "./links.ts";

/** A route of the main table. */
export interface Route {
  /** `default`, or a subnet with its prefix. */
  to: string;
  via?: string | undefined;
  dev?: string | undefined;
  metric?: number | undefined;
  /** Made by the kernel for an address of the link. */
  connected?: boolean;
  /** The links of a route over several ways (ip-route(8), `nexthop`). */
  ways?: string[];
}

/** A route as `ip -j route` prints it. */
export const routeShape = z.looseObject({
  dst: z.string(),
  gateway: z.string().optional(),
  dev: z.string().optional(),
  metric: z.number().optional(),
  protocol: z.string().optional(),
  type: z.string().optional(),
  nexthops: z.array(z.looseObject({ dev: z.string() })).optional(),
});

/** Asks for the routes of a namespace's main table in one family. */
export function routesFact(netns: string | undefined, family: Family): Fact<Route[]> {
  return {
    command: ip(["route", "show", "table", "main"], netns, family === 6 ? 6 : undefined),
    parse: (reply) => {
      // The kernel has no main table yet where no route was ever set.
      if (isAbsence(reply) || /FIB table does not exist/.test(reply.stderr)) return [];
      return readJson(reply, z.array(routeShape)).map((found) => ({
        to: found.dst === "default" ? "default" : withPrefix(found.dst),
        via: found.gateway && canonicalAddress(found.gateway),
        dev: found.dev,
        metric: found.metric,
        connected: found.protocol === "kernel",
        ...(found.nexthops && { ways: found.nexthops.map(({ dev }) => dev) }),
      }));
    },
  };
}

/** The kernel's own default metric: 1024 in IPv6 (ipv6(7), IP6_RT_PRIO_USER), none in IPv4. */
function metricOf({ metric }: Route, family: Family): number {
  return metric ?? (family === 6 ? 1024 : 0);
}

/** The family of a route, from its destination or its gateway. */
export function routeFamily({ to, via }: Route): Family {
  return familyOf(to === "default" ? (via ?? "") : to);
}

/** Whether a route is what a gateway stands for: the default one, with the metric that the kernel gives it by itself. */
export function isGatewayRoute(route: Route): boolean {
  if (route.to !== "default") return false;
  const family = routeFamily(route);
  return metricOf(route, family) === metricOf({ to: route.to }, family);
}

/** Whether two routes are the same one. */
export function sameRoute(one: Route, other: Route): boolean {
  const family = routeFamily(one);
  return (
    one.to === other.to &&
    one.via === other.via &&
    one.dev === other.dev &&
    metricOf(one, family) === metricOf(other, family)
  );
}

/** Whether the route to an address's subnet stands, which the kernel makes with the address; one that is its whole subnet has none. */
export function isConnected(cidr: string, link: string, routes: readonly Route[]): boolean {
  const whole = familyOf(cidr) === 4 ? "/32" : "/128";
  const subnet = subnetOf(cidr);
  return cidr.endsWith(whole) || routes.some(({ to, via, dev }) => dev === link && via === undefined && to === subnet);
}

/** The command for a route: `replace` where it may stand already, `del` to take it away. */
export function routeCommand(verb: "replace" | "del", route: Route, netns?: string): IpCommand {
  const { to, via, dev, metric } = route;
  const words = ["route", verb, to, ...(via ? ["via", via] : []), ...(dev ? ["dev", dev] : [])];
  if (metric !== undefined) words.push("metric", `${metric}`);
  return ip(words, netns, routeFamily(route) === 6 ? 6 : undefined);
}

function withPrefix(text: string): string {
  if (text.includes("/")) return text;
  return `${text}/${text.includes(":") ? 128 : 32}`;
}
