import { quote } from "../kernel/quote.ts";

/** How to become root. */
export interface Rights {
  /** Whether to use sudo; undefined: where the user is not root. */
  sudo: boolean | undefined;
  /** What sudo may ask for. */
  password: string | undefined;
  /** sudo may ask for it itself, on the terminal of whoever runs the command. */
  ask?: boolean;
}

/** What {@link asRoot} reads from stdin first, where there is a password: once to try it, once to use it. */
export function passwordLines({ sudo, password }: Rights): { preamble?: string } {
  return sudo === false || password === undefined ? {} : { preamble: `${password}\n${password}\n` };
}

/**
 * A command that becomes root's shell. Whether the user is root, or sudo wants a password, is decided where it runs. The
 * password goes to sudo's stdin, and is thrown away where sudo wants none; it is in no argument (sudo(8), -S). It is tried
 * before, since sudo would wait on stdin for a better one.
 */
export function asRoot({ sudo, password, ask }: Rights, boot: string): string {
  if (sudo === false) return `exec /bin/sh -c ${quote(boot)}`;
  const skip = password === undefined ? "" : "IFS= read -r p; ";
  const script = [
    // Whatever the user's start-up files have made of it.
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH",
    ...(password === undefined ? [] : ["IFS= read -r p"]),
    // $1 is what the shell is to begin with.
    ...(sudo === true ? [] : [`if [ "$(id -u)" = 0 ]; then ${skip}exec /bin/sh -c "$1"; fi`]),
    `if sudo -n /bin/sh -c : 2>/dev/null; then ${skip}exec sudo -n /bin/sh -c "$1"; fi`,
    ...(ask ? asking : password === undefined ? withoutPassword : withPassword),
  ].join("\n");
  return `exec /bin/sh -c ${quote(script)} linuxnet ${quote(boot)}`;
}

const asking = ['exec sudo /bin/sh -c "$1"'];

const withoutPassword = [
  "if sudo -n -l 2>/dev/null | grep -q 'NOPASSWD: /'; then echo 'linuxnet: sudo only allows single tools' >&2; fi",
  'exec sudo -n /bin/sh -c "$1"',
];

const withPassword = [
  `text=$(printf '%s\\n' "$p" | LC_ALL=C sudo -k -S -p '' /bin/sh -c : 2>&1) || { printf '%s\\n' "$text" >&2; exit 1; }`,
  "unset p",
  `exec sudo -k -S -p '' /bin/sh -c "$1"`,
];
