import { existsSync } from "node:fs";
import type { Connection, Hop } from "../kernel/connection.ts";
import { LinuxnetError } from "../kernel/failure.ts";
import { quoteAll } from "../kernel/quote.ts";
import { type Askpass, serveAskpass } from "./askpass.ts";
import type { Launch, Started } from "./shell.ts";
import { sshArgv } from "./ssh-argv.ts";
import { readFault } from "./ssh-faults.ts";
import { asRoot, passwordLines } from "./sudo.ts";

/** Seconds for all attempts to reach a host, where the user sets no limit of attempts. */
const dialBudget = 11;

/** Attempts to reach a host, where the user sets none. */
const dialAttempts = 3;

/** The shell of a host behind a connection: `ssh -T`, as root or through sudo. */
export function sshLaunch(connection: Connection): Launch {
  const name = `${connection.host}`;
  const limited = connection.dialErrorLimit !== undefined || connection.perDialTimeout !== undefined;
  return {
    name,
    attempts: connection.dialErrorLimit ?? dialAttempts,
    budget: limited ? undefined : dialBudget,
    fault: (stderr, ended) => readFault(stderr, ended, connection),
    start: (boot) => begin(connection, boot),
  };
}

/**
 * A command for a user who sits before it, as root: for `attach`.
 *
 * @param terminal whether stdin is a terminal: sudo then asks there itself for what it wants to know
 */
export function sshCommand(connection: Connection, command: string, terminal: boolean): Promise<Started> {
  return begin(connection, command, terminal);
}

async function begin(connection: Connection, boot: string, terminal = false): Promise<Started> {
  refuseDeadAgent(connection);
  const password = terminal ? undefined : (connection.sudoPassword ?? connection.password);
  const rights = { sudo: connection.sudo, password, ask: terminal };
  const keys = [connection.proxy, connection].flatMap((hop) => (hop?.privateKey ? [hop] : []));
  const askpass = needsAskpass(connection) ? await serveAskpass(answers(connection, keys)) : undefined;
  const argv = sshArgv(connection, asRoot(rights, boot), terminal);
  return {
    argv: askpass && keys.length > 0 ? withAgent(argv, keys, askpass) : (argv as [string, ...string[]]),
    env: { ...(askpass?.env ?? {}), LC_ALL: "C" },
    ...passwordLines(rights),
    dispose: () => askpass?.close(),
  };
}

function needsAskpass({ proxy, ...hop }: Connection): boolean {
  return [hop, proxy].some((one) => one?.password ?? one?.privateKey ?? one?.privateKeyPassword);
}

/** An agent of our own holds the keys: it lives as long as the ssh that it was made for (ssh-agent(1)). */
function withAgent(argv: readonly string[], keys: readonly Hop[], askpass: Askpass): [string, ...string[]] {
  const adding = keys.map(
    (_, index) =>
      `${askpass.command(`key ${index}`)} | ssh-add -q - >&2 || { echo 'linuxnet: incorrect passphrase' >&2; exit 1; }`,
  );
  return [
    "ssh-agent",
    "sh",
    "-c",
    `${adding.join("\n")}\n${quoteAll(argv)}; code=$?; kill "$SSH_AGENT_PID"; exit $code`,
  ];
}

/** The secrets that ssh asks for: a key of ours by number, its passphrase, or the password of the hop that the question names. */
function answers(connection: Connection, keys: readonly Hop[]): (question: string) => string | undefined {
  const { proxy } = connection;
  let adding: Hop | undefined;
  return (question) => {
    const number = /^key (\d+)$/.exec(question)?.[1];
    if (number !== undefined) {
      adding = keys[Number(number)];
      return adding?.privateKey?.replaceAll("\r\n", "\n").trimEnd();
    }
    // ssh-add would ask for ever; an empty answer makes it give up (ssh-add.c, add_file).
    if (/^Bad passphrase/i.test(question)) return undefined;
    // ssh-add asks for the key that it was given on stdin, ssh for one of the user's own.
    if (/passphrase.*stdin/i.test(question)) return adding?.privateKeyPassword;
    if (/passphrase/i.test(question)) return connection.privateKeyPassword ?? proxy?.privateKeyPassword;
    const toProxy =
      proxy?.host !== undefined && question.includes(`@${proxy.host}'s password`) && proxy.host !== connection.host;
    return toProxy ? proxy.password : (connection.password ?? proxy?.password);
  };
}

function refuseDeadAgent({ host = "", agentSocketPath, proxy }: Connection): void {
  for (const path of [agentSocketPath, proxy?.agentSocketPath]) {
    if (path === undefined || existsSync(path)) continue;
    throw new LinuxnetError({
      host,
      problem: `the session could not be opened: no ssh-agent listens at ${path}`,
      state: "Nothing was changed.",
      remedy: "Start the agent, or correct connection.agentSocketPath.",
    });
  }
}
