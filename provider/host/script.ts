import { randomInt } from "node:crypto";
import { type Command, type IpCommand, inNetns, type NftCommand, type Reply, type Step } from "../kernel/command.ts";
import { ownerKey } from "../kernel/owner.ts";
import { quote } from "../kernel/quote.ts";
import { makeDir, runDir, tidyRunDir } from "../kernel/run-dir.ts";
import { batch, batches, batchesBeside, batchesDeadline, halting, type Looks, limit, stepDeadline } from "./batches.ts";
import { takeBootWords } from "./boot.ts";
import { firstGoing, type Going, goingDeadline, goTogether, unlessGone } from "./going.ts";
import { groups, joins, type Run, runs } from "./groups.ts";
import type { Identity } from "./preflight.ts";
import type { Request } from "./session.ts";

/** Seconds that a script waits for another one on the same host. */
const lockDeadline = 60;

/** How a script is to run. */
export interface ScriptOptions {
  /** Whose work it is: names the note of what is about to be made. */
  owner: string;
  /** `undo`: the first failure takes everything back. `go-on`: all steps are tried and the failures gathered. */
  onFailure: "undo" | "go-on";
  /** The machine that the steps were planned for: on another one, or after a reboot, nothing is run. Omitted: any. */
  on?: Identity | undefined;
  /** What the batches of the last run are asked at their end ({@link lastBatches}): answered on the script's stdout. */
  looks?: Looks;
}

/** Steps as they are written. */
export interface Part extends Request {
  /** The link that it begins by deleting: several parts' links go at once. */
  going?: Going | undefined;
}

/**
 * Writes steps as a part of a script of POSIX sh that needs no client once it runs: each step has a deadline, and a failure takes
 * back what was done, newest first. What failed is told on stderr in lines that `report` reads.
 */
export function compile(steps: readonly Step[], { owner, onFailure, on, looks }: ScriptOptions): Part {
  const undoing = onFailure === "undo";
  const claims = undoing ? steps.flatMap(({ claim }) => claim ?? []) : [];
  const all = runs(groups(steps), steps).map((run) => ({ ...run, within: withinOf(run, steps) }));
  const going = undoing || isShared(all[0]) ? undefined : firstGoing(steps, on);
  const lines = [
    "failed=0",
    // A client that is gone must not end the script where it tells of a failure: before it takes anything back.
    "trap : PIPE",
    ...(on ? elsewhere(on) : []),
    `undo() {\n${undoing ? undoText(steps) : ":"}\n}`,
    ...(claims.length > 0 ? noteClaims(owner, claims) : []),
    ...all.map((run, index) =>
      going && index === 0
        ? unlessGone(going, runText(run, undoing))
        : runText(run, undoing, run === all.at(-1) ? looks : undefined),
    ),
    `[ $failed = 1 ] || [ ! -e ${claimsFile(owner)} ] || rm -f ${claimsFile(owner)}`,
    "exit $failed",
  ];
  const patience = steps.reduce((sum, { within = 0 }) => sum + within, 0);
  const working = all.reduce((sum, run) => sum + batchesDeadline(run.groups.length) + 1, 0);
  return { script: lines.join("\n"), deadline: working + undoDeadline(steps) + patience * 2, going };
}

/**
 * One script of several parts, which takes the host's lock once for all of them. They know nothing of one another: each runs in a
 * shell of its own, whatever has become of the one before. {@link ends} tells them apart in what the script says.
 */
export function together(parts: readonly Part[], tag: string): Request {
  const jobs = parts.map(({ script }, index) => `(\n${script}\n)\nended ${index} $?`);
  const ended = `ended() { printf '\\n@${tag} %s %s\\n' "$1" "$2" >&2; }`;
  const going = goTogether(
    parts.flatMap((part) => part.going ?? []),
    randomInt(2 ** 30, 2 ** 31),
  );
  return {
    script: [...prelude, ended, ...going, ...jobs, `${tidyRunDir}; :`].join("\n"),
    deadline: lockDeadline + goingDeadline + parts.reduce((sum, { deadline }) => sum + deadline, 0),
  };
}

/** What each part of a script has said, by the script's tag. What a script says that ends before its parts is said of all that are left. */
export function ends(reply: Reply, tag: string, count: number): Reply[] {
  const told = reply.stderr.split(new RegExp(`\\n@${tag} (\\d+) (\\d+)\\n`));
  return Array.from({ length: count }, (_, index) => {
    const [stderr, , code] = told.slice(index * 3);
    if (code === undefined) return { ...reply, stderr: stderr ?? told.at(-1) ?? "" };
    return { code: Number(code), stdout: "", stderr: stderr ?? "" };
  });
}

/** Seconds that taking steps back can take: it does so one by one. */
function undoDeadline(steps: readonly Step[]): number {
  return steps.filter(({ undo = [] }) => undo.length > 0).length * (stepDeadline + 1);
}

/** The file in which a script notes what it is about to make. */
export function claimsFile(owner: string): string {
  return `${runDir}/claims/${ownerKey(owner)}`;
}

