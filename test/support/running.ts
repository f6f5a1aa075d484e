import { createInterface } from "node:readline";
import { execa } from "execa";
import type { Stack } from "./stack.ts";

/** A command `linuxnet` that runs in a machine until it is ended. */
export interface Running {
  /** Its process id there. */
  pid: number;
  /** The next line that it prints; throws with what it said when it has ended. */
  line(): Promise<string>;
  /** Sends it a signal, and waits for its end. */
  stop(signal: "INT" | "TERM"): Promise<{ code: number | undefined; signal: string | undefined; stderr: string }>;
}

/** Starts a command `linuxnet` that goes on until it is ended: `view`, `logs -f`. */
export async function startCommand(stack: Stack, ...args: string[]): Promise<Running> {
  const { machine } = stack;
  const [file, ...words] = machine.enter(["bash", "-c", `echo $$; ${stack.linuxnetLine(...args)}`]);
  const child = execa(file, words, { stdin: "ignore", reject: false, buffer: { stdout: false, stderr: true } });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async () => {
    const { done, value } = await lines.next();
    if (done) throw new Error(`linuxnet ${args.join(" ")} ended: ${(await child).stderr}`);
    return value;
  };
  const pid = Number(await line());
  return {
    pid,
    line,
    async stop(signal) {
      await machine.sh(`kill -${signal} ${pid}`);
      const { exitCode, signal: ended, stderr } = await child;
      return { code: exitCode, signal: ended, stderr };
    },
  };
}
