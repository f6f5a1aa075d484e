// A program as a person starts and ends it at a shell.
import type { Typed } from "./command.ts";
import type { Program, User } from "./processes.ts";
import { defaultPath, ownerVariable } from "./processes-launch.ts";
import { quoteAll } from "./quote.ts";
import { typed, typedIn, typedLine, typedWord } from "./typed.ts";

/**
 * Starts a program in the background: in its namespace, as its user, with its environment, in which is who owns it.
 *
 * @param dir the folder of its files: its namespace is noted there, so that what ends it later finds it
 */
export function typedStart(
  owner: string,
  dir: string,
  { netns, command, environment = {}, cwd }: Program,
  { uid, gid }: User,
): { typed: Typed } {
  const variables = Object.entries({ PATH: defaultPath, ...environment, [ownerVariable]: owner });
  const who = uid === 0 ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--init-groups"];
  const words = [
    "env -i",
    ...variables.map(([name, value]) => `${name}=${typedWord(value)}`),
    ...(who.length > 0 ? [typedLine(who)] : []),
    ...(cwd === "/" ? [] : [`env -C ${typedWord(cwd)}`]),
    typedLine(command),
  ];
  return typed([
    `mkdir -p -m 755 ${dir}`,
    `echo "0 0 $(${typedIn(netns)}readlink /proc/self/ns/net)" >${dir}/pid`,
    ...(cwd === "/" ? ["cd /"] : []),
    `setsid -f ${typedIn(netns)}${words.join(" ")} </dev/null >${dir}/log 2>&1`,
  ]);
}

/** Sends a signal to all processes of a program: they carry its owner in their environment (proc(5)). */
export function typedSignal(signal: string, owner: string): string {
  const found = `grep -lsz ${quoteAll([`^${ownerVariable}=${owner}$`])} /proc/[0-9]*/environ | cut -d/ -f3`;
  return `kill -${signal} $(${found})`;
}

/** Ends a program, and removes the folder of its files. */
export function typedStop(owner: string, dir: string): { typed: Typed } {
  return typed([`${typedSignal("TERM", owner)} || true`, `rm -rf ${dir}`]);
}
