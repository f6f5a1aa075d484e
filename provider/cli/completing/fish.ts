import { askNames, type Choices, shells } from "./choices.ts";

const text = (words: string) => `'${words.replaceAll(/[\\']/g, "\\$&")}'`;

const beginning = `# linuxnet: completion for fish
function __linuxnet_names
  set -l given
  set -l words (commandline -opc)
  for at in (seq (count $words))
    if contains -- $words[$at] -C --cwd --stack
      set -a given $words[$at] $words[(math $at + 1)]
    end
  end
  ${askNames("$given", "$argv[1]")}
end
complete -c linuxnet -s C -l cwd -x -a '(__fish_complete_directories)' -d 'the folder of the project'`;

/** complete(1) of fish. */
export function fish(choices: readonly Choices[]): string {
  const all = choices.map(({ verb }) => verb).join(" ");
  return [
    beginning,
    ...choices.flatMap((one) => [
      `complete -c linuxnet -n "not __fish_seen_subcommand_from ${all}" -f -a ${one.verb} -d ${text(one.about)}`,
      ...lines(one),
    ]),
    `complete -c linuxnet -n "__fish_seen_subcommand_from completion" -f -a ${text(shells.join(" "))}`,
    "",
  ].join("\n");
}

function lines({ verb, options, values, names }: Choices): string[] {
  const behind = `complete -c linuxnet -n "__fish_seen_subcommand_from ${verb}"`;
  const each = options.map(({ text: option, about }) => {
    const found = values.find((one) => one.option === option)?.choices;
    return `${behind} -l ${option.slice(2)}${found ? ` -x -a ${text(found.join(" "))}` : ""} -d ${text(about)}`;
  });
  return names ? [...each, `${behind} -f -a '(__linuxnet_names ${verb})'`] : each;
}
