import { randomBytes } from "node:crypto";
import type { Reply } from "../kernel/command.ts";
import { firstLine, LinuxnetError } from "../kernel/failure.ts";
import { Frames } from "./frames.ts";
import { type Launch, type Shell, start } from "./shell.ts";

/** The session ended before the answer came: whether the script ran is unknown, so look and converge. */
export class OutcomeUnknown extends LinuxnetError {}

/** A script, and how long it may take on the host at most, in seconds. */
export interface Request {
  script: string;
  deadline: number;
}

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
  #waiting = new Map<number, Waiting>();
  #next = 0;
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

  /**
   * Runs scripts one after the other, all sent in one write.
   * @throws OutcomeUnknown when the session ends before an answer came
   */
  async send(requests: readonly Request[]): Promise<Reply[]> {
    this.#shell ??= this.#open();
    this.roundTrips += 1;
    const shell = this.#shell;
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

  /** Ends the shell: a script that runs goes on to its end, nothing new begins. */
  close(): void {
    if (this.#shell) this.#giveUp(this.#shell, "it was closed");
  }

  /** Does not wait for the shell's end: a script that hangs keeps its streams open. */
  #giveUp(shell: Shell, why: string): void {
    shell.kill();
    this.#lost(shell, why);
  }

  #open(): Shell {
    this.#tag = `linuxnet-${randomBytes(12).toString("hex")}`;
    const frames = new Frames(this.#tag, (number, code, stdout, stderr) => {
      this.#waiting.get(number)?.resolve({ code, stdout, stderr });
      this.#waiting.delete(number);
    });
    const shell = start(this.#launch);
    shell.onStdout((chunk) => frames.stdout(chunk));
    shell.onStderr((chunk) => frames.stderr(chunk));
    void shell.ended.then((why) => this.#lost(shell, firstLine(frames.lastWords()) || why));
    return shell;
  }

  #lost(shell: Shell, cause: string): void {
    if (this.#shell !== shell) return;
    this.#shell = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    const error = new OutcomeUnknown({ host: this.name, problem: "the session ended before the answer came", cause });
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
  return [`sh /dev/fd/4 4<<'${end}' </dev/null`, text, end];
}

/**
 * dash (0.5.12, parser.c, checkend) loses a byte above 127 in a here-document where it follows the first letters of the end
 * mark at the beginning of a line: so no line begins as the end mark does.
 */
function guarded(text: string, end: string): string[] {
  return [`sed 's/^x//' <<'${end}' | sh /dev/fd/4 4<&0 </dev/null`, `x${text.replaceAll("\n", "\nx")}`, end];
}
