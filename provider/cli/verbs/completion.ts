import { shells } from "../completing/choices.ts";
import { completionScript } from "../completion.ts";
import { didYouMean } from "../engine.ts";
import { programOf } from "../main.ts";
import { namesIn } from "../names.ts";
import { type Call, exitCodes, mistake, type Verb } from "../verb.ts";
import { verbs } from "../verbs.ts";

/** `linuxnet completion SHELL`: the script that the shell is to read. */
export const verb: Verb = {
  examples: [
    'completion bash >>~/.bash_completion            # or: eval "$(linuxnet completion bash)"',
    "completion zsh >~/.zfunc/_linuxnet",
    "completion fish >~/.config/fish/completions/linuxnet.fish",
  ],
  declare: (command) =>
    void command
      .argument("<shell>", "bash, zsh or fish; `names` is what their scripts ask")
      .argument("[verb]", "with `names`: the verb behind which the names are to stand"),
  async run(call) {
    const [shell, verb] = call.args as [string, string | undefined];
    if (shell === "names") return names(call, verb);
    const known = shells.find((one) => one === shell);
    if (!known) mistake(`there is no completion for ${shell}`, didYouMean(`${shell}`, shells));
    const program = programOf(call.terminal, () => {});
    call.terminal.write(await completionScript(known, program));
    return exitCodes.healthy;
  },
};

/** A line for each name that can stand behind a verb; none where none can. */
async function names({ folder, stacks, json, terminal }: Call, given: string | undefined): Promise<number> {
  const entry = verbs.find(({ name }) => name === given);
  if (!entry) mistake("completion names wants a verb", "Give one such as exec.");
  const kind = (await entry.load()).verb.names;
  const found = kind === undefined ? [] : await namesIn(folder, stacks[0], kind);
  terminal.write(json ? `${JSON.stringify(found)}\n` : found.map((name) => `${name}\n`).join(""));
  return exitCodes.healthy;
}
