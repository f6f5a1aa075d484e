import { quote } from "../../kernel/quote.ts";
import { askNames, type Choices, shells, type Word } from "./choices.ts";

const texts = (words: readonly Word[]) => words.map(({ text }) => text).join(" ");

/** The first word that is a verb decides; `-C`, `--cwd` and `--stack` say which stack is meant. */
const reading = (names: string) => `# linuxnet: completion for bash
_linuxnet() {
  local word verb= words= at=0 current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local -a given=()
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    at=$((at + 1))
    case $word in -C | --cwd | --stack) given+=("$word" "\${COMP_WORDS[at+1]}") ;; esac
    [ -n "$verb" ] || case " ${names} help " in *" $word "*) verb=$word ;; esac
  done
  case $before in -C | --cwd) compopt -o dirnames; return ;; --stack | --host) return ;; esac`;

/** bash(1), Programmable Completion. */
export function bash(choices: readonly Choices[]): string {
  const names = choices.map(({ verb }) => verb).join(" ");
  const cases = choices.map(({ verb, options }) => `    ${verb}) words=${quote(texts(options))} ;;`);
  const values = choices.flatMap(({ verb, values }) =>
    values.map(({ option, choices: all }) => `    ${verb}:${option}) words=${quote(all.join(" "))} ;;`),
  );
  const named = choices.flatMap(({ verb, names: takesNames }) => (takesNames ? `${verb}:*` : []));
  const asked = `words=$(${askNames(`"\${given[@]}"`, '"$verb"')})`;
  return [
    reading(names),
    `  case $verb in\n    '') words=${quote(`${names} help --cwd --stack --json --help --version`)} ;;`,
    ...[`    help) words=${quote(names)} ;;`, ...cases, "  esac"],
    `  case $verb:$before in\n    completion:completion) words=${quote(shells.join(" "))} ;;`,
    ...values,
    ...(named.length > 0 ? [`    ${named.join(" | ")}) [[ $current == -* ]] || ${asked} ;;`] : []),
    '  esac\n  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")\n}',
    "complete -F _linuxnet linuxnet\n",
  ].join("\n");
}
