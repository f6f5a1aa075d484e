// A program that runs inside a namespace, in a session of its own. What identifies it is its pid with its start time, in
// files under /run/linuxnet/process; all of its children carry its owner in their environment.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Answers, ShCommand, Step } from "../kernel/command.ts";
import { dictionary } from "../kernel/dictionary.ts";
import { parseDuration } from "../kernel/duration.ts";
import { lacks, refuse } from "../kernel/failure.ts";
import { inodeFact } from "../kernel/netns.ts";
import { shortHash } from "../kernel/owner.ts";
import {
  defaultStopTimeout,
  fingerprint,
  type Keeper,
  logPath,
  type Program,
  startCommand,
  startStep,
  stopStep,
} from "../kernel/processes.ts";
import { howItEnded, processFact, type Ready, type SeenProcess, userFact } from "../kernel/processes-fact.ts";
import { ready, restart, stopTimeout, variable, word } from "../kernel/processes-schema.ts";
import { type Restart, steady } from "../kernel/processes-supervise.ts";
import { systemdFact } from "../kernel/processes-unit.ts";
import { netnsName } from "../kernel/schema.ts";
import { type Change, type Context, define } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** When a {@link Process} counts as started; all conditions that are given have to hold. */
export interface ReadyArgs {
  /** A TCP port, 1 to 65535, on which something in the namespace listens. */
  tcp?: pulumi.Input<number>;
  /** A UDP port, 1 to 65535, that something in the namespace has bound. */
  udp?: pulumi.Input<number>;
  /** Text that stands in a line of what the program has printed. */
  log?: pulumi.Input<string>;
  /** How long to wait at most, as a Go duration; default `"30s"`. */
  timeout?: pulumi.Input<string>;
}

/** Inputs of a {@link Process}. A change of anything but `ready` restarts it. */
export interface ProcessArgs extends ResourceArgs {
  /** The namespace it runs in; default: the host's own. Change: replacement. */
  netns?: pulumi.Input<string>;
  /** The program and its arguments, as they are: there is no shell. It is looked up in the environment's PATH. */
  command: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Its environment: these variables, a PATH when none is given, and LINUXNET_OWNER, by which its children are found when it is
   * ended. Values travel past every command line, those of a shell's own variables (`PWD`, `UID`, `OPTIND`) excepted.
   */
  environment?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** The folder it starts in, an absolute path; default `/`. */
  cwd?: pulumi.Input<string>;
  /** The user it runs as, with that user's groups; default root. */
  user?: pulumi.Input<string>;
  /**
   * When it is started again after it has ended, by itself or by a signal: never (`"no"`, the default), when its exit code was not 0
   * (`"on-failure"`), or whenever it ended (`"always"`). The pause before a start doubles from 100 ms to 10 s, and is short again
   * after a run of 10 s. The first start has to succeed.
   */
  restart?: pulumi.Input<Restart>;
  /** How long it is given to end after TERM, before KILL; a Go duration up to `"10m"`, default `"10s"` (Docker's --stop-timeout). */
  stopTimeout?: pulumi.Input<string>;
  /** What to wait for before it counts as started; default: that it has begun. */
  ready?: pulumi.Input<ReadyArgs>;
}

interface Args extends Program {
  owner: string;
  ready?: Ready & { timeout: string };
}

const facts = ({ owner, netns, user, ready }: Args, { former, previous }: Pick<Context, "former" | "previous">) => ({
  process: processFact(owner, ready),
  former: processFact(former ?? owner),
  netns: inodeFact(netns === undefined ? "/proc/self/ns/net" : `/run/netns/${netns}`),
  user: userFact(user),
  systemd: systemdFact,
  formerUser: userFact((previous as Args | undefined)?.user),
});

type Seen = Answers<ReturnType<typeof facts>>;

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const { netns, user } = args;
  if (seen.user === undefined)
    refuse(`there is no user ${user}`, `Create it (useradd ${user}), or leave \`user\` out to run as root.`);
  if (seen.netns === undefined) lacks(`there is no namespace ${netns}`);
  const previous = (context.previous as Args | undefined) ?? args;
  const renamed = context.former !== undefined && seen.former !== undefined;
  const drift = whatDiffers(args, seen) ?? (renamed ? "it runs under its former name" : undefined);
  if (drift === undefined) return [];
  const steps = [
    ...(renamed
      ? [stopStep(`${context.former}`, previous, startAgain(`${context.former}`, seen.former, seen, context))]
      : []),
    ...(seen.process ? [stopStep(args.owner, previous, startAgain(args.owner, seen.process, seen, context))] : []),
    starting(args, { user: seen.user, systemd: seen.systemd }),
  ];
  return [{ drift, steps }];
}

/** It is the user's: a rehearsal starts another in its stead. */
function starting(args: Args, keeper: Keeper): Step {
  const step = startStep(args.owner, args, keeper);
  const standIn = startCommand(args.owner, { ...args, command: ["/bin/sleep", "infinity"] }, keeper, args);
  return { ...step, typed: { lines: [], ...step.typed, standIn } };
}

function whatDiffers(args: Args, { process, netns }: Seen): string | undefined {
  if (!process) return "it is not running";
  if (process.fingerprint !== fingerprint(args))
    return "it runs with other settings: command, environment, folder, user or restart";
  if (!process.alive)
    return restarting(args, process) && process.failures <= someFailures
      ? undefined
      : `it is not running: ${howItEnded(process)}`;
  if (process.netns !== netns) return `its namespace ${args.netns ?? ""} was rebuilt, it runs in the former one`;
  if (process.failures > someFailures && process.age < steady) return `it keeps ending: ${howItEnded(process)}`;
  return (args.restart ?? "no") === "no" || process.supervised ? undefined : "what restarts it is gone";
}

