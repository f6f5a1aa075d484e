import { ageText, programsOf, type RunningProgram, stateOf } from "../programs.ts";
import { readStack } from "../stack.ts";
import { paint, plain, table } from "../terminal.ts";
import { exitCodes, type Verb } from "../verb.ts";

/** `linuxnet ps`: the programs of a stack. */
export const verb: Verb = {
  examples: ["ps", "--stack dev ps --json"],
  async run({ folder, stacks, json, terminal }) {
    const stack = await readStack(folder, stacks[0]);
    const programs = await programsOf(stack);
    if (json) terminal.write(`${JSON.stringify(programs.map(asData), null, 2)}\n`);
    else {
      const rows = programs.map((one) => [
        plain(one.name),
        plain(one.containers.join(", ") || "the host"),
        one.host || "here",
        `${one.seen?.pid ?? ""}`,
        one.seen?.alive ? ageText(one.seen.age) : "",
        paint(terminal, one.seen?.alive ? "green" : "red", plain(stateOf(one))),
        plain(one.command.join(" ").slice(0, 60)),
      ]);
      terminal.write(table(["NAME", "CONTAINER", "HOST", "PID", "SINCE", "STATE", "COMMAND"], rows));
    }
    return programs.every(({ seen }) => seen?.alive) ? exitCodes.healthy : exitCodes.finding;
  },
};

function asData({ name, kind, containers, host, command, log, seen, owner, ...one }: RunningProgram) {
  const state = stateOf({ seen, ...one });
  const found = seen && {
    pid: seen.pid,
    unit: seen.unit,
    exit: seen.exit,
    failures: seen.failures,
    lastLine: seen.lastLine,
  };
  const age = seen?.alive ? { seconds: Math.round(seen.age) } : {};
  return { name, kind, containers, host, command, log, owner, alive: seen?.alive ?? false, state, ...age, ...found };
}
