import { type Fact, type Reply, type Step, sh } from "./command.ts";

/** Who runs in which namespace, by the namespace's inode: `sleep (pid 12)`. */
export type Holders = ReadonlyMap<number, readonly string[]>;

/** How many programs are told by name. */
const most = 5;

/** All namespaces that have a name, with their inodes: one look, where one for each would take long. */
export const inodesFact: Fact<ReadonlyMap<string, number>> = {
  command: sh("limit stat -L -c '%i %n' /run/netns/* 2>/dev/null || :"),
  parse: ({ stdout }) => {
    const lines = stdout.split("\n").filter(Boolean);
    return new Map(lines.map((line) => [line.slice(line.lastIndexOf("/") + 1), Number.parseInt(line, 10)]));
  },
};

/**
 * Who runs in a namespace that is not the host's own: one look at all programs. They are told by the kernel's name for them
 * (proc_pid_comm(5)), since their arguments may hold secrets.
 */
export const holdersFact: Fact<Holders> = {
  command: sh(`own=$(limit stat -L -c %i /proc/self/ns/net)
limit stat -L -c '%i %n' /proc/[0-9]*/ns/net 2>/dev/null | while read -r inode path; do
  [ "$inode" != "$own" ] || continue
  pid=\${path#/proc/} pid=\${pid%%/*}
  { read -r comm <"/proc/$pid/comm"; } 2>/dev/null && printf '%s %s %s\\n' "$inode" "$pid" "$comm"
done; :`),
  parse: readHolders,
};

function readHolders({ stdout }: Reply): Holders {
  const found = [...stdout.matchAll(/^(\d+) (\d+) (.*)$/gm)];
  const byInode = Map.groupBy(found, ([, inode]) => Number(inode));
  return new Map([...byInode].map(([inode, all]) => [inode, all.map(([, , pid, name]) => `${name} (pid ${pid})`)]));
}

/** What to tell of namespaces whose names were taken away and in which programs run on; a sentence each. */
export function heldOn(steps: readonly Step[], holders: Holders): string[] {
  return steps.flatMap(({ vacates }) => {
    const all = (vacates && holders.get(vacates.inode)) ?? [];
    if (!vacates || all.length === 0) return [];
    const more = all.length > most ? ` and ${all.length - most} more` : "";
    return [
      `namespace ${vacates.name} has no name any more, but lives on until what runs in it ends: ${all.slice(0, most).join(", ")}${more}`,
    ];
  });
}
