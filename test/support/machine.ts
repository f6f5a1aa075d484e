import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { execa, type ResultPromise } from "execa";
import { Host } from "../../provider/host/host.ts";
import { type Launch, plainLaunch, shellEnv } from "../../provider/host/shell.ts";
import { quoteAll } from "../../provider/kernel/quote.ts";
import { long } from "./long.ts";
import { expectSame, readSnapshot, type Snapshot, snapshotScript } from "./snapshot.ts";

/** What a command in a machine answered. */
export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** The address of the uplink `up0` of every machine. */
export const machineAddress = "203.0.113.2";

/** The address of the world beyond the uplink, which has no route back into a lab. */
export const worldAddress = "203.0.113.1";

/** The text of a script of this folder. */
export const script = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** What a PID 1 does when all is set up: it says who it is, and reaps until its stdin ends. */
const stay = `echo "$pid"
# The kernel reaps the children of a PID 1 that ignores their end.
exec env --ignore-signal=CHLD cat >/dev/null`;

/** The text of a machine's PID 1, of scripts of this folder; the first one sets `pid`. */
export const setUp = (...names: string[]): string => [...names.map(script), stay].join("\n");

const unshare = ["--net", "--mount", "--pid", "--uts", "--fork", "--propagation", "private"];

/** bash takes a stdin that is a socket for that of an `rshd`, and would read root's ~/.bashrc. */
const bash = ["bash", "--norc", "-c"] as const;

/**
 * Runs a program that outlives the kill of its parent until its stdin ends. An `nsenter` that is killed leaves its child to the real
 * machine's PID 1, which may take its time to reap it; so long the machine's own PID 1 cannot end.
 */
const outliving = `exec 3<&0; "$@" <&3 3<&- & wait $!; code=$?; [ $code -le 128 ] || kill -$((code - 128)) $$; exit $code`;

/** A PID 1 that has set up its namespaces. */
export interface Begun {
  pid: number;
  init: ResultPromise;
}

/** Starts a PID 1, which ends with this process, and waits for the line with its number. */
export async function begin([file, ...args]: [string, ...string[]]): Promise<Begun> {
  const init = execa(file, args, {
    env: shellEnv,
    extendEnv: false,
    stdin: "pipe",
    buffer: false,
    reject: false,
    cleanup: false,
  });
  const problems: string[] = [];
  init.stderr.setEncoding("utf8").on("data", (text: string) => problems.push(text));
  for await (const line of createInterface(init.stdout)) return { pid: Number(line), init };
  throw new Error(`cannot start a machine: ${problems.join("")}`);
}

/**
 * A machine of a test's own: namespaces in which everything that a lab touches is private. It lives as long as the test
 * process at most, and nothing of it can be seen on the real machine but its processes.
 */
export class Machine {
  /** Milliseconds that a command in the machine may take; in the long run much is done side by side. */
  patience = long ? 600_000 : 120_000;
  protected begun: Begun;
  #host: Host | undefined;
  #baseline: Snapshot | undefined;

  protected constructor(begun: Begun) {
    this.begun = begun;
  }

  /** Starts a machine; takes a tenth of a second. */
  static async start(): Promise<Machine> {
    return new Machine(await begin(["unshare", ...unshare, "sh", "-c", setUp("machine.sh", "world.sh")]));
  }

  /** The machine's PID 1, as those outside count. */
  get pid(): number {
    return this.begun.pid;
  }

  /** The argv that enters the machine, or the world beyond its uplink. */
  enter(argv: readonly string[], netns?: "world"): [string, ...string[]] {
    const inWorld = netns ? ["nsenter", "--net=/media/world"] : [];
    return ["nsenter", "-t", `${this.pid}`, "-m", "-n", "-p", "-u", ...inWorld, ...argv];
  }

  /** Runs a line of bash in the machine. */
  exec(command: string, input = ""): Promise<Answer> {
    return answer(this.enter([...bash, command]), input, this.patience);
  }

  /** Runs a line of bash in the machine; throws with its stderr when it fails. */
  async sh(command: string): Promise<string> {
    return must(command, await this.exec(command));
  }

  /** Runs a line of bash in the world beyond the uplink; throws with its stderr when it fails. */
  async world(command: string): Promise<string> {
    return must(command, await answer(this.enter([...bash, command], "world"), "", this.patience));
  }

  /** Starts a program in the machine that runs on; what it prints goes to /dev/null. Its pid is the machine's count. */
  async spawn(argv: readonly string[], netns?: string): Promise<number> {
    const where = netns === undefined ? "" : `nsenter --net=/run/netns/${netns} `;
    return Number(await this.sh(`${where}setsid ${quoteAll(argv)} </dev/null >/dev/null 2>&1 & echo $!`));
  }

  /** How the package's session gets a shell in the machine. */
  launch(): Launch {
    return plainLaunch("the machine", ["sh", "-c", outliving, "sh", ...this.enter(["/bin/sh"])]);
  }

  /** The machine as the lifecycle sees it: one session. */
  get host(): Host {
    this.#host ??= new Host(this.launch());
    return this.#host;
  }

  /** Ends the session's shell there, at once; what it started runs on. */
  async endSession(): Promise<void> {
    await this.sh("kill -KILL $(pgrep -P 0 -x sh)");
  }

  /** Everything of the machine that a lab may touch, as data. */
  async snapshot(): Promise<Snapshot> {
    return readSnapshot(must("snapshot.sh", await this.exec(snapshotScript)));
  }

  /** Notes how the machine stands: what a test prepares by hand belongs to the machine, and is to be there at its end. */
  async baseline(): Promise<void> {
    this.#baseline = await this.snapshot();
  }

  /** Fails when the machine is not as it was at the last baseline; what the kernel still takes away is waited for. */
  async expectClean(looks = 20): Promise<void> {
    if (!this.#baseline) throw new Error("no baseline was taken");
    for (let left = looks; left > 0; left -= 1) {
      const now = await this.snapshot();
      if (left === 1 || JSON.stringify(now) === JSON.stringify(this.#baseline)) return expectSame(this.#baseline, now);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Ends the machine: all its processes, and with them its namespaces. */
  async stop(): Promise<void> {
    // The session's shell ends with it: to kill `nsenter` first would leave its child to the real machine's PID 1.
    try {
      process.kill(this.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.begun.init;
  }
}

async function answer([file, ...args]: [string, ...string[]], input: string, timeout: number): Promise<Answer> {
  const { exitCode, stdout, stderr, shortMessage } = await execa(file, args, {
    env: { ...shellEnv, HOME: "/root" },
    extendEnv: false,
    input,
    reject: false,
    stripFinalNewline: false,
    timeout,
  });
  return { code: exitCode ?? 255, stdout, stderr: exitCode === undefined ? `${shortMessage}\n${stderr}` : stderr };
}

function must(command: string, { code, stdout, stderr }: Answer): string {
  if (code === 0) return stdout.trimEnd();
  throw new Error(`\`${command}\` ended with ${code}: ${stderr.trim()}\n${stdout.trim()}`);
}

/** Where the machines of tests come from: tests over ssh put another source here. */
export const source = {
  /** A machine, and how to end it. */
  start: async (): Promise<{ machine: Machine; stop(): Promise<void> }> => {
    const machine = await Machine.start();
    return { machine, stop: () => machine.stop() };
  },
};
