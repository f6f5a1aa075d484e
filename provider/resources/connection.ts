import * as pulumi from "@pulumi/pulumi";
import { secretFields } from "../kernel/connection.ts";

/** How to reach a jump host. */
export interface ProxyConnectionArgs {
  /** The jump host's name, address, or alias in the ssh config. */
  host: pulumi.Input<string>;
  /** Default: ssh's own, 22 unless the ssh config says otherwise. */
  port?: pulumi.Input<number>;
  /** Default: the ssh config's, else the name of the user who runs the program. */
  user?: pulumi.Input<string>;
  /** The user's password; a secret. */
  password?: pulumi.Input<string>;
  /** The text of a private key; a secret, held by an agent of its own and never written to a file. */
  privateKey?: pulumi.Input<string>;
  /** The passphrase of `privateKey`, or of a key that ssh finds by itself; a secret. */
  privateKeyPassword?: pulumi.Input<string>;
  /** The socket of an ssh-agent; default: ssh's own (`SSH_AUTH_SOCK`). */
  agentSocketPath?: pulumi.Input<string>;
  /** The host's public key, such as `"ssh-ed25519 AAAA..."`: no other is accepted. Default: those that ssh knows. */
  hostKey?: pulumi.Input<string>;
  /** Attempts to reach the host, 1 to 100; default 3, within 11 seconds. */
  dialErrorLimit?: pulumi.Input<number>;
  /** Seconds that one attempt may take, 1 to 600; default 5. */
  perDialTimeout?: pulumi.Input<number>;
}

/** How to reach a host over ssh: OpenSSH's client is used as the user has set it up, with these on top. */
export interface ConnectionArgs extends Omit<ProxyConnectionArgs, "host"> {
  /** The host's name, address, or alias in the ssh config; omitted: this machine. Change: replacement. */
  host?: pulumi.Input<string>;
  /** A jump host on the way. */
  proxy?: pulumi.Input<ProxyConnectionArgs>;
  /** Become root through sudo; default: when the user is not root. */
  sudo?: pulumi.Input<boolean>;
  /** What sudo asks for; a secret; default `password`. */
  sudoPassword?: pulumi.Input<string>;
  /** An ssh config in place of the user's own (ssh_config(5)). */
  sshConfigFile?: pulumi.Input<string>;
}

const secrets: readonly string[] = [...secretFields, "sudoPassword"];
const plain = [
  "host",
  "port",
  "user",
  "agentSocketPath",
  "hostKey",
  "dialErrorLimit",
  "perDialTimeout",
  "sudo",
  "sshConfigFile",
];

/**
 * Marks the secrets of a connection as such, so that the engine encrypts them in its state and shows none. The rest stays
 * readable, so each field is an output of its own: one that holds a secret would make all of it secret.
 */
export function withSecrets(connection: pulumi.Input<ConnectionArgs> | undefined): Record<string, unknown> | undefined {
  if (connection === undefined) return undefined;
  if (!pulumi.Output.isInstance(connection) && !(connection instanceof Promise)) return marked(connection);
  const field = (key: string) =>
    pulumi.output(connection).apply((given) => (given as Record<string, unknown> | undefined)?.[key]);
  const hidden = [...secrets, "proxy"].map((key) => [key, pulumi.secret(field(key))]);
  return Object.fromEntries([...plain.map((key) => [key, field(key)]), ...hidden]);
}

function marked(hop: object): Record<string, unknown> {
  const entries = Object.entries(hop).map(([key, value]) => {
    if (secrets.includes(key) && value !== undefined) return [key, pulumi.secret(value)];
    return [key, key === "proxy" ? withSecrets(value) : value];
  });
  return Object.fromEntries(entries);
}
