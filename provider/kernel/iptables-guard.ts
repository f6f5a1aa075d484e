import { inNetns, type Step, sh } from "./command.ts";
import { forwarders, strangersLinks } from "./forwarding.ts";
import { type IptablesSeen, iptablesTool } from "./iptables-save.ts";
import { type Place, tidyTable } from "./iptables-script.ts";
import { quote } from "./quote.ts";

const guard = "LINUXNET-GUARD";
const closed = "LINUXNET-CLOSED";
const jump = `-m comment --comment 'linuxnet: forwarding was off' -j ${guard}`;

/** Whether the guard stands that keeps closed what was closed before forwarding was turned on. */
export function isGuarded({ rules }: IptablesSeen): boolean {
  return rules.some(({ chain, words }) => chain === "FORWARD" && words.at(-1) === guard);
}

/**
 * Keeps closed what was closed: what came in by a link that was there before forwarding was turned on must not leave by another
 * one. It is looked at behind our chain LINUXNET-FWD, which has let through what is wanted, and it is to stand before forwarding
 * goes on. What stays on one bridge is free; our own bridges, and any that comes later, are left out: what uses them makes rules
 * of its own. It is shared by all owners who need forwarding.
 *
 * Limit: a link that comes later, and is no bridge, is not kept apart (nftables can tell the kind of a link, iptables cannot).
 */
export function guardStep(place: Place, folder: string): Step {
  const name = iptablesTool(place.family);
  const what = `keep closed with ${name} what was closed before forwarding`;
  return { what, do: sh(guardOn(place)), undo: [sh(guardOff(place, folder))] };
}

/** Takes the guard away, and what is then left of ours in the table, once `folder` says that nobody needs forwarding. */
export function guardOffStep(place: Place, folder: string): Step {
  return { what: `open the guard of ${iptablesTool(place.family)}`, do: sh(guardOff(place, folder)) };
}

/** Takes the guard away once no rule of any owner is left in iptables: our nftables table keeps closed what was. */
export function guardHandOverStep(place: Place): Step {
  const { family, netns } = place;
  const save = `$(limit ${inNetns(netns)}${iptablesTool(family)}-save)`;
  const text = `case ${save} in *"-A LINUXNET-FWD "*) exit 0;; esac\n${takeAway(place)}`;
  return { what: `leave the guard of ${iptablesTool(family)} to nftables`, do: sh(text), undo: [sh(guardOn(place))] };
}

function tool({ family, netns }: Place): string {
  return `limit ${inNetns(netns)}${iptablesTool(family)} -w 5 -t filter`;
}

function guardOn(place: Place): string {
  const iptables = tool(place);
  const links = (which: string) =>
    `$(limit ${inNetns(place.netns)}ip -o -d link show | awk -F ': ' ${quote(`${strangersLinks} ${which} { print name }`)})`;
  return [
    `if ! ${iptables} -C FORWARD ${jump} 2>/dev/null; then`,
    `  ${iptables} -N ${closed} 2>/dev/null || ${iptables} -F ${closed}`,
    `  ${iptables} -N ${guard} 2>/dev/null || ${iptables} -F ${guard}`,
    `  for dev in ${links("bridge")}; do ${iptables} -A ${guard} -i "$dev" -o "$dev" -j RETURN; done`,
    `  for dev in ${links('name != "lo"')}; do`,
    `    ${iptables} -A ${closed} -o "$dev" -j DROP`,
    `    ${iptables} -A ${guard} -i "$dev" -j ${closed}`,
    "  done",
    `  at=$(${iptables} -S FORWARD | awk '/^-A / { n++; if ($NF == "LINUXNET-FWD") at = n } END { print at + 1 }')`,
    `  ${iptables} -I FORWARD "$at" ${jump}`,
    "fi",
  ].join("\n");
}

function guardOff(place: Place, folder: string): string {
  const save = `limit ${inNetns(place.netns)}${iptablesTool(place.family)}-save`;
  return [
    `[ -z "$(${forwarders(quote(folder))})" ] || exit 0`,
    // Whoever is the last may be one whose own rules stand in nftables.
    `${save} 2>/dev/null | grep -q '^:${guard} ' || exit 0`,
    takeAway(place),
  ].join("\n");
}

function takeAway(place: Place): string {
  const iptables = tool(place);
  return [
    `if ${iptables} -S ${guard} >/dev/null 2>&1; then`,
    `  while ${iptables} -C FORWARD ${jump} 2>/dev/null; do ${iptables} -D FORWARD ${jump}; done`,
    ...[guard, closed].map((chain) => `  ${iptables} -F ${chain}; ${iptables} -X ${chain}`),
    "fi",
    tidyTable(place, "filter"),
  ].join("\n");
}
