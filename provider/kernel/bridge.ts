import { z } from "zod";
import { forgetStep } from "./adoption.ts";
import { type Change, ip, type Step } from "./command.ts";
import { addressStep, attributeChanges, releaseStep, setLink, type WantedLink } from "./link-changes.ts";
import type { Link } from "./links.ts";
import { linkClaim } from "./owner.ts";
import { unquietSteps } from "./quiet.ts";
import type { Sysctls } from "./sysctl.ts";

/** A bridge as it is wanted. */
export interface WantedBridge extends WantedLink {
  /** Spanning tree protocol. */
  stp: boolean;
}

/** How a bridge stood before it was taken over. */
export const formerBridge = z.object({
  mtu: z.number(),
  macAddress: z.string(),
  stp: z.boolean(),
  alias: z.string().optional(),
  up: z.boolean(),
  addresses: z.array(z.string()),
  quiet: z.record(z.string(), z.string()),
});

/** See {@link formerBridge}. */
export type FormerBridge = z.infer<typeof formerBridge>;

/**
 * A bridge follows the smallest MTU of its ports until one was set that differs from what it had (net/bridge/br_if.c,
 * br_mtu_auto_adjust), so it is made with another one than it gets; one that nobody is likely to want when it goes on after it was cut off.
 */
export function makeBridge({ name, macAddress, netns, mtu, stp }: WantedBridge): Step {
  const link = ["link", "add", "name", name, "address", macAddress, "mtu", mtu === 65535 ? 65534 : mtu + 1];
  return {
    what: `create bridge ${name}`,
    do: ip([...link, "type", "bridge", "stp_state", stp ? 1 : 0], netns),
    undo: [ip(["link", "del", "dev", name], netns)],
    claim: linkClaim(name, netns),
  };
}

/** What differs in a bridge's spanning tree. */
export function stpChanges(wanted: WantedBridge, link: Link): Change[] {
  if (link.stp === wanted.stp) return [];
  const words = (on: boolean) => ["type", "bridge", "stp_state", on ? "1" : "0"];
  return [{ property: "stp", actual: link.stp, steps: [setLink(wanted, words(wanted.stp), words(link.stp))] }];
}

/**
 * Releases a bridge that was taken over: what it was before is put back, and our addresses go. Where it is not known what it
 * was, only our mark goes: an address of ours may be one by which the host is reached.
 */
export function releaseBridge(
  { name, netns, addresses }: Pick<WantedLink, "name" | "netns" | "addresses">,
  link: Link,
  quiet: Sysctls,
  former: FormerBridge | undefined,
): Step[] {
  if (!former) return [releaseStep(name, netns)];
  const back = { name, netns, ...former, owner: link.alias ?? "", prefix: "" };
  const ours = addresses.filter((cidr) => link.addresses.includes(cidr) && !former.addresses.includes(cidr));
  const changes = [...attributeChanges(back, link), ...stpChanges(back, link)];
  return [
    ...ours.map((address) => addressStep("del", address, back)),
    ...changes.flatMap(({ steps }) => steps),
    ...unquietSteps(name, former.quiet, quiet, netns),
    ...(former.up || !link.up ? [] : [setLink(back, ["down"], ["up"])]),
    releaseStep(name, netns, former.alias),
    forgetStep(name, netns),
  ];
}
