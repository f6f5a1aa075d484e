import { attached } from "../../host/attached.ts";
import { hostOf } from "../../host/host.ts";
import { type Fact, sh } from "../../kernel/command.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { quoteAll } from "../../kernel/quote.ts";
import { didYouMean } from "../engine.ts";
import { programsOf, type RunningProgram } from "../programs.ts";
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
    const { follow = false, tail } = options as { follow?: boolean; tail?: string };
    if (tail !== undefined && !/^\d{1,9}$/.test(tail))
      mistake(`--tail ${tail} is no number of lines`, "Try --tail 20.");
    if (follow && json) mistake("--follow and --json cannot both be given", "Leave one of them out.");
    const stack = await readStack(folder, stacks[0]);
    const program = await findProgram(stack, `${args[0]}`);
    const lines = tail === undefined ? "+1" : tail;
    if (follow) return ended(await attached(program.connection, following(program, lines), onTerminal()));
    const text = await logOf(program, lines);
    terminal.write(json ? `${JSON.stringify({ name: program.name, log: program.log, lines: linesOf(text) })}\n` : text);
    return exitCodes.healthy;
  },
};

/** Ctrl-C, and a reader that has seen enough, are how following ends. */
const ended = (code: number) => ([130, 141, 143].includes(code) ? exitCodes.healthy : code);

const linesOf = (text: string) => text.replace(/\n$/, "").split("\n");

async function findProgram(stack: Stack, name: string): Promise<RunningProgram> {
  const programs = await programsOf(stack);
  const found =
    programs.find((one) => one.name === name) ??
    programs.find((one) => one.containers.includes(name) || one.name.endsWith(`/${name}`));
  if (!found)
    throw new LinuxnetError({
      problem: `there is no program ${name} in ${stack.project}/${stack.name}`,
      remedy: didYouMean(
        name,
        programs.map((one) => one.name),
      ),
    });
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

/** By name: a log that is put aside is followed by its successor (tail(1), -F). Its complaint about that is not ours. */
function following({ log }: RunningProgram, lines: string): string {
  return `exec tail -n ${lines} -F ${quoteAll([log])} 2>/dev/null`;
}
