import { userInfo } from "node:os";
import { execa } from "execa";

/** A shell that is running: text in, two streams of text out, and the promise of its end. */
export interface Shell {
  write(text: string): void;
  onStdout(listener: (chunk: string) => void): void;
  onStderr(listener: (chunk: string) => void): void;
  /** Resolves with a sentence on why the shell ended; never rejects. */
  ended: Promise<string>;
  /** Ends the shell at once, by its own process id. */
  kill(): void;
}

/** How to start the shell of a host. */
export interface Launch {
  /** The host, in the words of an error. */
  name: string;
  argv: readonly [string, ...string[]];
  env?: Record<string, string>;
}

/** The environment of a host's shell: the kernel's tools in their usual places, messages in English. */
export const shellEnv = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/** The shell of this machine: as root, or through sudo without a password. */
export function localLaunch(): Launch {
  const root = userInfo().uid === 0;
  return { name: "this machine", argv: root ? ["/bin/sh"] : ["sudo", "-n", "/bin/sh"], env: shellEnv };
}

/** Starts a shell: the one place in this package where processes come from. */
export function start(launch: Launch): Shell {
  const [file, ...args] = launch.argv;
  const child = execa(file, args, {
    env: launch.env ?? {},
    extendEnv: launch.env === undefined,
    // A session of its own: Ctrl-C in the terminal reaches the engine, not a script that is half-way through.
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
    encoding: "utf8",
    stdin: "pipe",
  });
  child.stdin.on("error", () => {});
  child.stdout.setEncoding("utf8");
  child.stderr.setEncoding("utf8");
  return {
    write: (text) => void child.stdin.write(text),
    onStdout: (listener) => void child.stdout.on("data", listener),
    onStderr: (listener) => void child.stderr.on("data", listener),
    ended: child.then(({ shortMessage }) => shortMessage ?? "the shell ended"),
    kill: () => {
      child.kill("SIGKILL");
      // What the shell has started may hold the streams for long.
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    },
  };
}
