import { randomBytes } from "node:crypto";
import type { Command, Fact, IpCommand, Reply } from "../kernel/command.ts";
import { quote } from "../kernel/quote.ts";
import { batch, stepDeadline } from "./script.ts";

/** Commands that ask, composed into one script, and how to cut its answer into theirs. */
export interface Observation {
  script: string;
  /** Seconds that the script can take at the most. */
  deadline: number;
  read(reply: Reply): Map<string, Reply>;
}

/** The identity of a question: equal ones are asked once. */
export function factKey(fact: Fact<unknown>): string {
  return JSON.stringify(fact.command);
}

/**
 * Composes questions into one script: `ip` lines of one namespace and family share an `ip -j -batch`, and each other command
 * answers between marks of its own.
 */
export function observe(facts: readonly Fact<unknown>[]): Observation {
  const unique = new Map(facts.map((fact) => [factKey(fact), fact.command]));
  const groups = grouped(unique);
  const tag = `fact-${randomBytes(12).toString("hex")}`;
  const blocks = groups.map(({ commands }, number) => block(commands, tag, number));
  return {
    script: [`limit() { timeout -k 1 ${stepDeadline} "$@"; }`, "exec 3>&1", ...blocks].join("\n"),
    deadline: groups.length * (stepDeadline + 1),
    read: (reply) => cut(reply, tag, groups),
  };
}

interface Group {
  keys: string[];
  commands: Command[];
}

function grouped(unique: ReadonlyMap<string, Command>): Group[] {
  const groups = new Map<string, Group>();
  for (const [key, command] of unique) {
    const shared = command.kind === "ip" ? JSON.stringify([command.netns, command.family]) : key;
    const group = groups.get(shared) ?? { keys: [], commands: [] };
    group.keys.push(key);
    group.commands.push(command);
    groups.set(shared, group);
  }
  return [...groups.values()];
}

/** One command, or one batch: its stdout, then the mark with its exit code, then its stderr, then a second mark. */
function block(commands: readonly Command[], tag: string, number: number): string {
  const [first] = commands;
  const text = first?.kind === "ip" ? asking(commands as IpCommand[]) : `(\n${first?.text}\n)`;
  return [
    `text=$( {\n${text}\n} 2>&1 >&3 ); code=$?`,
    `printf '\\n${tag} ${number} %s\\n%s\\n${tag}\\n' $code "$text"`,
  ].join("\n");
}

/** A namespace that is not there is not looked into: a look by `ip -n` costs a process, and this says what that would say. */
function asking(commands: readonly IpCommand[]): string {
  const [{ netns } = {}] = commands;
  const text = batch(commands, "-j -d -force ");
  if (netns === undefined) return text;
  const none = `Cannot open network namespace "${netns}": No such file or directory`;
  return `if [ -e ${quote(`/run/netns/${netns}`)} ]; then\n${text}\nelse printf '%s\\n' ${quote(none)} >&2; (exit 255); fi`;
}

function cut(reply: Reply, tag: string, groups: readonly Group[]): Map<string, Reply> {
  const answers = new Map<string, Reply>();
  let rest = reply.stdout;
  for (const [number, group] of groups.entries()) {
    const mark = new RegExp(`\\n${tag} ${number} (\\d+)\\n`).exec(rest);
    if (!mark) continue;
    const stdout = rest.slice(0, mark.index);
    const after = rest.slice(mark.index + mark[0].length);
    const end = after.indexOf(`\n${tag}\n`);
    const answer = { code: Number(mark[1]), stdout, stderr: after.slice(0, end) };
    rest = after.slice(end + tag.length + 2);
    const each = group.commands[0]?.kind === "ip" ? perLine(answer, group.keys.length) : [answer];
    for (const [index, key] of group.keys.entries()) answers.set(key, each[index] ?? answer);
  }
  return answers;
}

/**
 * Gives each line of an `ip -force -batch` its own answer: a line that worked printed one line of JSON, one that failed is
 * named by its number on stderr. A batch that never began (no such namespace) is the answer of all its lines.
 */
function perLine({ code, stdout, stderr }: Reply, count: number): Reply[] {
  const failed = new Map(
    [...stderr.matchAll(/((?:.*\n)*?)Command failed -:(\d+)(?:\n|$)/g)].map(([, why, line]) => [Number(line), why]),
  );
  if (code !== 0 && failed.size === 0) return Array.from({ length: count }, () => ({ code, stdout: "", stderr }));
  const lines = stdout.split("\n").filter((line) => line !== "");
  return Array.from({ length: count }, (_, index) => {
    const why = failed.get(index + 1);
    if (why !== undefined) return { code: 1, stdout: "", stderr: why };
    const line = lines.shift();
    // A batch that was ended on its way has not said that there is nothing.
    if (line === undefined && code > 1) return { code, stdout: "", stderr: "it did not come to its end" };
    return { code: 0, stdout: line ?? "", stderr: "" };
  });
}
