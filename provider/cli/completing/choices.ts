import { type Argument, Command } from "commander";
import { verbs } from "../verbs.ts";

/** The shells that completion is written for. */
export const shells = ["bash", "zsh", "fish"] as const;

/** An option, and what it is for. */
export interface Word {
  text: string;
  about: string;
}

/** What can follow a verb: its options, and for some of them the values. */
export interface Choices {
  verb: string;
  about: string;
  options: Word[];
  values: { option: string; choices: readonly string[] }[];
  /** Whether names of the stack can follow, which `linuxnet completion names VERB` tells. */
  names: boolean;
  /** How many of them. */
  places: number;
}

/** Words of a verb's own options, and of those that all have. */
export async function choicesOf(program: Command): Promise<Choices[]> {
  const common = program.options.filter(({ long }) => long !== "--version");
  return Promise.all(
    verbs.map(async ({ name, summary, load }) => {
      const command = new Command(name);
      const { verb } = await load();
      verb.declare?.(command);
      const options = [...command.options, ...common];
      return {
        verb: name,
        about: summary,
        names: verb.names !== undefined,
        places: placesOf(command.registeredArguments),
        options: options.flatMap(({ long, description }) => (long ? [{ text: long, about: description }] : [])),
        values: options.flatMap(({ long, argChoices }) =>
          long && argChoices ? [{ option: long, choices: argChoices }] : [],
        ),
      };
    }),
  );
}

/** How many arguments are names: those that have to be given, or all of a list that comes first. What may follow is a command. */
function placesOf(all: readonly Argument[]): number {
  return all[0]?.variadic
    ? Number.POSITIVE_INFINITY
    : all.filter(({ required, variadic }) => required && !variadic).length;
}

/** What tells the names of the stack; the words behind `linuxnet` that say which one are passed on. */
export function askNames(given: string, verb: string): string {
  return `linuxnet ${given} completion names ${verb} 2>/dev/null`;
}
