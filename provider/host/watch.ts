import type { Connection } from "../kernel/connection.ts";
import { firstLine, LinuxnetError } from "../kernel/failure.ts";
import { complaintMark, silence } from "../kernel/watching.ts";
import { type Launch, localLaunch, type Shell, start } from "./shell.ts";
import { sshLaunch } from "./ssh.ts";

/** Seconds in which a script must say that it watches. */
const readyDeadline = 30;

/** Seconds that a script gets to end after its stdin has. */
const endDeadline = 10;

/** A script that watches on a host until it is closed, or this process ends in whatever way (`watchScript`). */
export class Watch {
  /** The host, in the words of an error. */
  readonly name: string;
  /** What it, and what it has started, has said on stderr. */
  complaints = "";
  /** Resolves with a sentence when it has ended, by itself or because it was closed. */
  readonly ended: Promise<string>;
  /** Whether it has ended. */
  over = false;
  #shell: Shell;
  #beat: NodeJS.Timeout;

  private constructor(name: string, shell: Shell, dispose: () => void) {
    this.name = name;
    this.#shell = shell;
    this.#beat = setInterval(() => shell.write("."), (silence / 4) * 1000);
    shell.write(".");
    this.ended = shell.ended.then((why) => {
      this.over = true;
      clearInterval(this.#beat);
      dispose();
      return why;
    });
  }

  /**
   * Starts a script, and waits until it watches.
   *
   * @param onLine gets each line of its stdout
   * @param onComplaint gets each line that what it has started says on stderr
   * @throws LinuxnetError when the host cannot be reached, or the script ends before it watches
   */
  static async open(
    connection: Connection | undefined,
    script: string,
    onLine: (line: string) => void,
    onComplaint: (line: string) => void = () => {},
  ): Promise<Watch> {
    const launch = connection?.host === undefined ? localLaunch(connection) : sshLaunch(connection);
    const started = await launch.start(script);
    const watch = new Watch(launch.name, start(started), () => started.dispose?.());
    const ready = Promise.withResolvers<boolean>();
    watch.#listen((line) => {
      if (line.startsWith(`${complaintMark} `)) {
        watch.complaints += `${line.slice(2)}\n`;
        onComplaint(line.slice(2));
      } else if (line === "@ready") ready.resolve(true);
      else onLine(line);
    });
    const timer = setTimeout(() => ready.resolve(false), readyDeadline * 1000);
    const isReady = await Promise.race([ready.promise, watch.ended.then(() => false)]);
    clearTimeout(timer);
    if (isReady) return watch;
    watch.#shell.kill();
    throw watch.#fault(launch, await watch.ended);
  }

  /** Ends it: everything that it has started ends. */
  async close(): Promise<void> {
    this.#shell.endInput();
    const timer = setTimeout(() => this.#shell.kill(), endDeadline * 1000);
    await this.ended;
    clearTimeout(timer);
  }

  #listen(onLine: (line: string) => void): void {
    let rest = "";
    this.#shell.onStdout((chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    });
    this.#shell.onStderr((chunk) => {
      this.complaints += chunk;
    });
  }

  #fault({ fault }: Launch, why: string): LinuxnetError {
    const { again: _again, ...failing } = fault(this.complaints, why);
    return new LinuxnetError({ host: this.name, cause: firstLine(this.complaints) || why, ...failing });
  }
}
