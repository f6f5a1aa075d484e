// `ip -batch` as it is written in a script. A process costs more than most of what it does: many batches, one in each of many
// namespaces, are started by one shell under one deadline.
import { batchLine, type IpCommand, inNetns } from "../kernel/command.ts";
import { type Group, shares } from "./groups.ts";

/** Seconds that one command may take before it is ended: a kernel call that takes longer hangs. */
export const stepDeadline = 10;

/** Seconds that a number of batches may take, which share one deadline. */
export function batchesDeadline(count: number): number {
  return stepDeadline + count - 1;
}

/** Runs one command with the deadline of a step. */
export const limit = `limit() { timeout -k 1 ${stepDeadline} "$@"; }`;

/** An `ip -batch` of one namespace and family; what follows it on its line stands in `after`. */
export function batch(commands: readonly IpCommand[], options: string, after = ""): string {
  const [{ netns, family }] = commands as [IpCommand, ...IpCommand[]];
  // Not `ip -n`: it copies all mounts of the host, one for each namespace, every time (iproute2, lib/namespace.c, netns_switch).
  return `${inNetns(netns)}ip ${family ? "-6 " : ""}${options}-batch - <<'IP'${after}\n${commands.map(batchLine).join("\n")}\nIP`;
}

/** A shell of its own for many commands, under one deadline. */
export function underOneDeadline(count: number, lines: readonly string[]): string {
  return `timeout -k 1 ${batchesDeadline(count)} sh <<'RUN'\n${lines.join("\n")}\nRUN`;
}

/** Batches of several namespaces. Each says where it begins; the first that fails ends them, or with `force` none does. */
export function batches(run: readonly Group[], force: boolean): string {
  const after = force ? " || { printf '\\n@end %s\\n' \"$?\" >&2; bad=1; }" : " || exit $?";
  const lines = run.flatMap(({ base, commands }) => [
    `echo '@at ${base} ${commands.length};' >&2`,
    batch(commands as IpCommand[], force ? "-force " : "", after),
  ]);
  return underOneDeadline(run.length, ["bad=0", ...lines, "exit $bad"]);
}

/** What is asked at the end of a namespace's batch, by the namespace. */
export type Looks = ReadonlyMap<string, Look>;

/** Lines for the end of an `ip -j -batch` that cannot fail there, and the shell that ends their answer on descriptor 3. */
export interface Look {
  lines: readonly IpCommand[];
  answered: string;
}

/**
 * Batches of several namespaces whose order does not matter, side by side. One that fails ends those that it was to be followed by.
 * What they are asked at their end they answer on descriptor 3, one list after the other.
 */
export function batchesBeside(run: readonly [Group, ...Group[]], looks: Looks = new Map()): string {
  const all = shares(run).map((share) => {
    const lines = share.map((group) => telling(group, looks.get(`${namespaceOf(group)}`)));
    return underOneDeadline(share.length, lines);
  });
  // Where no other tells of itself before a deadline ends it; nothing of them is taken back.
  return [`echo '@at ${run[0].base} 0;' >&2`, "bad=0", ...besides(all), "(exit $bad)"].join("\n");
}

/** The first list writes at once, what the others answer is kept until it has ended. */
function besides([first, ...rest]: readonly string[]): string[] {
  if (first === undefined) return [];
  if (rest.length === 0) return [`{ ${first}\n} || bad=$?`];
  const others = `rest=$( {\n${besides(rest).join("\n")}\n(exit $bad)\n} 3>&1 >/dev/null ) || bad=$?`;
  return [`{ ${first}\n} & p=$!`, others, "wait $p || bad=$?", `[ -z "$rest" ] || printf '\\n%s\\n' "$rest" >&3`];
}

function namespaceOf({ commands: [first] }: Group): string | undefined {
  return first?.kind === "ip" ? first.netns : undefined;
}

function telling({ base, commands }: Group, look: Look | undefined): string {
  const own = commands as IpCommand[];
  const text = look ? batch([...own, ...look.lines], "-j -d ", " 2>&1 >&3") : batch(own, "", " 2>&1 >/dev/null");
  const tell = `{ code=$?; printf '@at ${base} ${commands.length};\\n%s\\n' "$text" >&2; exit $code; }`;
  return `text=$(${text}\n) || ${tell}${look ? `\n${look.answered}` : ""}`;
}

/** What a script says and does when one of several batches fails: by the last that began ({@link batches}). */
export const halting = [
  // How many lines of a batch were done before the one that failed: iproute2 counts from 1.
  `done_of() { k=\${1##*Command failed -:}; case $k in ''|*[!0-9]*) echo 0;; *) echo $((k - 1));; esac; }`,
  // $1: exit code, $2: stderr
  `halt() { last=\${2##*@at }; at=\${last%%;*}; text=\${last#"$at;"}; stop $at "$(done_of "$text")" "$1" "$text"; }`,
  // A deadline ended all of them, and the one that was under way has not told its end.
  `gather() { failed=1; printf '%s\\n' "$2" >&2; case $1 in 124 | 137) printf '@end %s\\n' "$1" >&2 ;; esac; }`,
];
