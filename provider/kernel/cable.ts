import { contains } from "./addresses.ts";
import { type Change, ip, type Step } from "./command.ts";
import { addressChanges, attributeChanges, freshLink, setLink, upChanges, type WantedLink } from "./link-changes.ts";
import type { Link, Sight } from "./links.ts";
import { linkClaim } from "./owner.ts";
import { isGatewayRoute, type Route, routeCommand, routeFamily, sameRoute } from "./routes.ts";

/** One end of a veth pair as it is wanted. */
export interface WantedEnd extends WantedLink {
  bridge?: string | undefined;
  gateways: readonly string[];
  routes: readonly Route[];
  hairpin: boolean;
  isolated: boolean;
  /** `none`: the kernel is to make no IPv6 link-local address; undefined: as it does. */
  addrgenmode?: "none" | undefined;
}

/** What is known of one end. */
export interface SeenEnd {
  sight: Sight;
  routes: readonly Route[];
  /** The routes that were set last by us and may be wanted no more. */
  formerRoutes: readonly Route[];
  /** Which of the standing addresses may be taken away; default all. */
  removable?: (address: string) => boolean;
  /** Whether an address whose route to its subnet is missing is set again; default false. */
  routed?: boolean;
}

/** The routes of an end: one default route per gateway, and those that are given. */
export function routesOf({ name, gateways, routes }: Pick<WantedEnd, "name" | "gateways" | "routes">): Route[] {
  return [
    ...gateways.map((via) => ({ to: "default", via, dev: name })),
    ...routes.map((route) => ({ ...route, dev: name })),
  ];
}

/** What differs at one end of a pair that stands, or that is being made (`link` undefined). */
export function endChanges(wanted: WantedEnd, seen: SeenEnd): Change[] {
  const { sight, routes, formerRoutes, removable = () => true, routed = false } = seen;
  const link = sight.link ?? freshLink(wanted, "veth");
  const addresses = addressChanges(wanted, link, removable, routed ? routes : undefined);
  const up = upChanges(wanted, link);
  // The kernel drops a link's routes with its last address, and when it goes down.
  const lost = addresses.some(({ drift, actual }) => drift || (actual as string[]).length > 0) || up.length > 0;
  return [
    ...attributeChanges(wanted, link),
    ...portChanges(wanted, link),
    ...addrgenmodeChanges(wanted, link, sight.link === undefined),
    ...addresses,
    ...up,
    ...routeChanges(wanted, routes, formerRoutes, lost),
  ];
}

/** iproute2 tells the mode of no link beside its addresses: that it is not `none` is seen by the address that the kernel has made. */
function addrgenmodeChanges(wanted: WantedEnd, { linkLocal }: Link, fresh: boolean): Change[] {
  if (wanted.addrgenmode !== "none" || !(fresh || linkLocal)) return [];
  const { netns, name, prefix } = wanted;
  const set = setLink(wanted, ["addrgenmode", "none"], ["addrgenmode", "eui64"]);
  if (!linkLocal) return [{ property: `${prefix}addrgenmode`, actual: undefined, steps: [set] }];
  const flush = ip(["addr", "flush", "dev", name, "scope", "link"], netns, 6);
  const steps = [set, { what: `remove the link-local address of ${name}`, do: flush }];
  return [{ property: `${prefix}addrgenmode`, actual: undefined, steps }];
}

function portChanges(wanted: WantedEnd, link: Link): Change[] {
  const { bridge, prefix, name } = wanted;
  const changes: Change[] = [];
  if (link.bridge !== bridge) {
    const words = (to: string | undefined) => (to === undefined ? ["nomaster"] : ["master", to]);
    const what = bridge ? `attach ${name} to bridge ${bridge}` : `detach ${name} from bridge ${link.bridge}`;
    const step = { ...setLink(wanted, words(bridge), words(link.bridge)), what };
    changes.push({ property: `${prefix}bridge`, actual: link.bridge, steps: [step] });
  }
  if (bridge === undefined) return changes;
  const fresh = link.bridge !== bridge;
  for (const flag of ["hairpin", "isolated"] as const) {
    const actual = fresh ? false : link[flag];
    if (actual === wanted[flag]) continue;
    const words = (on: boolean) => ["type", "bridge_slave", flag, on ? "on" : "off"];
    changes.push({
      property: `${prefix}${flag}`,
      actual,
      steps: [setLink(wanted, words(wanted[flag]), fresh ? [] : words(actual))],
    });
  }
  return changes;
}

