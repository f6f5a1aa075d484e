import { randomBytes } from "node:crypto";
import { quoteAll } from "../../provider/kernel/quote.ts";
import { type Machine, script } from "./machine.ts";
import { checkout } from "./stack.ts";

/** A key that a test may log in with. */
export interface Key {
  /** Its file on the client side. */
  path: string;
  /** The private key, as it stands in the file. */
  text: string;
}

/** What opens the hosts, and what does not. */
export interface Keys {
  /** Of every user but `labpw`; also the client's ~/.ssh/id_ed25519. */
  id: Key;
  /** Of no user. */
  wrong: Key;
  /** Of every user; the client has it nowhere but in this file. */
  spare: Key;
  /** Of every user, with a passphrase. */
  locked: Key;
  /** Of the key {@link locked}. */
  passphrase: string;
  /** Of `labpw`, for ssh and for sudo. */
  password: string;
  /** The client's file of known hosts, which has every host by its addresses and its name. */
  knownHosts: string;
  /** The public keys of the hosts, first host first: `ssh-ed25519 AAAA...`. */
  hosts: string[];
}

/** Prepares the client side: its ~/.ssh, the keys of all hosts, the bridge `wire`. */
export async function makeKeys(client: Machine, count: number): Promise<Keys> {
  // What a shell, a prompt or a log could mangle, and a part to search for.
  const password = `p'w "$HOME" \\ ${randomBytes(9).toString("hex")}`;
  const passphrase = `pass phrase ' ${randomBytes(9).toString("hex")}`;
  const words = quoteAll(["sh", "-c", script("hosts-client.sh"), "client", `${count}`, checkout]);
  const { code, stderr } = await client.exec(words, `${password}\n${passphrase}\n`);
  if (code !== 0) throw new Error(`cannot prepare the client side: ${stderr}`);
  const key = async (name: string): Promise<Key> => {
    const path = `/media/lab/keys/${name}`;
    return { path, text: `${await client.sh(`cat ${path}`)}\n` };
  };
  const [id, wrong, spare, locked] = await Promise.all([key("id"), key("wrong"), key("spare"), key("locked")]);
  const known = await client.sh(`cut -d ' ' -f 1,2 $(printf '/media/lab/keys/host%s.pub ' $(seq ${count}))`);
  const knownHosts = "/root/.ssh/known_hosts";
  return { id, wrong, spare, locked, passphrase, password, knownHosts, hosts: known.split("\n") };
}
