import type { Connection } from "../kernel/connection.ts";
import { type Failing, firstLine } from "../kernel/failure.ts";

interface Fault {
  pattern: RegExp;
  problem: string;
  remedy?: string;
  /** Nothing has been authenticated yet, so another attempt can do no harm. */
  again?: boolean;
}

/** What ssh and sudo say when a session cannot be opened, and what it means: the first that fits. */
const faults: readonly Fault[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed|Host key for .* has changed/i,
    problem: "its host key is not the one that is known: either the host was set up anew, or somebody else answers",
    remedy: "Find out which; then remove the old key (ssh-keygen -R HOST) or set connection.hostKey to the new one.",
  },
  {
    pattern: /No .* host key is known|Host key verification failed/,
    problem: "its host key is not known",
    remedy:
      "Pin it with connection.hostKey (ssh-keyscan HOST prints it; compare it on the host), or log in once by hand.",
  },
  {
    pattern: /Could not resolve hostname|Name or service not known|Temporary failure in name resolution/,
    problem: "there is no host of this name",
    remedy: "Check connection.host.",
  },
  {
    pattern: /Connection refused/,
    problem: "it refuses the connection",
    remedy: "Check connection.port, and that sshd runs there.",
    again: true,
  },
  {
    pattern: /Connection timed out|Operation timed out|timed out during banner/,
    problem: "it does not answer",
    remedy: "Check that it is up and can be reached.",
    again: true,
  },
  {
    pattern: /Connection reset|closed by remote host|Connection closed by|kex_exchange_identification/,
    problem: "it ended the connection before the log-in",
    again: true,
  },
  {
    pattern: /No route to host|Network is unreachable/,
    problem: "there is no route to it",
    remedy: "Check connection.host and this machine's network.",
    again: true,
  },
  {
    pattern: /error in libcrypto|invalid format/,
    problem: "the private key cannot be read",
    remedy: "Check connection.privateKey.",
  },
  {
    pattern: /incorrect passphrase|bad passphrase/i,
    problem: "the private key's passphrase is wrong or missing",
    remedy: "Set connection.privateKeyPassword.",
  },
  {
    pattern: /Permission denied|Too many authentication failures/,
    problem: "it does not let this user in",
    remedy: "Check connection.user and the key or password.",
  },
  {
    pattern: /sudo: .*(incorrect password|no password was provided)|Sorry, try again/,
    problem: "sudo does not take the password",
    remedy: "Set connection.sudoPassword.",
  },
  {
    pattern: /linuxnet: sudo only allows single tools/,
    problem: "sudo allows this user single tools only, and a shell is needed",
    remedy: "Add to the host's sudoers: `USER ALL=(root) NOPASSWD: /bin/sh`.",
  },
  {
    pattern: /not in the sudoers|not allowed to (execute|run)/,
    problem: "sudo does not allow this user to become root",
    remedy: "Add to the host's sudoers: `USER ALL=(root) NOPASSWD: /bin/sh`.",
  },
  {
    pattern: /sudo: .*password is required|a terminal is required/,
    problem: "sudo wants a password",
    remedy: "Set connection.sudoPassword, or allow sudo without a password.",
  },
  {
    pattern: /sudo: (not found|command not found)|sudo: No such file/,
    problem: "it has no sudo",
    remedy: "Log in as root, or install sudo there.",
  },
];

/** What an attempt's last words mean. */
export function readFault(
  stderr: string,
  ended: string,
  { user }: Pick<Connection, "user">,
): Failing & { again: boolean } {
  const text = `${stderr}\n${ended}`;
  const fault = faults.find(({ pattern }) => pattern.test(text));
  const cause = firstLine(stderr) || ended;
  if (!fault) return { problem: "the session could not be opened", cause, again: false };
  return {
    problem: `the session could not be opened: ${fault.problem}`,
    cause: firstLine(text.split("\n").find((line) => fault.pattern.test(line)) ?? cause).replace(
      /^(linuxnet: |@).*/,
      "",
    ),
    remedy: fault.remedy?.replaceAll("USER", user ?? "USER"),
    again: fault.again ?? false,
  };
}
