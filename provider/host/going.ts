// Links that several parts of a script delete. The kernel waits 25 to 40 ms for each link that is deleted by itself, and as long for a
// whole group of them (ip-link(8), `link delete group`): so those of one script go at once, before its parts.
import type { Command, Step } from "../kernel/command.ts";
import { quote } from "../kernel/quote.ts";
import { stepDeadline } from "./batches.ts";
import type { Identity } from "./preflight.ts";

/** A link of the host's own namespace, and the machine that it was seen on. */
export interface Going {
  link: string;
  on: Identity;
}

/** Seconds that {@link goTogether} may take. */
export const goingDeadline = 2 * (stepDeadline + 1);

/** The link that a step deletes, if that is all it does. */
export function goingLink(command: Command | undefined): string | undefined {
  if (command?.kind !== "ip" || command.netns !== undefined) return undefined;
  const [object, verb, dev, name, ...more] = command.args;
  return object === "link" && verb === "del" && dev === "dev" && more.length === 0 ? name : undefined;
}

/** The first of some steps, where it deletes a link and stands by itself. */
export function firstGoing([step]: readonly Step[], on: Identity | undefined): Going | undefined {
  const link = goingLink(step?.do);
  return link === undefined || on === undefined ? undefined : { link, on };
}

/**
 * Lines of a script that delete links at once, and note them in the variable `gone`. Where that cannot be, none is deleted, and each
 * part deletes its own.
 *
 * @param group a number that no group of the host is likely to have: one that has links already is left alone
 */
export function goTogether(going: readonly Going[], group: number): string[] {
  const [first] = going;
  const here = going.filter(({ on }) => on === first?.on);
  if (!first || here.length < 2) return ["gone="];
  const names = here.map(({ link }) => link);
  return [
    "gone=",
    `if [ "$identity" = ${quote(first.on)} ] && text=$(limit ip -o link show group ${group} 2>&1) && [ -z "$text" ] &&`,
    "  limit ip -batch - >/dev/null 2>&1 <<'IP'",
    ...names.map((name) => `link set dev ${name} group ${group}`),
    `link del group ${group}`,
    "IP",
    `then gone=${quote(` ${names.join(" ")} `)}; fi`,
  ];
}

/** A part of a script that is done unless {@link goTogether} has deleted the link. */
export function unlessGone({ link }: Going, text: string): string {
  return `case $gone in\n*${quote(` ${link} `)}*) ;;\n*)\n${text}\n;;\nesac`;
}
