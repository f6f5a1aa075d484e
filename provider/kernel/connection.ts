import { z } from "zod";
import { port, text } from "./schema.ts";

/** How to reach a host: the inputs of `@pulumi/command`'s remote connection, and ours. */
export interface Connection extends Hop {
  proxy?: Hop | undefined;
  sudo?: boolean | undefined;
  sudoPassword?: string | undefined;
  sshConfigFile?: string | undefined;
}

/** One stop on the way: the host itself, or the jump host before it. */
export interface Hop {
  host?: string | undefined;
  port?: number | undefined;
  user?: string | undefined;
  password?: string | undefined;
  privateKey?: string | undefined;
  privateKeyPassword?: string | undefined;
  agentSocketPath?: string | undefined;
  hostKey?: string | undefined;
  dialErrorLimit?: number | undefined;
  perDialTimeout?: number | undefined;
}

/** The inputs of a hop that are secrets. */
export const secretFields = ["password", "privateKey", "privateKeyPassword"] as const;

/** A host's name or address, or an alias of the user's ssh config: nothing that ssh could take for an option. */
const hostName = z
  .string("must be a string")
  .min(1, "must not be empty")
  .max(253, "must be at most 253 characters long")
  .regex(
    /^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$/,
    "must be a host name, an address or an alias, and begin with a letter, a digit or _",
  );

const userName = z
  .string("must be a string")
  .max(256, "must be at most 256 characters long")
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.@\\$-]*$/, "must be a user name, and begin with a letter, a digit or _");

const filePath = z
  .string("must be a string")
  .min(1, "must not be empty")
  .regex(
    // In an option of ssh a backslash takes the meaning of what follows it (argv_split in OpenSSH's misc.c), and `$` and `~`
    // begin what is put in their place (ssh_config(5), IdentityAgent).
    /^[^-~\p{Cc}\p{Cs}"%\\$][^\p{Cc}\p{Cs}"%\\$]*$/u,
    'must be a path without control characters, quotes, backslashes, % or $, and not begin with "-" or "~"',
  );

const secret = text
  .min(1, "must not be empty")
  .refine((given) => !given.includes("\0"), "must not contain a NUL character");

const oneLine = secret.refine((text) => !/[\r\n]/.test(text), "must be one line");

const hop = {
  host: hostName.optional(),
  port: port.optional(),
  user: userName.optional(),
  password: oneLine.optional(),
  privateKey: secret
    .refine((text) => text.includes("PRIVATE KEY-----"), "must be the text of a private key")
    .optional(),
  privateKeyPassword: oneLine.optional(),
  agentSocketPath: filePath.optional(),
  hostKey: z
    .string("must be a string")
    .regex(
      /^\s*[a-z][a-z0-9@.-]+[ \t]+AAAA[A-Za-z0-9+/]*=*([ \t]+\P{Cc}*)?\s*$/u,
      'must be a public key such as "ssh-ed25519 AAAA..."',
    )
    .transform((text) =>
      text
        .trim()
        .split(/[ \t]+/)
        .slice(0, 2)
        .join(" "),
    )
    .optional(),
  dialErrorLimit: z
    .number("must be a number")
    .int("must be a whole number")
    .min(1, "must be at least 1")
    .max(100, "must be at most 100")
    .optional(),
  perDialTimeout: z
    .number("must be a number of seconds")
    .int("must be a whole number of seconds")
    .min(1, "must be at least 1 second")
    .max(600, "must be at most 600 seconds")
    .optional(),
};

/** The input `connection`. */
export const connection = z.strictObject(
  {
    ...hop,
    proxy: z.strictObject({ ...hop, host: hostName }, "must be an object with a host").optional(),
    sudo: z.boolean("must be true or false").optional(),
    sudoPassword: oneLine.optional(),
    sshConfigFile: filePath.optional(),
  },
  "must be an object",
);

/** All secrets of a connection, longest first: what must not be seen in an error. */
export function secretsOf(from: Connection | undefined): string[] {
  if (!from) return [];
  const hops: (Hop | undefined)[] = [from, from.proxy];
  const found = hops.flatMap((one) => secretFields.flatMap((field) => one?.[field] ?? []));
  return [...found, ...(from.sudoPassword ? [from.sudoPassword] : [])].toSorted((a, b) => b.length - a.length);
}
