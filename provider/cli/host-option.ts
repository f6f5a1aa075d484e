import type { Command } from "commander";
import { type Connection, connection } from "../kernel/connection.ts";
import { mistake } from "./verb.ts";

/** Adds the option `--host`, for verbs that look at a host rather than at a stack. */
export function withHost(command: Command): Command {
  return command.option(
    "--host <[user@]host[:port]>",
    "the host, over ssh; the user's ssh config applies (default: this machine)",
  );
}

/**
 * Reads `[user@]host[:port]`.
 * @throws LinuxnetError when it is none, naming what is wrong
 * @example readHost("root@lab1:2222") // { user: "root", host: "lab1", port: 2222 }
 */
export function readHost(text: string): Connection {
  const [, user, six, plain, port] = /^(?:([^@]*)@)?(?:\[([^\]]*)\]|(.*?))(?::(\d+))?$/.exec(text) ?? [];
  const several = plain?.includes(":") ? `${plain}${port === undefined ? "" : `:${port}`}` : plain;
  const given = {
    host: six ?? several,
    ...(user !== undefined && { user }),
    ...(port !== undefined && several === plain && { port: Number(port) }),
  };
  const { success, data, error } = connection.safeParse(given);
  if (success) return data;
  const [issue] = error.issues;
  mistake(
    `--host ${text}: the ${issue?.path.join(".") || "text"} ${issue?.message}`,
    "Give it as user@host or host:port.",
  );
}