/** The name may lead to another machine by now than the one that was looked at. */
function elsewhere(on: Identity): string[] {
  return [`[ "$identity" = ${quote(on)} ] || { printf '@elsewhere\\n' >&2; exit 1; }`];
}

const prelude = [
  "trap : PIPE",
  limit,
  takeBootWords,
  'exec 9<"$lock"',
  `flock -w ${lockDeadline} 9 || { printf '@failed 0 1 75\\nanother linuxnet operation has held the lock of %s for ${lockDeadline} s\\n@undone\\n' "$lock" >&2; exit 75; }`,
  // An exit code is looked at afterwards: under `||` the shell would ignore the `set -e` of a fragment.
  'attempt() { text=$( "$@" 2>&1 >/dev/null ); [ $? = 0 ] || { printf \'@left %s\\n%s\\n\' "$what" "$text" >&2; left=1; }; }',
  // $1: steps of earlier groups, $2: steps in this group, $3: steps of this group that were done, $4: exit code, $5: stderr
  'report() { failed=1; printf \'@failed %s %s %s\\n%s\\n\' "$1" "$2" "$4" "$5" >&2; }',
  "stop() { report \"$@\"; left=0; undo $(($1 + $3)); [ $left = 1 ] || printf '@undone\\n' >&2",
  '  [ "$4" = 124 ] || [ "$4" = 137 ] || rm -f "$claims"; exit 1; }',
  ...halting,
  "claims=",
];

function noteClaims(owner: string, claims: readonly string[]): string[] {
  const file = claimsFile(owner);
  const words = claims.map(quote).join(" ");
  // Only cat says why it cannot be written.
  return [
    `claims=${file}`,
    `text=$( { { [ -d ${runDir}/claims ] || ${makeDir(`${runDir}/claims`)}; } && set -- ${words} && { printf '%s\\n' "$@" 2>/dev/null >${file} || printf '%s\\n' "$@" | limit cat >${file}; }; } 2>&1 ) || stop 0 0 0 1 "$text"`,
  ];
}

/** Seconds that the steps of a run may take beyond its deadline. */
function withinOf({ groups: [first] }: Run, steps: readonly Step[]): number {
  const own = steps.slice(first.base, first.base + first.commands.length);
  return own.reduce((sum, { within = 0 }) => sum + within, 0);
}

/** Whether a run's first process does more than its first step. */
function isShared(run: Run | undefined): boolean {
  return run === undefined || run.groups.length > 1 || run.groups[0].commands.length > 1;
}

function runText({ groups: run, apart, within }: Run & { within: number }, undoing: boolean, looks?: Looks): string {
  const [{ base, commands }] = run;
  const around = (text: string, handler: string) =>
    `text=$( {\n${text}\n} 2>&1 >/dev/null ); code=$?; [ $code = 0 ] || ${handler} $code "$text"`;
  if (run.length > 1) {
    const text = apart && undoing ? batchesBeside(run, looks) : batches(run, !undoing);
    // A daemon that another step starts must not hold the session's stdout.
    return `{ ${around(text, undoing ? "halt" : "gather")}\n} 3>&1`;
  }
  const done = undoing ? '$(done_of "$text")' : "0";
  return around(body(commands, !undoing, within), `${undoing ? "stop" : "report"} ${base} ${commands.length} ${done}`);
}

function body(commands: readonly Command[], force: boolean, within = 0): string {
  const [first] = commands;
  if (first?.kind === "ip") return `limit ${batch(commands as IpCommand[], force ? "-force " : "")}`;
  if (first?.kind === "nft") return transaction(commands as NftCommand[], within);
  return `( set -e\n${first?.text}\n)`;
}

function transaction(commands: readonly NftCommand[], within: number): string {
  const text = commands.map((command) => command.text).join("\n");
  const limited = within > 0 ? `timeout -k 1 ${stepDeadline + within}` : "limit";
  return `${limited} ${inNetns(commands[0]?.netns)}nft -f - <<'NFT'\n${text}\nNFT`;
}

/** What takes steps back, newest first. The steps of one transaction of nft were all done, or none: they are taken back by one. */
function undoText(steps: readonly Step[]): string {
  const blocks = groups(steps).flatMap(({ base, commands }) => {
    const own = steps.slice(base, base + commands.length);
    if (commands[0]?.kind === "nft") return undoBlock(own.toReversed(), base);
    return own.flatMap((step, index) => undoBlock([step], base + index));
  });
  return blocks.length === 0 ? ":" : blocks.reverse().join("\n");
}

function undoBlock(steps: readonly Step[], number: number): string[] {
  const undos = steps.flatMap(({ undo = [] }) => undo);
  const bodies: Command[][] = [];
  for (const command of undos) {
    const before = bodies.at(-1)?.[0];
    if (before?.kind === "nft" && joins(before, command)) bodies.at(-1)?.push(command);
    else bodies.push([command]);
  }
  if (bodies.length === 0) return [];
  const texts = bodies.map((commands, index) => {
    const name = `u${number}_${index}`;
    return `  ${name}() {\n${body(commands, false)}\n}\n  what=${quote(`${steps[0]?.what}`)}; attempt ${name}`;
  });
  return [`if [ "$1" -gt ${number} ]; then\n${texts.join("\n")}\nfi`];
}
