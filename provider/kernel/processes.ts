import { type ShCommand, type Step, sh } from "./command.ts";
import { parseDuration } from "./duration.ts";
import { ownerKey, shortHash } from "./owner.ts";
import { began, defaultPath, launchScript, pumpScript, starterScript } from "./processes-launch.ts";
import { stopText } from "./processes-stop.ts";
import { type Restart, type Supervision, superviseScript } from "./processes-supervise.ts";
import { typedStart, typedStop } from "./processes-typed.ts";
import { afterScript, type UnitSettings, unitName, unitText } from "./processes-unit.ts";
import { quote } from "./quote.ts";
import { makeDir, runDir } from "./run-dir.ts";

/** What runs, and as whom: what a change of restarts it. */
export interface Program {
  /** Program and arguments; the program is looked up in the environment's PATH. */
  command: readonly string[];
  environment?: Readonly<Record<string, string>> | undefined;
  cwd: string;
  /** A user's name; default root. */
  user?: string | undefined;
  netns?: string | undefined;
  /** Default "no". */
  restart?: Restart | undefined;
  /** A duration; default {@link defaultStopTimeout}. */
  stopTimeout?: string | undefined;
}

/** A user as the kernel knows it. */
export interface User {
  uid: number;
  gid: number;
}

/** How long a program is given to end by itself: what Docker gives. */
export const defaultStopTimeout = "10s";

/** The folder of a program: its files are gone after a reboot, as it is. */
export function processDir(owner: string): string {
  return `${runDir}/process/${ownerKey(owner)}`;
}

/** Where a program's output goes. */
export function logPath(owner: string): string {
  return `${processDir(owner)}/log`;
}

/**
 * What tells one program from another, as 16 hex digits; the namespace is not part of it. Defaults that came later leave it as
 * it was, so that a newer version does not restart what an older one has started.
 */
export function fingerprint({ command, environment = {}, cwd, user = "root", restart, stopTimeout }: Program): string {
  const variables = Object.entries(environment).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const later = [restart === "no" ? undefined : restart, stopTimeout === defaultStopTimeout ? undefined : stopTimeout];
  const given = later.some((one) => one !== undefined) ? later : [];
  return shortHash(JSON.stringify([command, variables, cwd, user, ...given]), 16);
}

/** Seconds between TERM and KILL. */
function graceOf({ stopTimeout }: Pick<Program, "stopTimeout"> = {}): number {
  return parseDuration(stopTimeout ?? defaultStopTimeout) ?? 0;
}

/** What a stop may take beyond the grace: KILL, and the last of its output. */
const rest = 10;

/** Ends a program with all of its processes, and removes its files. */
export function stopStep(owner: string, program: Pick<Program, "stopTimeout">, undo: readonly ShCommand[] = []): Step {
  const grace = graceOf(program);
  const text = stopText({ owner, dir: processDir(owner), grace });
  return {
    what: "end its processes",
    do: sh(text),
    undo,
    within: grace + rest,
    ...typedStop(owner, processDir(owner)),
  };
}

/** As whom a program runs, and who watches it. */
export interface Keeper {
  user: User;
  /** Whether it is a unit of systemd; else a supervisor of ours stays beside it. */
  systemd: boolean;
}

/** Starts a program, and ends what is left of it from before. It has begun, or failed, when the step is done. */
export function startStep(owner: string, program: Program, keeper: Keeper): Step {
  const grace = graceOf(program);
  const what = `start ${program.command[0]}`;
  const undo = [sh(stopText({ owner, dir: processDir(owner), grace }))];
  const lines = typedStart(owner, processDir(owner), program, keeper.user);
  return { what, do: startCommand(owner, program, keeper), undo, within: 2 * (grace + rest), ...lines };
}

/**
 * What {@link startStep} does.
 *
 * @param meant the program that it is noted as, where another one stands in for it
 */
export function startCommand(owner: string, program: Program, { user, systemd }: Keeper, meant = program): ShCommand {
  const { restart = "no" } = program;
  const dir = processDir(owner);
  const settings = { owner, dir, restart, grace: graceOf(program) };
  const stop = stopText(settings);
  const keep = systemd && restart !== "no";
  const text = [
    stop,
    `trap ${quote(`code=$?; [ $code = 0 ] || {\n${stop}\n}; exit $code`)} EXIT`,
    `${makeDir(dir)}; cd ${dir}`,
    "umask 077",
    write("owner", `${owner} ${fingerprint(meant)}\n`),
    // Variables may be secret: they are in a file of root's alone, on no command line.
    write("start", starterScript(owner, program)),
    write("launch", launchScript(program, user, { dir, unit: systemd, keep })),
    write("pump", pumpScript),
    ...(systemd ? underSystemd(settings) : supervised(settings)),
    began,
  ];
  return sh(text.join("\n"));
}

function underSystemd(settings: UnitSettings): string[] {
  const { owner, dir } = settings;
  return [write("after", afterScript(dir)), write("unit", `${unitName(owner)}\n`), unitText(settings)];
}

function supervised(settings: Supervision): string[] {
  const { owner, dir } = settings;
  const run = `setsid -f env -i PATH=${defaultPath} sh ${dir}/supervise ${apart}`;
  return [write("supervise", superviseScript(settings)), joinCgroup(owner), run];
}

function write(file: string, text: string): string {
  return `printf %s ${quote(text)} | limit cat >${file}`;
}

/** Makes a cgroup for the program where the host has the second version of them (cgroups(7)): no child gets out of it. */
function joinCgroup(owner: string): string {
  return `while read -r _ at type _; do
  [ "$type" = cgroup2 ] && [ -w "$at/cgroup.procs" ] || continue
  group=$at/linuxnet/${ownerKey(owner)}
  if mkdir -p "$group" 2>/dev/null && [ -w "$group/cgroup.procs" ]; then echo "$group" >cgroup; break; fi
done </proc/mounts`;
}

/** The redirections of a daemon: nothing of the session's stays open in it (a shell has names for nine descriptors only). */
const apart = `</dev/null >/dev/null 2>&1 ${[3, 4, 5, 6, 7, 8, 9].map((number) => `${number}>&-`).join(" ")}`;
