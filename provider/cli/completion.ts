import type { Command } from "commander";
import { bash } from "./completing/bash.ts";
import { choicesOf, type shells } from "./completing/choices.ts";
import { fish } from "./completing/fish.ts";
import { zsh } from "./completing/zsh.ts";

/** The completion script of a shell: verbs, options, the values of options, and names of the stack. */
export async function completionScript(shell: (typeof shells)[number], program: Command): Promise<string> {
  const choices = await choicesOf(program);
  return { bash, zsh, fish }[shell](choices);
}
