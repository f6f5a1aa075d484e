import { completionScript, shells } from "../completion.ts";
import { didYouMean } from "../engine.ts";
import { programOf } from "../main.ts";
import { exitCodes, mistake, type Verb } from "../verb.ts";

/** `linuxnet completion SHELL`: the script that the shell is to read. */
export const verb: Verb = {
  examples: [
    'completion bash >>~/.bash_completion            # or: eval "$(linuxnet completion bash)"',
    "completion zsh >~/.zfunc/_linuxnet",
    "completion fish >~/.config/fish/completions/linuxnet.fish",
  ],
  declare: (command) => void command.argument("<shell>", "bash, zsh or fish"),
  async run({ args: [shell], terminal }) {
    const known = shells.find((one) => one === shell);
    if (!known) mistake(`there is no completion for ${shell}`, didYouMean(`${shell}`, shells));
    terminal.write(
      await completionScript(
        known,
        programOf(terminal, () => {}),
      ),
    );
    return exitCodes.healthy;
  },
};
