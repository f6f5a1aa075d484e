import type { Change } from "./command.ts";
import { sysctlStep } from "./sysctl.ts";

/** What must be off before a bridge goes up: a container could steer the host's own routes through it (CVE-2020-13401). */
export function quietNames(name: string): string[] {
  const names = [
    "ipv4/conf/%/accept_redirects",
    "ipv4/conf/%/send_redirects",
    "ipv6/conf/%/accept_ra",
    "ipv6/conf/%/accept_redirects",
  ];
  return names.map((path) => `net/${path.replace("%", name)}`);
}

/** What is still on of {@link quietNames}. */
export function quietChanges(name: string, stands: boolean, quiet: Record<string, string>, netns?: string): Change[] {
  const names = stands ? Object.keys(quiet).filter((key) => quiet[key] !== "0") : quietNames(name);
  if (names.length === 0) return [];
  const wanted = Object.fromEntries(names.map((key) => [key, "0"]));
  return [
    {
      drift: `${name} accepts redirects or router advertisements`,
      steps: [sysctlStep(`turn redirects and router advertisements off on ${name}`, wanted, quiet, netns)],
    },
  ];
}
