import { randomBytes } from "node:crypto";
import { type Command, type Fact, type IpCommand, type Reply, type ShCommand, unasked } from "../kernel/command.ts";
import { quote } from "../kernel/quote.ts";
import { batch, batchesDeadline, type Look, type Looks, limit, stepDeadline, underOneDeadline } from "./batches.ts";
import { type Last, shares } from "./groups.ts";

/** Commands that ask, composed into one script, and how to cut its answer into theirs. */
export interface Observation {
  script: string;
  /** Seconds that the script can take at the most. */
  deadline: number;
  /** What is asked at the end of batches of steps instead. */
  looks: Looks;
  /** Cuts what was answered, or nothing where a batch did not come to be asked. */
  read(reply: Reply): Map<string, Reply> | undefined;
}

/** The identity of a question: equal ones are asked once. */
export function factKey(fact: Fact<unknown>): string {
  return JSON.stringify(fact.command);
}

/**
 * Composes questions into one script: `ip` lines of one namespace and family share an `ip -j -batch`, which are looked at side by
 * side when there are many, and each other command answers between marks of its own.
 *
 * @param last batches of steps that can be asked at their end what is asked of their namespaces
 */
export function observe(facts: readonly Fact<unknown>[], last: Last = new Map()): Observation {
  const unique = new Map(facts.map((fact) => [factKey(fact), fact.command]));
  const groups = grouped(unique);
  const tag = `fact-${randomBytes(12).toString("hex")}`;
  const looks = looksAt(groups, last, tag);
  const asked = groups.flatMap((group, number) => {
    if (looks.has(`${namespaceOf(group)}`)) return [];
    return [{ isIp: group.commands[0]?.kind === "ip", text: block(group, number) }];
  });
  const batches = asked.flatMap(({ isIp, text }) => (isIp ? text : []));
  const others = asked.flatMap(({ isIp, text }) => (isIp ? [] : text));
  const functions = [answer(tag), absent];
  return {
    script: [limit, ...functions, "exec 3>&1", ...beside(shares(batches), functions), ...others].join("\n"),
    deadline: batchesDeadline(Math.max(batches.length, 1)) + 1 + others.length * (stepDeadline + 1),
    looks,
    read: (reply) => {
      const told = answersIn(reply.stdout, tag);
      const missed = groups.some((group, number) => looks.has(`${namespaceOf(group)}`) && !told.has(number));
      return missed ? undefined : cut(told, groups);
    },
  };
}

/** Ends an answer: $1 is its number, $2 its exit code; `err` is what it said on stderr. */
function answer(tag: string): string {
  return `answer() { printf '\\n${tag} %s %s\\n%s\\n${tag}\\n' "$1" "$2" "$err"; }`;
}

/** What `ip -n` says of a namespace that is not there, without a process. */
const absent = `absent() { err="Cannot open network namespace \\"$1\\": No such file or directory"; return 255; }`;

/** Runs lists of looks side by side: the first writes at once, what the others say is kept until it has ended. */
function beside([first, ...rest]: readonly string[][], functions: readonly string[]): string[] {
  if (!first) return [];
  const one = underOneDeadline(first.length, [...functions, "exec 3>&1", ...first]);
  if (rest.length === 0) return [one];
  return [`{ ${one}\n} &`, `rest=$(\n${beside(rest, functions).join("\n")}\n)`, "wait", `printf '\\n%s\\n' "$rest"`];
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

/** The namespace of questions of one family, of the sort that a batch of steps can be asked. */
function namespaceOf({ commands: [first] }: Group): string | undefined {
  return first?.kind === "ip" && first.family === undefined ? first.netns : undefined;
}

/** What the batches of steps can be asked: of links that they have had to do with, and of routes. Neither can fail there. */
function looksAt(groups: readonly Group[], last: Last, tag: string): Looks {
  const found = new Map<string, Look>();
  for (const [number, group] of groups.entries()) {
    const netns = namespaceOf(group);
    const links = netns === undefined ? undefined : last.get(netns);
    const lines = group.commands.filter((command) => command.kind === "ip");
    if (netns === undefined || !links || !lines.every((line) => isSafe(line, links))) continue;
    found.set(netns, { lines, answered: `printf '\\n${tag} ${number} 0\\n%s\\n${tag}\\n' "$text" >&3` });
  }
  return found;
}

function isSafe({ args }: IpCommand, links: ReadonlySet<string>): boolean {
  const [object, verb, dev, name, ...more] = args;
  if (args.join(" ") === "route show table main") return true;
  return object === "addr" && verb === "show" && dev === "dev" && links.has(`${name}`) && more.length === 0;
}

/** One command, or one batch, and the end of its answer. */
function block({ commands }: Group, number: number): string {
  const [first] = commands;
  if (first?.kind !== "ip") return fragment(first as ShCommand, number);
  const text = `err=$(${batch(commands as IpCommand[], "-j -d -force ", " 2>&1 >&3")}\n)`;
  if (first.netns === undefined) return `${text}; answer ${number} $?`;
  return `if [ -e ${quote(`/run/netns/${first.netns}`)} ]; then ${text}; else absent ${quote(first.netns)}; fi; answer ${number} $?`;
}

function fragment({ text, path }: ShCommand, number: number): string {
  if (text === unasked.text) return `err=; answer ${number} 0`;
  const asking = `err=$( (\n${text}\n) 2>&1 >&3 ); answer ${number} $?`;
  if (path === undefined) return asking;
  return `if [ -e ${quote(path)} ]; then\n${asking}\nelse err='No such file or directory'; answer ${number} 1; fi`;
}

/** What is told of a look that was ended before its end. */
const unended: Reply = { code: 124, stdout: "", stderr: "the look at it did not come to its end" };

function cut(told: ReadonlyMap<number, Reply>, groups: readonly Group[]): Map<string, Reply> {
  const answers = new Map<string, Reply>();
  for (const [number, { keys, commands }] of groups.entries()) {
    const answer = told.get(number) ?? unended;
    const each = commands[0]?.kind === "ip" ? perLine(answer, keys.length) : [answer];
    for (const [index, key] of keys.entries()) answers.set(key, each[index] ?? answer);
  }
  return answers;
}

/** Cuts at the marks: before the first of a pair is what was said on stdout, between them what was said on stderr. */
function answersIn(text: string, tag: string): Map<number, Reply> {
  const found = new Map<number, Reply>();
  const end = `\n${tag}\n`;
  let from = 0;
  for (const match of text.matchAll(new RegExp(`\n${tag} (\\d+) (\\d+)\n`, "g"))) {
    const begin = match.index + match[0].length;
    const stop = text.indexOf(end, begin - 1);
    if (stop === -1) break;
    const stderr = text.slice(begin, Math.max(begin, stop));
    found.set(Number(match[1]), { code: Number(match[2]), stdout: text.slice(from, match.index), stderr });
    from = stop + end.length;
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
