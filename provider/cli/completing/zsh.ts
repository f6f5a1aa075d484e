import { quote } from "../../kernel/quote.ts";
import { askNames, type Choices, shells } from "./choices.ts";

/** A text of a zsh specification: brackets and colons have a meaning there (zshcompsys(1), _arguments). */
const zshText = (text: string) => text.replaceAll(/[\\[\]:]/g, "\\$&");

/** Within the rest, _arguments makes of `words` what stands behind the verb: the whole line is kept. */
const beginning = `#compdef linuxnet
# linuxnet: completion for zsh
_linuxnet_names() {
  local -a found given
  local -i at
  for ((at = 2; at < linuxnet_current; at++)); do
    case $linuxnet_words[at] in -C|--cwd|--stack) given+=($linuxnet_words[at] $linuxnet_words[at+1]) ;; esac
  done
  found=(\${(f)"$(${askNames("$given", "$linuxnet_verb")})"})
  compadd -a found
}
_linuxnet() {
  local -a linuxnet_words=($words)
  local linuxnet_current=$CURRENT linuxnet_verb
  local curcontext="$curcontext" state line
  local -a verbs
  verbs=(`;

const common = [
  "'(-C --cwd)'{-C,--cwd}'[the folder of the project]:folder:_directories'",
  "'*--stack[the stack]:stack:' '--json[answer in JSON]' '1: :->verb' '*:: :->rest'",
].join(" ");

/** What `_arguments` is told of a verb. */
function zshCase({ verb, options, values, names, places }: Choices): string {
  const specs = options.map(({ text, about }) => {
    const found = values.find(({ option }) => option === text);
    return quote(`*${text}[${zshText(about)}]${found ? `:value:(${found.choices.join(" ")})` : ""}`);
  });
  const numbers = Number.isFinite(places) ? Array.from({ length: places }, (_, index) => `${index + 1}`) : ["*"];
  const named = names ? numbers.map((place) => `'${place}:name:_linuxnet_names'`) : [];
  const first = verb === "completion" ? quote(`1:shell:(${shells.join(" ")})`) : named.join(" ");
  const rest = names && places === Number.POSITIVE_INFINITY ? "" : "'*:: :_default'";
  return `    ${verb}) _arguments ${specs.join(" ")} ${first} ${rest} ;;`;
}

/** zshcompsys(1). */
export function zsh(choices: readonly Choices[]): string {
  return [
    beginning,
    ...choices.map(({ verb, about }) => `    ${quote(`${verb}:${zshText(about)}`)}`),
    `  )\n  _arguments -C ${common}\n  linuxnet_verb=$line[1]`,
    "  case $state in\n    verb) _describe verb verbs ;;\n    rest) case $line[1] in",
    ...choices.map(zshCase),
    "    esac ;;\n  esac\n}",
    'if [ "$funcstack[1]" = _linuxnet ]; then _linuxnet "$@"; else compdef _linuxnet linuxnet; fi\n',
  ].join("\n");
}
