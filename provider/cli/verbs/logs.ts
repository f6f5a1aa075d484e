import { attached } from "../../host/attached.ts";
import { hostOf } from "../../host/host.ts";
import { type Fact, sh } from "../../kernel/command.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { quoteAll } from "../../kernel/quote.ts";
import { programNamed, type RunningProgram } from "../programs.ts";
import { readStack, type Stack } from "../stack.ts";
import { exitCodes, mistake, type Verb } from "../verb.ts";
import { onTerminal } from "./exec.ts";

/** `linuxnet logs NAME`: what a Process, a container's command or a resolver has printed. */
export const verb: Verb = {
  names: "programs",
  examples: ["logs web", "logs -f --tail 20 web"],
  declare: (command) =>
    void command
      .argument("<name>", "a Process, or a container with a command")
      .option("-f, --follow", "go on with what it prints from now on, until Ctrl-C")
      .option("-n, --tail <lines>", "only so many lines, the last ones (default: all)"),
  async run({ args, options, folder, stacks, json, terminal }) {
    const { follow: follows = false, tail } = options as { follow?: boolean; tail?: string };
    if (tail !== undefined && !/^\d{1,9}$/.test(tail))
      mistake(`--tail ${tail} is no number of lines`, "Try --tail 20.");
    if (follows && json) mistake("--follow and --json cannot both be given", "Leave one of them out.");
    const stack = await readStack(folder, stacks[0]);
    const program = await findProgram(stack, `${args[0]}`);
    const lines = tail === undefined ? "+1" : tail;
    if (follows) return follow(program, lines);
    const text = await logOf(program, lines);
    terminal.write(json ? `${JSON.stringify({ name: program.name, log: program.log, lines: linesOf(text) })}\n` : text);
    return exitCodes.healthy;
  },
};

const linesOf = (text: string) => text.replace(/\n$/, "").split("\n");

async function findProgram(stack: Stack, name: string): Promise<RunningProgram> {
  const found = await programNamed(stack, name);
  if (found.seen) return found;
  throw new LinuxnetError({ problem: `nothing of ${found.name} is on its host`, remedy: "`pulumi up` starts it." });
}

/** The older piece stands in `.1`. */
const pieces = ({ log }: RunningProgram) =>
  `for f in ${quoteAll([`${log}.1`, log])}; do [ ! -e "$f" ] || cat "$f"; done`;

async function logOf(program: RunningProgram, lines: string): Promise<string> {
  const text = `{ ${pieces(program)}; } | limit tail -n ${lines}`;
  const fact: Fact<string> = { command: sh(text), parse: ({ stdout }) => stdout };
  return (await hostOf(program.connection).observe({ text: fact })).text;
}

/** Follows a log until Ctrl-C, or until its reader has seen enough. */
async function follow(program: RunningProgram, lines: string): Promise<number> {
  const { connection, log } = program;
  const terminal = onTerminal();
  const code = await attached(connection, following(log, lines, terminal), terminal, !terminal);
  if (code === 255 && connection?.host !== undefined)
    throw new LinuxnetError({
      host: connection.host,
      problem: `the connection has ended, and so has the log of ${program.name}`,
    });
  return [130, 141, 143].includes(code) ? exitCodes.healthy : code;
}

/**
 * By name: a log that is put aside is followed by its successor (tail(1), -F). Its complaint about that is not ours. A terminal ends
 * it; where there is none its stdin does, which this process holds open: sshd tells nothing else of a client that has gone.
 */
function following(log: string, lines: string, terminal: boolean): string {
  const words = (...more: string[]) => `tail -n ${lines} ${more.join(" ")} -F ${quoteAll([log])} 2>/dev/null`;
  // Of a program that a signal has ended ssh(1) says 255, as of a connection that is lost.
  if (terminal) return `trap : INT; ${words()}; exit $?`;
  // No child of tail's own: one that has ended would still be there for it.
  return `exec 3<&0; p=$(cat <&3 >/dev/null 2>&1 & echo $!); exec ${words('--pid="$p"')} </dev/null 3<&-`;
}
