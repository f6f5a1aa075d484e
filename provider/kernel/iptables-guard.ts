import type { Family } from "./addresses.ts";
import { answered } from "./answered.ts";
import { type Change, type Fact, inNetns, type Reply, type Step, sh, shAt } from "./command.ts";
import { forwarders, forwardingFolder } from "./forwarding.ts";
import { strangersLinks } from "./forwarding-guard.ts";
import { type IptablesSeen, iptablesTool } from "./iptables-save.ts";
import { type Place, tidyTable } from "./iptables-script.ts";
import { isAbsence } from "./links.ts";
import { quote } from "./quote.ts";
import { typedGuard } from "./rules-typed.ts";
import { guard } from "./ruleset.ts";
import { typed, typedIn } from "./typed.ts";

const closed = "LINUXNET-CLOSED";
const jump = `-m comment --comment 'linuxnet: forwarding was off' -j ${guard}`;

/** What the last rule of a guard says: for how many links it is. A chain that was flushed says nothing, and stands all the same. */
const tally = /^linuxnet: (\d+) links$/;

/** Whether there is a guard, whole or not. */
export function isGuarded({ rules }: IptablesSeen): boolean {
  return rules.some(({ chain, words }) => chain === "FORWARD" && words.at(-1) === guard);
}

/** Whether the guard stands that keeps closed what was closed before forwarding was turned on, with all its rules. */
export function isGuardWhole(view: IptablesSeen): boolean {
  const of = (name: string) => view.rules.filter(({ chain }) => chain === name);
  const count = Number(tally.exec(of(guard).at(-1)?.comment ?? "")?.[1] ?? -1);
  const entries = of(guard).filter(({ words }) => words[0] === "-i" && words.at(-1) === closed);
  const drops = of(closed).filter(({ words }) => words.length === 4);
  return isGuarded(view) && entries.length === count && drops.length === count;
}

/**
 * Keeps closed what was closed: what came in by a link that was there before forwarding was turned on must not leave by another
 * one. It is looked at behind our chain LINUXNET-FWD, which has let through what is wanted, and it is to stand before forwarding
 * goes on. What stays on one bridge is free. Into a bridge of ours comes from those links what was let through before, and
 * answers ({@link closedFact}); a bridge of others that comes later is left out: what uses it makes rules of its own. It is shared
 * by all owners who need forwarding.
 *
 * Limit: a link that comes later, and is no bridge, is not kept apart (nftables can tell the kind of a link, iptables cannot).
 */
export function guardStep(place: Place, folder: string): Step {
  const name = iptablesTool(place.family);
  const what = `keep closed with ${name} what was closed before forwarding`;
  return { what, do: sh(guardOn(place)), undo: [sh(guardOff(place, folder))], ...typedGuard(place, [closed, guard]) };
}

/** The words that close a bridge of ours to what is neither let through before, nor an answer. */
const inward = (bridge: string) => `-o "${bridge}" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`;

/** The bridges that each guard in iptables keeps closed; a family without a guard is missing. */
export type Closed = Partial<Record<Family, readonly string[]>>;

/** Asks which of our bridges the guards keep closed; nothing is asked of iptables where we have not turned forwarding on. */
export function closedFact(netns?: string): Fact<Closed> {
  const ask = ([4, 6] as const).map((family) => {
    const save = `limit ${inNetns(netns)}${iptablesTool(family)}-save 2>/dev/null`;
    return `${save} | sed -n 's/^:${closed} .*/${family}/p; s/^-A ${closed} -o \\([^ ]*\\) -m .*/${family} \\1/p'`;
  });
  return {
    command: shAt(`${forwardingFolder(netns)}/former`, ask.join("\n")),
    parse: readClosed,
  };
}