function routeChanges(wanted: WantedEnd, seen: readonly Route[], former: readonly Route[], lost: boolean): Change[] {
  const { netns, name, prefix } = wanted;
  const mine = routesOf(wanted);
  const stands = (route: Route) => seen.some((other) => sameRoute(route, other));
  const surplus = former.filter((route) => stands(route) && !mine.some((other) => sameRoute(route, other)));
  const missing = mine.filter((route) => lost || !stands(route));
  const steps = (routes: readonly Route[], verb: "replace" | "del"): Step[] =>
    routes.map((route) => ({
      what: `${verb === "del" ? "remove" : "set"} route to ${route.to} on ${name}`,
      do: routeCommand(verb, route, netns),
      undo: verb === "del" ? [routeCommand("replace", route, netns)] : undoRoute(route, seen, netns),
    }));
  const changes: Change[] = [];
  for (const [property, isIt] of [
    ["gateway", true],
    ["routes", false],
  ] as const) {
    const of = (routes: readonly Route[]) => routes.filter((route) => isGatewayRoute(route) === isIt);
    const all = [...steps(of(surplus), "del"), ...steps(of(missing), "replace")];
    if (all.length > 0)
      changes.push({ property: `${prefix}${property}`, actual: actualRoutes(of(seen), name, isIt), steps: all });
  }
  return changes;
}

/** What a `route replace` pushed aside comes back; else the route goes. */
function undoRoute(route: Route, seen: readonly Route[], netns: string | undefined) {
  const before = seen.find(
    (other) => other.to === route.to && other.metric === route.metric && routeFamily(other) === routeFamily(route),
  );
  return [before ? routeCommand("replace", before, netns) : routeCommand("del", route, netns)];
}

function actualRoutes(seen: readonly Route[], dev: string, gateways: boolean): unknown {
  const here = seen.filter((route) => route.dev === dev && !route.connected);
  if (gateways) return here.length > 1 ? here.map(({ via }) => via) : here[0]?.via;
  return here.map(({ to, via, metric }) => ({ to, ...(via && { via }), ...(metric !== undefined && { metric }) }));
}

/** Makes both ends in one request of the kernel, each where it belongs: no name is taken anywhere else meanwhile. */
export function makeCable(one: WantedEnd, other: WantedEnd): Step {
  const end = ({ name, macAddress, mtu, netns }: WantedEnd) => [
    "name",
    name,
    "address",
    macAddress,
    "mtu",
    mtu,
    ...(netns ? ["netns", netns] : []),
  ];
  return {
    what: `create veth pair ${one.name} and ${other.name}`,
    do: ip(["link", "add", ...end(one), "type", "veth", "peer", ...end(other)]),
    undo: [ip(["link", "del", "dev", one.name], one.netns)],
    claim: linkClaim(one.name, one.netns),
  };
}

/** Why a gateway or a route's next hop cannot be reached from an end's own addresses; undefined when it can. */
export function unreachable(via: string, addresses: readonly string[]): string | undefined {
  if (via.startsWith("fe80:")) return undefined;
  const inside = addresses.some((address) => contains(address, via));
  return inside
    ? undefined
    : `must lie in the subnet of one of this end's addresses (${addresses.join(", ") || "it has none"})`;
}

/**
 * The changes of both ends in the words of the pair, whose one property the MTU is. That the ends differ is told in words too:
 * the value of one alone would be what the next refresh wants, and that one would find nothing to tell.
 */
export function asOneMtu(changes: readonly Change[], here: Link | undefined, there: Link | undefined): Change[] {
  const isMtu = ({ property }: Change) => property === "mtu" || property === "peer.mtu";
  const told = changes.map((change) => (isMtu(change) ? { ...change, property: "mtu" } : change));
  if (!changes.some(isMtu) || here?.mtu === there?.mtu) return told;
  const drift = `the MTU of ${here?.name} is ${here?.mtu}, that of ${there?.name} is ${there?.mtu}`;
  return [...told, { drift, steps: [] }];
}
