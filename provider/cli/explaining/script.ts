// What was told of a rehearsal, as scripts of shell.
import { type Command, type Place, placeWord } from "../../kernel/command.ts";
import { typedIn } from "../../kernel/typed.ts";
import type { Told } from "../../lifecycle/rehearsal.ts";
import { hidden } from "../stack.ts";
import type { Explained } from "./rehearsal.ts";
import { aboutKind } from "./why.ts";

/** What is typed for one step. */
export interface Line {
  what: string;
  /** A command, or a here-document. */
  commands: string[];
}

/** What is done to one object in one go. */
export interface Chapter {
  kind: string;
  name: string;
  operation: Told["operation"];
  lines: Line[];
}

/** What must hold, as an Expect says it. */
export interface Expected {
  /** A namespace's name, or `host`. */
  from: string;
  to: string;
  port?: number;
  protocol: "ping" | "tcp" | "udp";
  reachable: boolean;
}

/** The script of one host. */
export interface HostScript {
  host: string;
  chapters: Chapter[];
  /** What must hold afterwards. */
  expected: Expected[];
  script: string;
}

/** The scripts, one for each host. */
export function scriptsOf(explained: Explained): HostScript[] {
  const hosts = Map.groupBy(explained.told, ({ host }) => host);
  return [...hosts].map(([host, told]) => {
    const before: Before = { lists: new Map(), once: new Set() };
    const chapters = told
      .filter(({ operation }) => operation !== "expect")
      .map((one) => chapterOf(one, before, explained.secrets))
      .filter(({ lines }) => lines.length > 0);
    const expected = told.filter(({ operation }) => operation === "expect").map(expectation);
    const script = { host, chapters, expected };
    return { ...script, script: written(script, explained) };
  });
}

/** What was told before: the orders of the rules in each list, and what is typed once. */
interface Before {
  lists: Map<string, string[]>;
  once: Set<string>;
}

function chapterOf({ kind, owner, operation, steps }: Told, before: Before, secrets: string[]): Chapter {
  // What goes may be made anew.
  if (operation === "delete") before.once.clear();
  const lines = steps.map((step) => ({
    what: step.what,
    commands: commandsOf(step, before).map((text) => masked(text, secrets)),
  }));
  return { kind, name: nameOf(owner), operation, lines: joined(lines.filter(({ commands }) => commands.length > 0)) };
}

/** The last part of an owner. */
function nameOf(owner: string): string {
  return (
    owner
      .replace(/@[0-9a-f]{8}$/, "")
      .split("/")
      .slice(3)
      .join("/") || owner
  );
}

function masked(text: string, secrets: readonly string[]): string {
  return secrets.reduce((so, secret) => so.replaceAll(secret, hidden), text);
}

function commandsOf({ what, command, typed, asked }: Told["steps"][number], { lists, once }: Before): string[] {
  if (!typed) return [plainly(command)];
  const key = JSON.stringify([what, typed.lines]);
  if (typed.once && once.has(key)) return [];
  if (typed.once) once.add(key);
  const lines = typed.lines.map((line) => (typed.place ? line.replace(placeWord, placed(typed.place, lists)) : line));
  const answer = asked.trimEnd();
  return [...(answer === "" ? [] : blocks(answer)), ...lines];
}

/** Commands, one a line; a here-document is one with its lines. */
function blocks(text: string): string[] {
  return /<<'EOF'$/m.test(text) ? [text] : text.split("\n");
}

/** Where a rule belongs, when those that were told before stand already. */
function placed({ list, order, among, append, insert, first }: Place, lists: Map<string, string[]>): string {
  const standing = lists.get(list) ?? [...among];
  const at = standing.findIndex((one) => one > order);
  standing.splice(at < 0 ? standing.length : at, 0, order);
  lists.set(list, standing);
  return at < 0 ? append : insert.replace("#", `${at + first}`);
}

/** A command of which nothing else is known: as it is, without our deadlines. */
function plainly(command: Command): string {
  if (command.kind === "ip") {
    const where = command.netns === undefined ? "" : ` -n ${command.netns}`;
    return `ip${where}${command.family ? " -6" : ""} ${command.args.join(" ")}`;
  }
  if (command.kind === "nft") return `${typedIn(command.netns)}nft -f - <<'EOF'\n${command.text.trim()}\nEOF`;
  return `(\nset -e\n${command.text.replaceAll(/\blimit (?=\S)/g, "")}\n)`;
}

/** Statements of nft that follow one another are one transaction. */
function joined(lines: readonly Line[]): Line[] {
  const all: Line[] = [];
  for (const line of lines) {
    const [last, [text = ""]] = [all.at(-1), line.commands];
    const [, head = "", body = ""] = /^(.*nft -f - <<'EOF')\n(.*)\nEOF$/s.exec(text) ?? [];
    const before = last?.commands.at(-1) ?? "";
    if (last && head !== "" && line.commands.length === 1 && before.startsWith(`${head}\n`)) {
      last.commands[last.commands.length - 1] = before.replace(/\nEOF$/, () => `\n${body}\nEOF`);
      if (!last.what.split("; ").includes(line.what)) last.what = `${last.what}; ${line.what}`;
    } else all.push({ ...line, commands: [...line.commands] });
  }
  return all;
}

function expectation({ inputs = {} }: Told): Expected {
  const { from, to, port, protocol, reachable } = inputs as unknown as Expected;
  return { from, to, ...(port !== undefined && { port }), protocol, reachable };
}

function inWords({ from, to, port, protocol, reachable }: Expected): string {
  const what = port === undefined ? to : `${to} port ${port}`;
  return `${from === "host" ? "the host" : from} ${reachable ? "reaches" : "does not reach"} ${what} by ${protocol}`;
}

function written({ host, chapters, expected }: Omit<HostScript, "script">, { project, stack }: Explained): string {
  const where = host === "this machine" ? host : `the host ${host}`;
  const hasSecrets = chapters.some(({ lines }) => lines.some(({ commands }) => commands.join().includes(hidden)));
  return [
    "#!/bin/sh",
    comment(
      `What \`pulumi up\` of ${project}/${stack} is about to do on ${where}, as commands to type by hand, as root.`,
    ),
    comment("Written by `linuxnet explain` for the host as it is now; it changes nothing by itself."),
    ...(hasSecrets ? [comment(`Secrets are left out: write them where ${hidden} stands.`)] : []),
    "set -e",
    ...chapters.flatMap(chapterText),
    ...(expected.length === 0
      ? []
      : ["", comment("What must hold then:"), ...expected.map((one) => comment(`- ${inWords(one)}`))]),
    "",
  ].join("\n");
}

const did = { create: "new", update: "changed", delete: "removed", expect: "" } as const;

function chapterText({ kind, name, operation, lines }: Chapter): string[] {
  const about = aboutKind(kind);
  return [
    "",
    comment(
      `== ${kind} ${name} (${did[operation]})${about === undefined || operation === "delete" ? "" : `: ${about}`}`,
    ),
    ...lines.flatMap(({ what, commands }) => [comment(what), ...commands]),
  ];
}

/** A comment: one line, whatever stands in it. */
function comment(text: string): string {
  return `# ${text.replaceAll(/\s+/g, " ")}`;
}
