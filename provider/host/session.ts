import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Reply } from "../kernel/command.ts";
import { firstLine, LinuxnetError } from "../kernel/failure.ts";
import { bootScript, bootWords } from "./boot.ts";
import { Frames } from "./frames.ts";
import { type Launch, type Shell, start } from "./shell.ts";
import { trace, traceClock } from "./trace.ts";

/** The session ended before the answer came: whether the script ran is unknown, so look and converge. */
export class OutcomeUnknown extends LinuxnetError {}

/** The session cannot be opened: nothing has run. */
export class Unreachable extends LinuxnetError {}

/** A script, and how long it may take on the host at most, in seconds. */
export interface Request {
  script: string;
  deadline: number;
}

/** Seconds in which a shell must say that it is ready; ssh's own limits are shorter. */
const readyDeadline = 30;

/** Seconds that one more attempt to reach a host may take. */
const dialSeconds = 5;

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/**
 * One persistent shell on one host. Requests that are sent together travel in one write; each is delivered whole before it
 * runs, and answers with its exit code and its own stdout and stderr.
 */
export class Session {
  readonly #launch: Launch;
  readonly #grace: number;
  #shell: Shell | undefined;
  /** The shell that is there, or that all wait for who came while it was not. */
  #opening: Promise<Shell> | undefined;
  #waiting = new Map<number, Waiting>();
  #next = 1;
  #tag = "";
  /** How many times something was sent and awaited: what a distance to the host multiplies. */
  roundTrips = 0;

  /** @param grace seconds granted beyond the scripts' own deadlines before the session is given up */
  constructor(launch: Launch, grace = 15) {
    this.#launch = launch;
    this.#grace = grace;
  }

  /** The host, in the words of an error. */
  get name(): string {
    return this.#launch.name;
  }

  /** Whether a shell is there that scripts can be sent to. */
  get open(): boolean {
    return this.#shell !== undefined;
  }

  /**
   * Runs scripts one after the other, all sent in one write.
   * @throws OutcomeUnknown when the session ends before an answer came
   * @throws LinuxnetError when it cannot be opened: nothing has run then
   */
  async send(requests: readonly Request[]): Promise<Reply[]> {
    const start = traceClock();
    const sent = requests.reduce((sum, { script }) => sum + script.length, 0);
    let received = 0;
    try {
      const replies = await this.#exchange(requests);
      received = replies.reduce((sum, { stdout, stderr }) => sum + stdout.length + stderr.length, 0);
      return replies;
    } finally {
      trace({ host: this.name, start, end: traceClock(), requests: requests.length, sent, received });
    }
  }

  /** Ends the shell: a script that runs goes on to its end, nothing new begins. */
  close(): void {
    if (this.#shell) this.#giveUp(this.#shell, "it was closed");
  }

  async #exchange(requests: readonly Request[]): Promise<Reply[]> {
    this.#opening ??= this.#dial().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    const shell = await this.#opening;
    // It has ended in this very moment: nothing would ever answer.
    if (this.#shell !== shell) throw this.#unknown("the shell has ended");
    this.roundTrips += 1;
    const text: string[] = [];
    const replies = requests.map(({ script }) => {
      const number = this.#next++;
      text.push(framed(script, this.#tag, number));
      return new Promise<Reply>((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
    });
    const seconds = requests.reduce((sum, { deadline }) => sum + deadline, this.#grace);
    const timer = setTimeout(() => this.#giveUp(shell, `nothing came within ${seconds} s`), seconds * 1000);
    shell.write(text.join(""));
    try {
      return await Promise.all(replies);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Does not wait for the shell's end: a script that hangs keeps its streams open. */
  #giveUp(shell: Shell, why: string): void {
    shell.kill();
    this.#lost(shell, why);
  }

  /** Tries until a shell is ready; only failures before anything was authenticated are tried again. */
  async #dial(): Promise<Shell> {
    const { name, attempts = 1, budget } = this.#launch;
    const began = performance.now();
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.#open();
      if ("shell" in result) return result.shell;
      const { again, ...failing } = result.failing;
      const pause = 200 * 2 ** attempt;
      const late = budget !== undefined && performance.now() + pause - began > (budget - dialSeconds) * 1000;
      if (!again || attempt >= attempts || late) {
        throw new Unreachable({ host: name, ...failing, state: "Nothing was changed." });
      }
      await sleep(pause);
    }
  }

  async #open(): Promise<{ shell: Shell } | { failing: ReturnType<Launch["fault"]> }> {
    this.#tag = `linuxnet-${randomBytes(12).toString("hex")}`;
    const started = await this.#launch.start(bootScript(this.#tag));
    const shell = start(started);
    const { promise: ready, resolve: isReady } = Promise.withResolvers<{ shell: Shell }>();
    const frames = this.#listen(shell, () => isReady({ shell }));
    const ended = shell.ended.then((why) => {
      this.#lost(shell, firstLine(frames.lastWords()) || why);
      return { failing: this.#launch.fault(frames.lastWords(), why) };
    });
    const timer = setTimeout(() => shell.kill(), readyDeadline * 1000);
    const result = await Promise.race([ready, ended]);
    clearTimeout(timer);
    // What answered the questions of the log-in is needed no more, and would stay behind were this process killed.
    started.dispose?.();
    return result;
  }

  #listen(shell: Shell, isReady: () => void): Frames {
    // Number 0 says that the shell is ready; what came before it was a banner, or a start-up file that talks.
    const frames = new Frames(this.#tag, (number, code, stdout, stderr) => {
      if (number === 0) {
        // At once: that it ends in the next moment is to be noticed.
        this.#shell = shell;
        isReady();
      }
      this.#waiting.get(number)?.resolve({ code, stdout, stderr });
      this.#waiting.delete(number);
    });
    shell.onStdout((chunk) => frames.stdout(chunk));
    shell.onStderr((chunk) => frames.stderr(chunk));
    return frames;
  }

  #unknown(cause: string): OutcomeUnknown {
    return new OutcomeUnknown({ host: this.name, problem: "the session ended before the answer came", cause });
  }

  #lost(shell: Shell, cause: string): void {
    if (this.#shell !== shell) return;
    this.#shell = undefined;
    this.#opening = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    const error = this.#unknown(cause);
    for (const { reject } of waiting) reject(error);
  }
}

/**
 * Wraps a script so that the shell reads all of it before it runs any of it (a here-document), with an empty stdin, and
 * frames its answer. The script is read from descriptor 4, which it closes: a daemon it starts must not hold it.
 */
function framed(script: string, tag: string, number: number): string {
  const end = `${tag}-end-${number}`;
  const text = `exec 4<&-\n${script}`;
  return [
    ...(isAscii(text) ? plainly(text, end) : guarded(text, end)),
    `linuxnet_code=$?; printf '\\n${tag} %s %s\\n' ${number} "$linuxnet_code"; printf '\\n${tag} %s\\n' ${number} >&2`,
    "",
  ].join("\n");
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

function plainly(text: string, end: string): string[] {
  return [`sh /dev/fd/4 ${bootWords} 4<<'${end}' </dev/null`, text, end];
}

/**
 * dash (0.5.12, parser.c, checkend) loses a byte above 127 in a here-document where it follows the first letters of the end
 * mark at the beginning of a line: so no line begins as the end mark does.
 */
function guarded(text: string, end: string): string[] {
  return [
    `sed 's/^x//' <<'${end}' | sh /dev/fd/4 ${bootWords} 4<&0 </dev/null`,
    `x${text.replaceAll("\n", "\nx")}`,
    end,
  ];
}
