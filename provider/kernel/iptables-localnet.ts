import { type Change, type Fact, type Step, sh } from "./command.ts";
import type { IptablesSeen, RuleOwner } from "./iptables.ts";
import { undoingItself } from "./iptables-script.ts";
import { quote } from "./quote.ts";
import { makeDir, runDir } from "./run-dir.ts";
import { typed, typedLine } from "./typed.ts";

const settings = "/proc/sys/net/ipv4/conf/*/route_localnet";

/** Where it is noted on which links we have turned it on: a file each. */
export const localnetNotes = `${runDir}/route_localnet`;

/** Asks on which links route_localnet is on. */
export const localnetFact: Fact<ReadonlySet<string>> = {
  command: sh(`limit grep -sl '^1' ${settings} || :`),
  parse: ({ stdout }) => new Set(stdout.split("\n").flatMap((file) => file.split("/")[6] ?? [])),
};

/**
 * What is missing for a publish on 127.0.0.1: route_localnet on the link that leads to its target, after the rules that keep
 * strangers off; and its end on a link that is wanted no more.
 *
 * @param device undefined when the publish does not need it
 */
export function localnetChanges(
  who: RuleOwner,
  device: string | undefined,
  on: ReadonlySet<string>,
  seen: readonly IptablesSeen[],
): Change[] {
  const wanting =
    device === undefined || on.has(device)
      ? []
      : [{ drift: `route_localnet is off on ${device}`, steps: [localnetStep(device, who.owner)] }];
  // Also of a link that is gone: our note of it is not.
  const left = fencedDevices(who, seen).filter((other) => other !== device);
  const drift = (other: string) => `route_localnet is not needed on ${other}`;
  return [...wanting, ...left.map((other) => ({ drift: drift(other), steps: [localnetOffStep(other, who.owner)] }))];
}

/**
 * The steps that turn off what a publish has turned on; to be run before its rules go. Where somebody has taken both the rules and
 * the link that tell of it, our note of that link is forgotten.
 *
 * @param needed whether it is a publish that needs it
 * @param device the link that leads to its target: somebody may have flushed the rules that tell
 */
export function localnetTeardown(
  who: RuleOwner,
  needed: boolean,
  device: string | undefined,
  on: ReadonlySet<string>,
  seen: readonly IptablesSeen[],
): Step[] {
  const open = needed && device !== undefined && on.has(device) ? [device] : [];
  const off = [...new Set([...fencedDevices(who, seen), ...open])].map((one) => localnetOffStep(one, who.owner));
  return needed ? [...off, forgetStep] : off;
}

/** A number is given once: a note that has another one than its link has, or whose link is not there, is of a link that is gone. */
const forgetStep: Step = {
  what: "forget route_localnet of links that are gone",
  do: sh(`for note in ${localnetNotes}/*; do
  [ -e "$note" ] || continue
  link=\${note##*/}; number=$(${ifindex('"$link"')})
  if [ ! -e "/proc/sys/net/ipv4/conf/$link" ] || { [ -n "$number" ] && [ "$number" != "$(cat "$note")" ]; }; then rm -f "$note"; fi
done`),
};

/** The links that an owner's rules fence off. */
function fencedDevices({ owner, former }: RuleOwner, seen: readonly IptablesSeen[]): string[] {
  const own = seen.flatMap(({ rules }) => rules).filter(({ mark }) => mark && [owner, former].includes(mark.owner));
  const fences = own.filter(({ chain }) => chain === "LINUXNET-RAW");
  return [...new Set(fences.flatMap(({ words }) => words[words.indexOf("-i") + 1] ?? []))];
}

function setting(device: string): string {
  return `/proc/sys/net/ipv4/conf/${device}/route_localnet`;
}

/** @param word the link's name, as a word of the shell */
function ifindex(word: string): string {
  return `limit ip -o link show dev ${word} 2>/dev/null | cut -d: -f1`;
}

function noteFile(device: string): string {
  return `${localnetNotes}/${device}`;
}

/**
 * Turns route_localnet on for an interface, and notes that it was off. To be run when the rules in LINUXNET-RAW stand; the
 * interface's number in the note keeps it from being taken for another one of the same name.
 */
export function localnetStep(device: string, owner: string): Step {
  const [file, note] = [quote(setting(device)), quote(noteFile(device))];
  const on = [
    `if [ "$(cat ${file})" = 0 ]; then`,
    `  ${makeDir(localnetNotes)}`,
    `  ${ifindex(quote(device))} >${note}`,
    `  echo 1 >${file}`,
    "fi",
  ].join("\n");
  const off = localnetOff(device, owner);
  const lines = typed([typedLine(["sysctl", "-q", "-w", `net/ipv4/conf/${device}/route_localnet=1`])]);
  return { what: `set route_localnet on ${device}`, do: sh(undoingItself(on, off)), undo: [sh(off)], ...lines };
}

/** Turns route_localnet off again when it was we who turned it on and no other owner's publish needs it. */
export function localnetOffStep(device: string, owner: string): Step {
  return { what: `reset route_localnet on ${device}`, do: sh(localnetOff(device, owner)) };
}

function localnetOff(device: string, owner: string): string {
  const [file, note] = [quote(setting(device)), quote(noteFile(device))];
  // Fences alone: a bridge has rules of its own there.
  const fences = "limit iptables -w 5 -t raw -S LINUXNET-RAW 2>/dev/null | grep -F -e ' -d 127.0.0.0/8 '";
  const others = `${fences} | grep -F -e ${quote(` -i ${device} `)}`;
  return [
    `if [ -e ${note} ] && [ -z "$(${others} | grep -vF ${quote(`${owner} #`)})" ]; then`,
    `  if [ "$(${ifindex(quote(device))})" = "$(cat ${note})" ]; then echo 0 >${file}; fi`,
    `  rm -f ${note}`,
    "fi",
  ].join("\n");
}
