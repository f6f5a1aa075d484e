import type { Change, Step } from "./command.ts";
import { type Sysctls, sysctlStep } from "./sysctl.ts";

/**
 * The settings that are off on a link of the host's with containers behind it: one of them could steer the host's own routes
 * through it (CVE-2020-13401; ip-sysctl).
 */
export function quietNames(link: string): string[] {
  const names = [
    "ipv4/conf/%/accept_redirects",
    "ipv4/conf/%/send_redirects",
    "ipv6/conf/%/accept_ra",
    "ipv6/conf/%/accept_redirects",
  ];
  return names.map((path) => `net/${path.replace("%", link)}`);
}

/**
 * What of these settings is not off. It is to come before the link goes up.
 *
 * @param seen how they stand; undefined for a link that is yet to be made
 */
export function quietChanges(link: string, seen: Sysctls | undefined, netns?: string): Change[] {
  const names = seen ? Object.keys(seen).filter((key) => seen[key] !== "0") : quietNames(link);
  if (names.length === 0) return [];
  const wanted = Object.fromEntries(names.map((key) => [key, "0"]));
  const what = `turn redirects and router advertisements off on ${link}`;
  return [
    {
      drift: `${link} accepts redirects or router advertisements`,
      steps: [sysctlStep(what, wanted, seen ?? {}, netns)],
    },
  ];
}

/** Puts these settings back to what they were before. */
export function unquietSteps(link: string, former: Sysctls, seen: Sysctls, netns?: string): Step[] {
  const back = Object.entries(former).filter(([key, value]) => seen[key] !== value);
  if (back.length === 0) return [];
  return [sysctlStep(`put the settings of ${link} back`, Object.fromEntries(back), seen, netns)];
}
