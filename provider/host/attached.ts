import type { Connection } from "../kernel/connection.ts";
import { attach, shellEnv } from "./shell.ts";
import { sshCommand } from "./ssh.ts";
import { asRoot, passwordLines } from "./sudo.ts";

/**
 * Runs a command as root on a host, with this process's own stdin, stdout and stderr.
 *
 * @param command a line of sh, every argument in it already quoted
 * @param terminal whether it is to have the user's terminal
 * @param held whether its stdin is not this process's own, but open until this process is to end (INT, TERM, HUP) or has ended, however
 * @returns its exit code; 255 where ssh could not get there
 */
export async function attached(
  connection: Connection | undefined,
  command: string,
  terminal: boolean,
  held = false,
): Promise<number> {
  if (connection?.host === undefined) return attach(locally(connection, command, terminal), held);
  const started = await sshCommand(connection, command, terminal);
  try {
    return await attach(started, held);
  } finally {
    started.dispose?.();
  }
}

function locally({ sudo, sudoPassword }: Connection = {}, command: string, terminal: boolean) {
  const rights = { sudo, password: terminal ? undefined : sudoPassword, ask: terminal };
  const argv: [string, ...string[]] = ["/bin/sh", "-c", asRoot(rights, `PATH=${shellEnv.PATH}; ${command}`)];
  return { argv, env: {}, ...passwordLines(rights) };
}
