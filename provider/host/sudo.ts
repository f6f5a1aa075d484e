import { quote } from "../kernel/quote.ts";

/** How to become root. */
export interface Rights {
  /** Whether to use sudo; undefined: where the user is not root. */
  sudo: boolean | undefined;
  /** What sudo may ask for. */
  password: string | undefined;
}

/** The first line of stdin that {@link asRoot} reads, where there is a password. */
export function passwordLine({ sudo, password }: Rights): { preamble?: string } {
  return sudo === false || password === undefined ? {} : { preamble: `${password}\n` };
}

/**
 * A command that becomes root's shell. Whether the user is root, or sudo wants a password, is decided where it runs. The
 * password goes to sudo's stdin once, and is thrown away where sudo wants none; it is in no argument (sudo(8), -S).
 */
export function asRoot({ sudo, password }: Rights, boot: string): string {
  const shell = `/bin/sh -c ${quote(boot)}`;
  if (sudo === false) return `exec ${shell}`;
  const single = "sudo -n -l 2>/dev/null | grep -q 'NOPASSWD: /' && echo 'linuxnet: sudo only allows single tools' >&2";
  const asked = password === undefined ? `{ ${single}; exec sudo -n ${shell}; }` : `exec sudo -k -S -p '' ${shell}`;
  const read = password === undefined ? "" : "IFS= read -r password; unset password; ";
  const isRoot = sudo === true ? "false" : '[ "$(id -u)" = 0 ]';
  const script = `if ${isRoot}; then ${read}exec ${shell}; elif sudo -n /bin/sh -c : 2>/dev/null; then ${read}exec sudo -n ${shell}; else ${asked}; fi`;
  return `exec /bin/sh -c ${quote(script)}`;
}
