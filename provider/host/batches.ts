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

/** Batches of several namespaces whose order does not matter, side by side. One that fails ends those that it was to be followed by. */
export function batchesBeside(run: readonly [Group, ...Group[]]): string {
  const all = shares(run).map((share) => underOneDeadline(share.length, share.map(telling)));
  return [
    // Where no other tells of itself before a deadline ends it; nothing of them is taken back.
    `echo '@at ${run[0].base} 0;' >&2`,
    ...all.map((text, index) => `{ ${text}\n} & p${index}=$!`),
    "bad=0",
    ...all.map((_, index) => `wait $p${index} || bad=$?`),
    "(exit $bad)",
  ].join("\n");
}

function telling({ base, commands }: Group): string {
  const text = batch(commands as IpCommand[], "", " 2>&1 >/dev/null");
  const tell = `{ code=$?; printf '@at ${base} ${commands.length};\\n%s\\n' "$text" >&2; exit $code; }`;
  return `text=$(${text}\n) || ${tell}`;
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
