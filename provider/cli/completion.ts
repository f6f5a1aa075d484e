import { Command } from "commander";
import { quote } from "../kernel/quote.ts";
import { verbs } from "./verbs.ts";

/** The shells that completion is written for. */
export const shells = ["bash", "zsh", "fish"] as const;

interface Word {
  text: string;
  about: string;
}

/** What can follow a verb: its options, and for some of them the values. */
interface Choices {
  verb: string;
  about: string;
  options: Word[];
  values: { option: string; choices: readonly string[] }[];
}

/** Words of a verb's own options, and of those that all have. */
async function choicesOf(program: Command): Promise<Choices[]> {
  const common = program.options.filter(({ long }) => long !== "--version");
  return Promise.all(
    verbs.map(async ({ name, summary, load }) => {
      const command = new Command(name);
      (await load()).verb.declare?.(command);
      const options = [...command.options, ...common];
      return {
        verb: name,
        about: summary,
        options: options.flatMap(({ long, description }) => (long ? [{ text: long, about: description }] : [])),
        values: options.flatMap(({ long, argChoices }) =>
          long && argChoices ? [{ option: long, choices: argChoices }] : [],
        ),
      };
    }),
  );
}

/** The completion script of a shell: verbs, options and the values of options. */
export async function completionScript(shell: (typeof shells)[number], program: Command): Promise<string> {
  const choices = await choicesOf(program);
  return { bash, zsh, fish }[shell](choices);
}

const texts = (words: readonly Word[]) => words.map(({ text }) => text).join(" ");

/** bash(1), Programmable Completion. The first word that is a verb decides. */
function bash(choices: readonly Choices[]): string {
  const names = choices.map(({ verb }) => verb).join(" ");
  const cases = choices.map(({ verb, options }) => `    ${verb}) words=${quote(texts(options))} ;;`);
  const values = choices.flatMap(({ verb, values }) =>
    values.map(({ option, choices: all }) => `    ${verb}:${option}) words=${quote(all.join(" "))} ;;`),
  );
  return [
    "# linuxnet: completion for bash",
    "_linuxnet() {",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    "  local word verb= words= current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
    "  COMPREPLY=()",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case " ${names} help " in *" $word "*) verb=$word; break ;; esac`,
    "  done",
    "  case $before in -C | --cwd) compopt -o dirnames; return ;; --stack | --host) return ;; esac",
    `  case $verb in\n    '') words=${quote(`${names} help --cwd --stack --json --help --version`)} ;;`,
    ...[`    help) words=${quote(names)} ;;`, ...cases, "  esac"],
    `  case $verb:$before in\n    completion:completion) words=${quote(shells.join(" "))} ;;`,
    ...[...values, "  esac"],
    '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")\n}',
    "complete -F _linuxnet linuxnet\n",
  ].join("\n");
}

/** A text of a zsh specification: brackets and colons have a meaning there (zshcompsys(1), _arguments). */
const zshText = (text: string) => text.replaceAll(/[\\[\]:]/g, "\\$&");

const zshCommon = [
  "'(-C --cwd)'{-C,--cwd}'[the folder of the project]:folder:_directories'",
  "'*--stack[the stack]:stack:' '--json[answer in JSON]' '1: :->verb' '*:: :->rest'",
].join(" ");

/** What `_arguments` is told of a verb. */
function zshCase({ verb, options, values }: Choices): string {
  const specs = options.map(({ text, about }) => {
    const found = values.find(({ option }) => option === text);
    return quote(`*${text}[${zshText(about)}]${found ? `:value:(${found.choices.join(" ")})` : ""}`);
  });
  const more = verb === "completion" ? quote(`1:shell:(${shells.join(" ")})`) : "'*:: :_default'";
  return `    ${verb}) _arguments ${specs.join(" ")} ${more} ;;`;
}

/** zshcompsys(1). */
function zsh(choices: readonly Choices[]): string {
  return [
    "#compdef linuxnet",
    "# linuxnet: completion for zsh",
    "_linuxnet() {",
    '  local curcontext="$curcontext" state line',
    "  local -a verbs",
    "  verbs=(",
    ...choices.map(({ verb, about }) => `    ${quote(`${verb}:${zshText(about)}`)}`),
    `  )\n  _arguments -C ${zshCommon}`,
    "  case $state in\n    verb) _describe verb verbs ;;\n    rest) case $line[1] in",
    ...choices.map(zshCase),
    "    esac ;;\n  esac\n}",
    'if [ "$funcstack[1]" = _linuxnet ]; then _linuxnet "$@"; else compdef _linuxnet linuxnet; fi\n',
  ].join("\n");
}

/** complete(1) of fish. */
function fish(choices: readonly Choices[]): string {
  const names = choices.map(({ verb }) => verb).join(" ");
  const text = (words: string) => `'${words.replaceAll(/[\\']/g, "\\$&")}'`;
  const lines = choices.flatMap(({ verb, about, options, values }) => [
    `complete -c linuxnet -n "not __fish_seen_subcommand_from ${names}" -f -a ${verb} -d ${text(about)}`,
    ...options.map(({ text: option, about: what }) => {
      const all = values.find((one) => one.option === option)?.choices;
      const takes = all ? ` -x -a ${text(all.join(" "))}` : "";
      return `complete -c linuxnet -n "__fish_seen_subcommand_from ${verb}" -l ${option.slice(2)}${takes} -d ${text(what)}`;
    }),
  ]);
  return [
    "# linuxnet: completion for fish",
    "complete -c linuxnet -s C -l cwd -x -a '(__fish_complete_directories)' -d 'the folder of the project'",
    ...lines,
    `complete -c linuxnet -n "__fish_seen_subcommand_from completion" -f -a ${text(shells.join(" "))}`,
    "",
  ].join("\n");
}
