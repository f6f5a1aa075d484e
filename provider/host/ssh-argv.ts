import type { Connection, Hop } from "../kernel/connection.ts";
import { quote, quoteAll } from "../kernel/quote.ts";

/** Seconds that one attempt to reach a host may take, where the user sets none. */
const dialTimeout = 5;

/**
 * The arguments of ssh for a connection: the user's own set-up, and on top what a session needs (ssh_config(5)). Whatever
 * the user's config says, nothing is forwarded, no other command is run, and a host key that is not known is refused.
 *
 * @param terminal whether the command gets a terminal there: somebody sits before it
 */
export function sshArgv(connection: Connection, command: string, terminal = false): string[] {
  const { proxy, sshConfigFile } = connection;
  const config = sshConfigFile ? ["-F", sshConfigFile] : [];
  const options = [...fixed, ...(asks(connection) ? [] : ["BatchMode=yes"]), ...hopOptions(connection)];
  if (proxy) options.push(`ProxyCommand=${proxyCommand(proxy, config)}`);
  const tty = terminal ? "-t" : "-T";
  if (terminal) options.splice(options.indexOf("RequestTTY=no"), 1);
  return ["ssh", tty, ...config, ...options.flatMap((option) => ["-o", option]), ...target(connection), command];
}

const fixed = [
  "ServerAliveInterval=5",
  "ServerAliveCountMax=2",
  "ForwardAgent=no",
  "ForwardX11=no",
  "ClearAllForwardings=yes",
  "ControlMaster=no",
  "ControlPath=none",
  "PermitLocalCommand=no",
  "RemoteCommand=none",
  "SessionType=default",
  "ForkAfterAuthentication=no",
  "StdinNull=no",
  "RequestTTY=no",
  "EscapeChar=none",
  "ConnectionAttempts=1",
  "StrictHostKeyChecking=yes",
  "UpdateHostKeys=no",
  "NumberOfPasswordPrompts=1",
  "LogLevel=ERROR",
];

/** Whether ssh has to ask for something on the way. */
function asks({ proxy, ...hop }: Connection): boolean {
  return [hop, proxy].some((one) => one?.password !== undefined || one?.privateKeyPassword !== undefined);
}

function hopOptions({ hostKey, perDialTimeout, password, privateKey, agentSocketPath }: Hop): string[] {
  const options = [`ConnectTimeout=${perDialTimeout ?? dialTimeout}`];
  if (hostKey !== undefined) {
    // The pinned key is the only one known, under a name that no file has.
    options.push(
      "HostKeyAlias=linuxnet-pinned",
      "UserKnownHostsFile=none",
      "GlobalKnownHostsFile=none",
      "VerifyHostKeyDNS=no",
    );
    options.push(`KnownHostsCommand=/usr/bin/printf "%%s %%s %%s\\n" linuxnet-pinned ${hostKey}`);
  }
  if (agentSocketPath !== undefined) options.push(`IdentityAgent="${agentSocketPath}"`);
  // A key that is given is the one that is offered: the agent that holds it holds nothing else.
  if (privateKey !== undefined) options.push("IdentityAgent=SSH_AUTH_SOCK", "IdentityFile=none");
  if (password !== undefined && privateKey === undefined)
    options.push("PreferredAuthentications=publickey,password,keyboard-interactive");
  return options;
}

function target({ user, port, host = "" }: Hop): string[] {
  return [...(user ? ["-l", user] : []), ...(port === undefined ? [] : ["-p", `${port}`]), "--", host];
}

/** The way through the jump host; in a ProxyCommand `%h` and `%p` are the target, and other signs of percent are doubled. */
function proxyCommand(proxy: Hop, config: readonly string[]): string {
  const options = [...fixed, ...(asks(proxy) ? [] : ["BatchMode=yes"]), ...hopOptions(proxy)];
  const [dashes, host = ""] = target(proxy).slice(-2);
  const words = [
    "ssh",
    ...config,
    ...options.filter((option) => !option.startsWith("ClearAll")).flatMap((option) => ["-o", option]),
  ];
  return `${quoteAll([...words, ...target(proxy).slice(0, -2)]).replaceAll("%", "%%")} -W '[%h]:%p' ${dashes} ${quote(host).replaceAll("%", "%%")}`;
}
