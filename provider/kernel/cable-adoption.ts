import { z } from "zod";
import { forgetStep, rememberStep } from "./adoption.ts";
import { endChanges, type SeenEnd, type WantedEnd } from "./cable.ts";
import type { Change, Step } from "./command.ts";
import { releaseStep, setLink } from "./link-changes.ts";
import type { Link } from "./links.ts";
import type { Standing } from "./owner.ts";
import { quietNames, unquietSteps } from "./quiet.ts";
import type { Sysctls } from "./sysctl.ts";

/** How an end of a pair stood before the pair was taken over. */
export const formerEnd = z.object({
  mtu: z.number(),
  macAddress: z.string(),
  alias: z.string().optional(),
  up: z.boolean(),
  addresses: z.array(z.string()),
  bridge: z.string().optional(),
  hairpin: z.boolean(),
  isolated: z.boolean(),
  routes: z.array(z.object({ to: z.string(), via: z.string().optional(), metric: z.number().optional() })),
  quiet: z.record(z.string(), z.string()),
});

/** See {@link formerEnd}. */
export type FormerEnd = z.infer<typeof formerEnd>;

/** Notes how an end stands that is about to be taken over: what is known of it, and its settings where they were asked for. */
export function rememberEnd(wanted: WantedEnd, { sight: { link }, routes }: SeenEnd, quiet: Sysctls = {}): Change[] {
  if (!link) return [];
  const { mtu, macAddress, alias, up, addresses, bridge, hairpin, isolated } = link;
  const own = routes.filter(({ dev, connected }) => dev === wanted.name && !connected);
  const former: FormerEnd = {
    ...{ mtu, macAddress, alias, up, addresses, bridge, hairpin, isolated },
    routes: own.map(({ to, via, metric }) => ({ to, via, metric })),
    quiet: Object.fromEntries(quietNames(wanted.name).flatMap((key) => (quiet[key] ? [[key, quiet[key]]] : []))),
  };
  return [{ drift: `it is not known how ${wanted.name} stood`, steps: [rememberStep(wanted, former)] }];
}

/**
 * Releases an end of a pair that was taken over: what it was before is put back, and our addresses and routes go. Where it is
 * not known what it was, only our mark goes.
 *
 * @param wanted as it was declared; its routes are in `seen.formerRoutes`
 */
export function releaseEnd(
  wanted: WantedEnd,
  seen: SeenEnd,
  quiet: Sysctls | undefined,
  former: FormerEnd | undefined,
): Step[] {
  const { name, netns } = wanted;
  const { link } = seen.sight;
  if (!link) return [];
  if (!former) return [releaseStep(name, netns)];
  return [
    ...endChanges(asBefore(wanted, link, former), {
      ...seen,
      sight: { ...seen.sight, link: { ...link, up: true } },
      removable: () => true,
      routed: false,
    }).flatMap(({ steps }) => steps),
    ...unquietSteps(name, former.quiet, quiet ?? {}, netns),
    ...(former.up || !link.up ? [] : [setLink(wanted, ["down"], ["up"])]),
    releaseStep(name, netns, former.alias),
    forgetStep(name, netns),
  ];
}

function asBefore(wanted: WantedEnd, link: Link, former: FormerEnd): WantedEnd {
  const { mtu, macAddress, bridge, hairpin, isolated, routes } = former;
  const isOurs = (address: string) => wanted.addresses.includes(address) && !former.addresses.includes(address);
  const addresses = link.addresses.filter((address) => !isOurs(address));
  const owner = link.alias ?? "";
  return {
    ...wanted,
    mtu,
    macAddress,
    bridge,
    hairpin,
    isolated,
    addrgenmode: undefined,
    routes,
    addresses,
    gateways: [],
    owner,
  };
}

/**
 * Which of the addresses that stand at an end may be taken away: of one that was taken over those that we have added.
 *
 * @param declared the addresses that were declared last
 */
export function removable(
  who: Standing,
  former: FormerEnd | undefined,
  declared: readonly string[] = [],
): (address: string) => boolean {
  if (who === "ours") return () => true;
  return (address) => former !== undefined && declared.includes(address) && !former.addresses.includes(address);
}
