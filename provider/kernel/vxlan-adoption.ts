import { z } from "zod";
import { forgetStep, rememberStep } from "./adoption.ts";
import type { Change, Step } from "./command.ts";
import { attributeChanges, releaseStep, setLink } from "./link-changes.ts";
import type { Link } from "./links.ts";
import { unquietSteps } from "./quiet.ts";
import type { Sysctls } from "./sysctl.ts";
import { attachChanges, tunnelChanges, type WantedTunnel } from "./vxlan.ts";

/** How a tunnel stood before it was taken over. */
export const formerTunnel = z.object({
  mtu: z.number(),
  macAddress: z.string(),
  alias: z.string().optional(),
  up: z.boolean(),
  bridge: z.string().optional(),
  local: z.string().optional(),
  remotes: z.array(z.string()),
  quiet: z.record(z.string(), z.string()),
});

/** See {@link formerTunnel}. */
export type FormerTunnel = z.infer<typeof formerTunnel>;

/** What is known of a tunnel: where it floods to, and its settings. */
interface SeenTunnel {
  flood: readonly string[];
  quiet: Sysctls;
}

/** Notes how a tunnel stands that is about to be taken over. */
export function rememberTunnel(wanted: WantedTunnel, link: Link, { flood, quiet }: SeenTunnel): Change[] {
  const { mtu, macAddress, alias, up, bridge, vxlan } = link;
  const former: FormerTunnel = { mtu, macAddress, alias, up, bridge, local: vxlan?.local, remotes: [...flood], quiet };
  return [{ drift: `it is not known how ${wanted.name} stood`, steps: [rememberStep(wanted, former)] }];
}

/** Releases a tunnel that was taken over: what it was before is put back; where that is not known, only our mark goes. */
export function releaseTunnel(
  args: Pick<WantedTunnel, "name" | "netns" | "vni" | "local" | "port">,
  link: Link,
  { flood, quiet }: SeenTunnel,
  former: FormerTunnel | undefined,
): Step[] {
  const { name, netns } = args;
  if (!former) return [releaseStep(name, netns)];
  const local = former.local ?? args.local;
  const back = { ...args, ...former, local, addresses: [], owner: link.alias ?? "", prefix: "", bridge: former.bridge };
  const changes = [...attributeChanges(back, link), ...tunnelChanges(back, link, flood), ...attachChanges(back, link)];
  return [
    ...changes.flatMap(({ steps }) => steps),
    ...unquietSteps(name, former.quiet, quiet, netns),
    ...(former.up || !link.up ? [] : [setLink(back, ["down"], ["up"])]),
    releaseStep(name, netns, former.alias),
    forgetStep(name, netns),
  ];
}
