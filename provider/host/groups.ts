import type { Command, Step } from "../kernel/command.ts";

/** Consecutive steps that one process does: the lines of an `ip -batch`, the statements of a transaction of nft, a fragment. */
export interface Group {
  /** The number of the group's first step. */
  base: number;
  commands: Command[];
}

/** Parts steps into groups, in their order. */
export function groups(steps: readonly Step[]): Group[] {
  const found: Group[] = [];
  for (const [number, step] of steps.entries()) {
    const last = found.at(-1);
    const before = last?.commands.at(-1);
    if (last && before && joins(before, step.do)) last.commands.push(step.do);
    else found.push({ base: number, commands: [step.do] });
  }
  return found;
}

/** Whether a command can be told to the same process as the one before it. */
export function joins(before: Command, next: Command): boolean {
  if (before.kind === "sh" || next.kind === "sh") return false;
  const family = (command: Command) => (command.kind === "ip" ? command.family : undefined);
  return before.kind === next.kind && before.netns === next.netns && family(before) === family(next);
}

/** Groups that share one deadline: batches of `ip` that follow one another. Others stand alone. */
export interface Run {
  groups: [Group, ...Group[]];
  /** Whether their order does not matter, and nothing of them has to be taken back: they may be done side by side. */
  apart: boolean;
}

/** Parts groups into runs, in their order. */
export function runs(found: readonly Group[], steps: readonly Step[]): Run[] {
  const all: Run[] = [];
  for (const group of found) {
    const own = steps.slice(group.base, group.base + group.commands.length);
    const apart = own.every((step) => step.apart === true);
    const last = all.at(-1);
    const isIp = [last?.groups[0], group].every((one) => one?.commands[0]?.kind === "ip");
    if (last && isIp && last.apart === apart) last.groups.push(group);
    else all.push({ groups: [group], apart });
  }
  return all;
}

/** Namespaces of which a batch is the last that is done there, and the links that it has found or made in each. */
export type Last = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * What the last run of some steps ends with, where it is batches side by side: nothing of theirs is changed by what follows. One for
 * IPv6 alone (`ip -6`) is none of them: of links and routes it would tell of that family only.
 */
export function lastBatches(steps: readonly Step[]): Last {
  const last = runs(groups(steps), steps).at(-1);
  if (!last?.apart || last.groups.length === 1) return new Map();
  const found = new Map<string, Set<string>>();
  for (const { commands } of last.groups) {
    const [first] = commands;
    if (first?.kind !== "ip" || first.netns === undefined || first.family || found.has(first.netns)) return new Map();
    const gone = new Set(commands.filter(isRemoval).flatMap(linkOf));
    found.set(first.netns, new Set(commands.flatMap(linkOf).filter((link) => !gone.has(link))));
  }
  return found;
}

/** Whether a line of `ip -batch` takes a link away, or its name. */
function isRemoval(command: Command): boolean {
  if (command.kind !== "ip" || command.args[0] !== "link") return false;
  return command.args[1] !== "set" || command.args.includes("name") || command.args.includes("netns");
}

/** The link that a line of `ip -batch` is about. */
function linkOf(command: Command): string[] {
  if (command.kind !== "ip") return [];
  const name = command.args[command.args.indexOf("dev") + 1];
  return command.args.includes("dev") && name !== undefined ? [name] : [];
}

/** How many batches are worth a shell of their own. */
const worthwhile = 8;

/** Parts a list into up to four of about the same length: what they start costs more than what it does. */
export function shares<T>(list: readonly T[]): T[][] {
  const count = Math.max(1, Math.min(4, Math.floor(list.length / worthwhile)));
  const size = Math.ceil(list.length / count);
  const all = Array.from({ length: count }, (_, index) => list.slice(index * size, (index + 1) * size));
  return all.filter(({ length }) => length > 0);
}