/** A program that ends now and then is restarted, and that is no drift; one that ends again and again is. */
const someFailures = 3;

/** Whether it is between two runs: ended, and about to be started again. */
function restarting({ restart = "no" }: Args, { alive, supervised, exit }: SeenProcess): boolean {
  return !alive && supervised && (restart === "always" || (restart === "on-failure" && exit !== 0));
}

/** The inverse of ending it: what ran before runs again. */
function startAgain(owner: string, process: SeenProcess | undefined, seen: Seen, { previous }: Context): ShCommand[] {
  const before = previous as Args | undefined;
  const same = process?.alive && before && process.fingerprint === fingerprint(before) && process.netns === seen.netns;
  return same && seen.formerUser ? [startCommand(owner, before, { user: seen.formerUser, systemd: seen.systemd })] : [];
}

function teardown(args: Args, seen: Seen, { former }: Context): Step[] {
  return [
    ...(seen.process ? [stopStep(args.owner, args)] : []),
    ...(former && seen.former ? [stopStep(former, args)] : []),
  ];
}

/** Seconds that one that ends and is restarted is given to run, where no `ready` says it. */
const settling = 10;

function pending(args: Args, { process }: Seen): { why: string; within: number } | undefined {
  const { ready, netns } = args;
  const within = ready ? (parseDuration(ready.timeout) ?? 0) : settling;
  if (!process?.alive) {
    const how = process ? howItEnded(process) : "nothing is left of it";
    const again = process && restarting(args, process);
    return { why: `it ended before it was ready: ${how}`, within: again ? within : -1 };
  }
  if (!ready) return undefined;
  const where = netns === undefined ? "on the host" : `in namespace ${netns}`;
  const missing = [
    ready.tcp !== undefined && !process.ready.has("tcp") && `nothing listens on TCP port ${ready.tcp} ${where}`,
    ready.udp !== undefined && !process.ready.has("udp") && `nothing has bound UDP port ${ready.udp} ${where}`,
    ready.log !== undefined && !process.ready.has("log") && `its log has no line with ${JSON.stringify(ready.log)}`,
  ].find(Boolean);
  if (!missing) return undefined;
  const last = process.lastLine ? `; the last line of its log: ${process.lastLine}` : "";
  return { why: `it was not ready within ${ready.timeout}: ${missing}${last}`, within };
}

/** How a {@link Process} is checked, planned and removed. */
export const process = define<Args>()({
  kind: "Process",
  fields: {
    netns: netnsName.optional(),
    command: z
      .array(word, "must be a list: the program and its arguments")
      .min(1, "must have at least the program's name")
      .refine(([program]) => program !== "", "must begin with the program's name"),
    environment: dictionary(variable, word, "must be an object of variables with their values").optional(),
    cwd: word.refine((path) => path.startsWith("/"), "must be an absolute path").default("/"),
    user: z
      .string("must be a string")
      .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, "must be a user's name: letters, digits, _ . and -")
      .optional(),
    restart: restart.default("no"),
    stopTimeout: stopTimeout.default(defaultStopTimeout),
    ready: ready.optional(),
  },
  replaceOn: ["netns"],
  id: ({ command, owner }) => {
    const name = `${command[0]}`.split("/").at(-1) ?? "";
    return `${name.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, 24)}-${shortHash(owner, 6)}`;
  },
  facts,
  plan,
  present: (_args, seen) => seen.process !== undefined || seen.former !== undefined,
  teardown,
  outputs: ({ owner }, { process }) => ({
    pid: process?.pid,
    logPath: logPath(owner),
    ...(process?.unit && { unit: process.unit }),
  }),
  pending,
});

/**
 * A program that runs inside a namespace and sees its resolv.conf and hosts file.
 *
 * @example
 * new linuxnet.Process("web", {
 *   netns: web.name,
 *   command: ["python3", "-m", "http.server", "80"],
 *   cwd: "/srv/www",
 *   ready: { tcp: 80 },
 * });
 */
export class Process extends Resource {
  declare readonly netns: pulumi.Output<string | undefined>;
  declare readonly command: pulumi.Output<string[]>;
  declare readonly environment: pulumi.Output<Record<string, string> | undefined>;
  declare readonly cwd: pulumi.Output<string>;
  declare readonly user: pulumi.Output<string | undefined>;
  declare readonly restart: pulumi.Output<Restart>;
  declare readonly stopTimeout: pulumi.Output<string>;
  declare readonly ready: pulumi.Output<{ tcp?: number; udp?: number; log?: string; timeout: string } | undefined>;
  declare readonly adopt: pulumi.Output<boolean>;
  /** The program's process id; it changes when it is restarted. */
  declare readonly pid: pulumi.Output<number>;
  /** The file that its output goes to, readable by root. Older output is beside it, in `.1`; each has less than 4 MiB. */
  declare readonly logPath: pulumi.Output<string>;
  /** Its transient unit, where systemd runs; else undefined. */
  declare readonly unit: pulumi.Output<string | undefined>;

  constructor(name: string, args: ProcessArgs, opts?: pulumi.CustomResourceOptions) {
    super(process, name, args, ["pid", "logPath", "unit"], opts);
  }
}
