import { quote, quoteAll } from "./quote.ts";

/** One line of `ip -batch`, without the leading `ip`; run inside `netns` when that is given. */
export interface IpCommand {
  kind: "ip";
  netns?: string | undefined;
  /** 6 where iproute2 needs `-6` (`route`, `rule`): a batch has one family. */
  family?: 6 | undefined;
  args: readonly string[];
}

/** Statements of `nft -f`; consecutive ones of one namespace become one transaction. */
export interface NftCommand {
  kind: "nft";
  netns?: string | undefined;
  text: string;
}

/** A fragment of POSIX sh, every argument in it already quoted; it fails with its last command's exit code. */
export interface ShCommand {
  kind: "sh";
  text: string;
  /** Of a question: it is asked only where this path is, and elsewhere answered by "No such file", without a process. */
  path?: string;
}

/** What a step runs: data until the host compiles it. */
export type Command = IpCommand | NftCommand | ShCommand;

/** One change of the host, with its inverse. */
export interface Step {
  /** What it does, in the words of an error: "create bridge lab0". */
  what: string;
  do: Command;
  /** Takes it back, in this order; run when a later step fails. Omitted: nothing to take back. */
  undo?: readonly Command[];
  /** The object that comes to be before it can carry its owner (`link:lab0`): noted on the host until the script ends. */
  claim?: string;
  /** It may be done beside others that say so, in any order, and is not taken back by itself: what it changes goes with another. */
  apart?: true;
  /** The namespace whose name it takes away: who still runs in it is told of. */
  vacates?: { name: string; inode: number };
  /** Seconds that it may take beyond the deadline of a step: it waits for something that is given time. */
  within?: number;
  /** How `linuxnet explain` tells it. Omitted: by the command itself. */
  typed?: Typed;
}

/** A step as a person types it. */
export interface Typed {
  /** Lines of shell, without what keeps us from harm: owner checks, deadlines, notes. None: nothing has to be typed. */
  lines: readonly string[];
  /** What is typed depends on the host: asked after the step, it prints further lines, which stand before the others. */
  ask?: ShCommand;
  /** Several owners plan the same, since each may be the first: it is typed once. */
  once?: true;
  /** Where a rule belongs among others: the word {@link placeWord} in the lines stands for its place. */
  place?: Place;
  /** What is done in its stead in a rehearsal, where programs of the user's must not run. */
  standIn?: ShCommand;
}

/** A place in a list of rules that is kept in an order. */
export interface Place {
  /** The list: `iptables nat LINUXNET-PRE`. */
  list: string;
  /** Rules stand in the order of these texts. */
  order: string;
  /** Those that stood already when it was planned. */
  among: readonly string[];
  /** The words that put it behind all, and those that put it at a place: `#` stands for the number. */
  append: string;
  insert: string;
  /** The number of the first place. */
  first: 0 | 1;
}

/** Stands in {@link Typed} for the words that say where a rule belongs. */
export const placeWord = "@PLACE@";

/** One difference between what is wanted and what stands, and the steps that end it. */
export interface Change {
  /** The input that differs (`mtu`, `peer.addresses`); omitted when no input says it. */
  property?: string;
  /** The kernel's value of that property. */
  actual?: unknown;
  /** What differs, in words, when no input says it: "lab0 is down". */
  drift?: string;
  steps: readonly Step[];
}

/** What a command answered. */
export interface Reply {
  code: number;
  stdout: string;
  stderr: string;
}

/** One question to the host: equal commands that are asked together are run once. */
export interface Fact<T> {
  command: Command;
  parse(reply: Reply): T;
}

/** The answers to a record of facts. */
// biome-ignore format: one line reads better
export type Answers<F> = { [K in keyof F]: F[K] extends Fact<infer T> ? T : never };

/** Named facts, as a resource asks them. */
export type Facts = Record<string, Fact<unknown>>;

/** A line of `ip -batch`. */
export function ip(args: readonly (string | number)[], netns?: string, family?: 6): IpCommand {
  return { kind: "ip", netns, family, args: args.map(String) };
}

/** One or more statements of `nft -f`. */
export function nft(text: string, netns?: string): NftCommand {
  return { kind: "nft", netns, text };
}

/** A fragment of shell. */
export function sh(text: string): ShCommand {
  return { kind: "sh", text };
}

/** What is asked about a path, and costs no process where there is none. */
export function shAt(path: string, text: string): ShCommand {
  return { kind: "sh", text, path };
}

/** A question that is none: its answer is empty. */
export const unasked: ShCommand = sh(":");

/** One program with its arguments, which arrive exactly as given; `limit` is the script's deadline for one command. */
export function run(argv: readonly string[], netns?: string): ShCommand {
  return sh(`limit ${inNetns(netns)}${quoteAll(argv)}`);
}

/** The words before a program that make it run inside a named namespace; empty for the host's own. */
export function inNetns(netns?: string): string {
  return netns === undefined ? "" : `nsenter --net=${quote(`/run/netns/${netns}`)} `;
}

/** What `ip -n` and nsenter say of a namespace that is not there: then nothing of ours is in it either. */
export const noNetns = /[Cc]annot open (network namespace "[^"]*"|\/run\/netns\/\S+): No such file/;

const batchWord = /^[A-Za-z0-9_.:/@%+,=~-]+$/;

/**
 * Writes an `ip` command as a line of its batch file, where a space, a quote, `#` or a backslash has a meaning
 * (iproute2, lib/utils.c). Every word here comes from a schema that allows none of them; one that does is a mistake of ours.
 */
export function batchLine(command: IpCommand): string {
  for (const word of command.args) {
    if (!batchWord.test(word)) throw new RangeError(`not a word for ip -batch: ${JSON.stringify(word)}`);
  }
  return command.args.join(" ");
}