function readClosed(reply: Reply): Closed {
  const lines = (isAbsence(reply) ? "" : answered(reply).stdout).split("\n").map((line) => line.split(" "));
  const of = (family: Family) => lines.filter(([first]) => first === `${family}`).flatMap(([, bridge]) => bridge ?? []);
  const standing = ([4, 6] as const).filter((family) => lines.some(([first]) => first === `${family}`));
  return Object.fromEntries(standing.map((family) => [family, of(family)]));
}

/** Closes a bridge of ours in the guards that stand and do not know it, since it came later. */
export function closeChanges(bridge: string, seen: Closed, netns?: string): Change[] {
  const open = ([4, 6] as const).filter((family) => seen[family] && !seen[family].includes(bridge));
  return open.map((family) => ({
    drift: `${bridge} is open to those beyond the host, by ${iptablesTool(family)}`,
    steps: [
      {
        what: `close ${bridge} with ${iptablesTool(family)}`,
        do: sh(`${tool({ family, netns })} -A ${closed} ${inward(bridge)}`),
        undo: [sh(forgetClosed(bridge, family, netns))],
        ...typed([`${typedIn(netns)}${iptablesTool(family)} -t filter -A ${closed} ${inward(bridge)}`]),
      },
    ],
  }));
}

/** Takes a bridge out of the guards that know it. */
export function openSteps(bridge: string, seen: Closed, netns?: string): Step[] {
  const families = ([4, 6] as const).filter((family) => seen[family]?.includes(bridge));
  const what = `take ${bridge} out of the guard`;
  return families.map((family) => ({ what, do: sh(forgetClosed(bridge, family, netns)) }));
}

function forgetClosed(bridge: string, family: Family, netns?: string): string {
  const iptables = tool({ family, netns });
  return `while ${iptables} -C ${closed} ${inward(bridge)} 2>/dev/null; do ${iptables} -D ${closed} ${inward(bridge)}; done`;
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
    `$(limit ${inNetns(place.netns)}ip -o -d link show | awk -F ': ' ${quote(`${strangersLinks(place.netns)}\n${which} { print name }`)})`;
  return [
    // Several may have found it missing. What does not say so at its end was changed.
    `count=$(${iptables} -S ${guard} 2>/dev/null | sed -n '$s/.*"linuxnet: \\([0-9]*\\) links".*/\\1/p')`,
    `rules() { ${iptables} -S "$1" 2>/dev/null | grep -c -- "$2" || :; }`,
    `if ! ${iptables} -C FORWARD ${jump} 2>/dev/null || [ "$count" != "$(rules ${guard} '-j ${closed}$')" ] || [ "$count" != "$(rules ${closed} ' -o [^ ]* -j DROP$')" ]; then`,
    `  ${iptables} -N ${closed} 2>/dev/null || ${iptables} -F ${closed}`,
    `  ${iptables} -N ${guard} 2>/dev/null || ${iptables} -F ${guard}`,
    `  for dev in ${links("bridge")}; do ${iptables} -A ${guard} -i "$dev" -o "$dev" -j RETURN; done`,
    `  count=0; for dev in ${links('name != "lo"')}; do`,
    `    ${iptables} -A ${closed} -o "$dev" -j DROP`,
    `    ${iptables} -A ${guard} -i "$dev" -j ${closed}; count=$((count + 1))`,
    "  done",
    `  ${iptables} -A ${guard} -m comment --comment "linuxnet: $count links" -j RETURN`,
    `  for dev in $(limit ${inNetns(place.netns)}ip -o -d link show type bridge | sed -n 's/^[0-9]*: \\([^:@]*\\).*[\\] *alias linuxnet:.*/\\1/p'); do`,
    `    ${iptables} -A ${closed} ${inward("$dev")}`,
    "  done",
    `  at=$(${iptables} -S FORWARD | awk '/^-A / { n++; if ($NF == "LINUXNET-FWD") at = n } END { print at + 1 }')`,
    `  ${iptables} -C FORWARD ${jump} 2>/dev/null || ${iptables} -I FORWARD "$at" ${jump}`,
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
