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

/** Groups that share one deadline: batches of `ip` that follow one another, each of a namespace of its own; others stand alone. */
export function runs(found: readonly Group[]): [Group, ...Group[]][] {
  const isIp = (group: Group | undefined) => group?.commands[0]?.kind === "ip";
  const all: [Group, ...Group[]][] = [];
  for (const group of found) {
    const last = all.at(-1);
    if (last && isIp(last[0]) && isIp(group)) last.push(group);
    else all.push([group]);
  }
  return all;
}
