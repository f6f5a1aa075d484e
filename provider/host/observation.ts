import { randomBytes } from "node:crypto";
import type { Command, Fact, IpCommand, Reply } from "../kernel/command.ts";
import { quote } from "../kernel/quote.ts";
import { batch, batchesDeadline, limit, stepDeadline, together } from "./batches.ts";

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
 * Composes questions into one script: `ip` lines of one namespace and family share an `ip -j -batch`, all of those one deadline, and
 * each other command answers between marks of its own.
 */
export function observe(facts: readonly Fact<unknown>[]): Observation {
  const unique = new Map(facts.map((fact) => [factKey(fact), fact.command]));
  const groups = grouped(unique);
  const tag = `fact-${randomBytes(12).toString("hex")}`;
  const asked = groups.map((group, number) => ({ isIp: group.commands[0]?.kind === "ip", text: block(group, number) }));
  const ofIp = asked.flatMap(({ isIp, text }) => (isIp ? text : []));
  const others = asked.flatMap(({ isIp, text }) => (isIp ? [] : text));
  const functions = [mark(tag), absent];
  const batches = ofIp.length > 0 ? [together(ofIp.length, [...functions, ...ofIp])] : [];
  return {
    script: [limit, ...functions, ...batches, ...others].join("\n"),
    deadline: batchesDeadline(Math.max(ofIp.length, 1)) + 1 + others.length * (stepDeadline + 1),
    read: (reply) => cut(reply, tag, groups),
  };
}

/** Ends an answer, on both streams: $1 is its number, $2 its exit code. */
function mark(tag: string): string {
  return `mark() { printf '\\n${tag} %s %s\\n' "$1" "$2"; printf '\\n${tag} %s\\n' "$1" >&2; }`;
}

/** What `ip -n` says of a namespace that is not there, without a process. */
const absent = `absent() { printf 'Cannot open network namespace "%s": No such file or directory\\n' "$1" >&2; return 255; }`;

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

/** One command, or one batch, and its mark. */
function block({ commands }: Group, number: number): string {
  const [first] = commands;
  const text = first?.kind === "ip" ? asking(commands as IpCommand[]) : `(\n${first?.text}\n)`;
  return `${text}\nmark ${number} $?`;
}

/** A namespace that is not there is not looked into. */
function asking(commands: readonly IpCommand[]): string {
  const [{ netns } = {}] = commands;
  const text = batch(commands, "-j -d -force ");
  if (netns === undefined) return text;
  return `if [ -e ${quote(`/run/netns/${netns}`)} ]; then ${text}\nelse absent ${quote(netns)}; fi`;
}

/** What is told of a look that was ended before its end. */
const unended: Reply = { code: 124, stdout: "", stderr: "the look at it did not come to its end" };

function cut({ stdout, stderr }: Reply, tag: string, groups: readonly Group[]): Map<string, Reply> {
  const answers = new Map<string, Reply>();
  const out = marked(stdout, new RegExp(`\\n${tag} (\\d+) (\\d+)\\n`, "g"));
  const err = marked(stderr, new RegExp(`\\n${tag} (\\d+)\\n`, "g"));
  for (const [number, { keys, commands }] of groups.entries()) {
    const { text, code } = out.get(number) ?? {};
    const why = (err.get(number)?.text ?? "").replace(/\n+$/, "");
    const answer = text === undefined ? unended : { code: Number(code), stdout: text, stderr: why };
    const each = commands[0]?.kind === "ip" ? perLine(answer, keys.length) : [answer];
    for (const [index, key] of keys.entries()) answers.set(key, each[index] ?? answer);
  }
  return answers;
}

/** The texts that end in marks, by the marks' numbers. */
function marked(text: string, mark: RegExp): Map<number, { text: string; code: string | undefined }> {
  const found = new Map<number, { text: string; code: string | undefined }>();
  let from = 0;
  for (const match of text.matchAll(mark)) {
    const [whole, number, code] = match;
    found.set(Number(number), { text: text.slice(from, match.index), code });
    from = match.index + whole.length;
  }
  return found;
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
