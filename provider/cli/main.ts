import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { firstLine, LinuxnetError } from "../kernel/failure.ts";
import { ownTerminal, type Terminal } from "./terminal.ts";
import { type Call, exitCodes, type VerbEntry } from "./verb.ts";
import { verbs } from "./verbs.ts";

const description = `See the networks of pulumi-linuxnet: what a stack declares, what stands on a host, and whether it works.

Exit codes: 0 healthy, 1 a finding, 2 it could not be done.`;

const examples = [
  "ls",
  "ls --host root@lab1.example",
  "--stack dev graph --format svg >lab.svg",
  "exec web -- ip route",
];

/** Runs the command of this process, and ends the process with its exit code. */
export async function start(): Promise<void> {
  const code = await main(process.argv.slice(2), ownTerminal());
  // The sessions' shells would keep it alive; they end with it.
  process.exit(code);
}

/**
 * Runs a command line.
 *
 * @param argv what stands behind `linuxnet`
 * @returns the exit code; whatever went wrong has been told in a sentence
 */
export async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = exitCodes.healthy;
  const program = programOf(terminal, (result) => {
    code = result;
  });
  try {
    // Commander's own `help VERB` would show it before its file is loaded.
    const [first, verb] = argv;
    await program.parseAsync(first === "help" && verb ? [verb, "--help"] : argv, { from: "user" });
    return code;
  } catch (error) {
    return told(error, terminal);
  }
}

/** The command with all its verbs; the options of one are known when its file is loaded. */
export function programOf(terminal: Terminal, done: (code: number) => void): Command {
  const program = settings(new Command("linuxnet").description(description), terminal);
  withCommon(program)
    .version(version(), "-V, --version", "print the version")
    .helpCommand("help [verb]", "show the help of a verb")
    .enablePositionalOptions()
    .addHelpText("after", exampleText(examples));
  const loaders = new Map<Command, VerbEntry>();
  for (const entry of verbs) loaders.set(program.command(entry.name).description(entry.summary), entry);
  program.hook("preSubcommand", async (_program, command) => {
    const entry = loaders.get(command);
    if (entry) await declare(entry, command, program, terminal, done);
  });
  return program;
}

async function declare(
  { load }: VerbEntry,
  command: Command,
  program: Command,
  terminal: Terminal,
  done: (code: number) => void,
): Promise<void> {
  const { verb } = await load();
  settings(withCommon(command), terminal).addHelpText("after", exampleText(verb.examples));
  verb.declare?.(command);
  command.action(async () => done(await verb.run(callOf(command, program, terminal))));
}

/** The options that may stand before and behind the verb. */
function withCommon(command: Command): Command {
  const several = (value: string, before: string[] = []) => [...before, value];
  return command
    .option("-C, --cwd <folder>", "the folder of the project (default: this one)")
    .option("--stack <name>", "the stack (default: the one that is selected, or the only one)", several)
    .option("--json", "answer in JSON");
}

function callOf(command: Command, program: Command, terminal: Terminal): Call {
  const [own, common] = [command.opts(), program.opts()];
  return {
    args: command.processedArgs,
    options: own,
    folder: resolve(own.cwd ?? common.cwd ?? "."),
    stacks: [...(common.stack ?? []), ...(own.stack ?? [])],
    json: (own.json ?? common.json) === true,
    terminal,
  };
}

/** Errors are thrown, and told in one place; help is shown in colours only where they are wanted. */
function settings(command: Command, terminal: Terminal): Command {
  return command
    .exitOverride()
    .configureHelp({ helpWidth: Math.min(terminal.columns, 120) })
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.warn(text.trimEnd()),
      outputError: () => {},
    });
}

function exampleText(lines: readonly string[]): string {
  return ["", "Examples:", ...lines.map((line) => `  linuxnet ${line}`)].join("\n");
}

function version(): string {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
}

function told(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.healthy;
    if (error.code !== "commander.help") terminal.warn(`linuxnet: ${usageSentence(error.message)}`);
    return exitCodes.failed;
  }
  const isOurs = error instanceof LinuxnetError;
  const text = error instanceof Error ? error.message : `${error}`;
  terminal.warn(`linuxnet: ${isOurs ? text : `a mistake in linuxnet itself: ${firstLine(text)}`}`);
  if (!isOurs && process.env.LINUXNET_DEBUG && error instanceof Error) terminal.warn(`${error.stack}`);
  return exitCodes.failed;
}

/** Commander's two lines as one sentence: `error: unknown option '--jsn'\n(Did you mean --json?)`. */
function usageSentence(message: string): string {
  const [, what = message, meant] = /^(?:error: )?(.*?)(?:\s*\((Did you mean .*)\))?$/s.exec(message) ?? [];
  return `${what.replaceAll(/\s+/g, " ").replace(/\.$/, "")}. ${meant ?? "See linuxnet help."}`;
}
