import { constants } from "node:os";
import { execa } from "execa";
import type { Connection } from "../kernel/connection.ts";
import { type Failing, firstLine } from "../kernel/failure.ts";
import { asRoot, passwordLines } from "./sudo.ts";

/** A shell that is running: text in, two streams of text out, and the promise of its end. */
export interface Shell {
  write(text: string): void;
  /** Ends its stdin: a script that reads it knows that nobody is there any more. */
  endInput(): void;
  onStdout(listener: (chunk: string) => void): void;
  onStderr(listener: (chunk: string) => void): void;
  /** Resolves with a sentence on why the shell ended; never rejects. */
  ended: Promise<string>;
  /** Ends the shell at once, by its own process id. */
  kill(): void;
}

/** A program that becomes a host's shell. */
export interface Started {
  argv: readonly [string, ...string[]];
  /** Added to, or with `bare` instead of, this process's environment. */
  env: Record<string, string>;
  bare?: boolean;
  /** What its stdin gets before anything else. */
  preamble?: string;
  /** Ends what was made for its log-in, once that is over. */
  dispose?(): void;
}

/** How to start the shell of a host. */
export interface Launch {
  /** The host, in the words of an error. */
  name: string;
  /** How often to try while nothing has been authenticated; default 1. */
  attempts?: number;
  /** Seconds for all attempts together; default no limit. */
  budget?: number | undefined;
  /** What it means when the shell ends before it is ready. */
  fault(stderr: string, ended: string): Failing & { again: boolean };
  /** @param boot the script that the shell begins with: it says that it is ready, and reads on */
  start(boot: string): Started | Promise<Started>;
}

/** The environment of a host's shell: the kernel's tools in their usual places, messages in English. */
export const shellEnv = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/** The shell of this machine: as root, or through sudo. */
export function localLaunch({ sudo, sudoPassword }: Pick<Connection, "sudo" | "sudoPassword"> = {}): Launch {
  const name = "this machine";
  const fault = (stderr: string, ended: string) => ({
    problem: "the shell could not be started",
    cause: firstLine(stderr) || ended,
    again: false,
  });
  return {
    name,
    fault,
    start: (boot) => {
      const rights = { sudo, password: sudoPassword };
      return { argv: ["/bin/sh", "-c", asRoot(rights, boot)], env: shellEnv, bare: true, ...passwordLines(rights) };
    },
  };
}

/** A shell that some words start, such as those that enter a namespace: `/bin/sh` is their last. */
export function plainLaunch(name: string, argv: readonly [string, ...string[]]): Launch {
  return { ...localLaunch(), name, start: (boot) => ({ argv: [...argv, "-c", boot], env: shellEnv, bare: true }) };
}

/** Starts a shell: the one place in this package where processes come from. */
export function start({ argv: [file, ...args], env, bare, preamble }: Started): Shell {
  const child = execa(file, args, { ...spawning, env, extendEnv: bare !== true });
  const { stdin, stdout, stderr } = child;
  stdin.on("error", () => {});
  stdout.setEncoding("utf8");
  stderr.setEncoding("utf8");
  if (preamble !== undefined) stdin.write(preamble);
  return {
    write: (text) => void stdin.write(text),
    endInput: () => void stdin.end(),
    onStdout: (listener) => void stdout.on("data", listener),
    onStderr: (listener) => void stderr.on("data", listener),
    // Without the command line, which says nothing to a user.
    ended: child.then(
      ({ exitCode, signal, originalMessage }) =>
        originalMessage || (signal ? `the shell was ended by ${signal}` : `the shell ended with code ${exitCode}`),
    ),
    kill: () => {
      child.kill("SIGKILL");
      // What the shell has started may hold the streams for long.
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
    },
  };
}

/** What a program answered that was run to its end. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
  /** Why it could not be started at all, by the kernel's name for it: `ENOENT`. */
  fault: string | undefined;
}

/**
 * Runs a program of this machine to its end; what it prints is kept in memory.
 *
 * @param cwd the folder that it runs in
 * @param env added to this process's environment
 * @param input its stdin; default: empty
 */
export async function run(
  [file, ...args]: readonly [string, ...string[]],
  cwd: string,
  { env = {}, input = "" }: { env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
  const { exitCode, stdout, stderr, code } = await execa(file, args, {
    cwd,
    env,
    input,
    reject: false,
    // What the project has installed is found too: npm's `pulumi`.
    preferLocal: true,
    localDir: cwd,
  });
  return { code: exitCode ?? 255, stdout, stderr, fault: exitCode === undefined ? code : undefined };
}

/**
 * Runs a program with this process's own stdin, stdout and stderr, a terminal as it is. Ctrl-C is the program's.
 *
 * @param held whether its stdin is another one: open until this process gets INT, TERM or HUP, or has ended
 * @returns its exit code; 128 and the number of the signal that ended it
 */
export async function attach(
  { argv: [file, ...args], env, bare, preamble = "" }: Started,
  held = false,
): Promise<number> {
  // What is given before anything else leaves the rest of stdin to the program.
  const stdin = preamble === "" && !held ? "inherit" : "pipe";
  const stdio = { stdin, stdout: "inherit", stderr: "inherit" } as const;
  const child = execa(file, args, { env, extendEnv: bare !== true, reject: false, ...stdio });
  const signals = held ? (["SIGINT", "SIGTERM", "SIGHUP"] as const) : (["SIGINT"] as const);
  const end = () => void (held && child.stdin?.end());
  for (const one of signals) process.on(one, end);
  if (child.stdin) {
    child.stdin.on("error", () => {});
    child.stdin.write(preamble);
    if (!held) process.stdin.pipe(child.stdin);
  }
  const { exitCode, signal } = await child;
  for (const one of signals) process.off(one, end);
  return exitCode ?? 128 + (signal ? constants.signals[signal as NodeJS.Signals] : 127);
}

const spawning = {
  // A session of its own: Ctrl-C in the terminal reaches the engine, not a script that is half-way through.
  detached: true,
  cleanup: false,
  buffer: false,
  reject: false,
  encoding: "utf8",
  stdin: "pipe",
} as const;
