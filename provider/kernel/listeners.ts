import { isIP } from "node:net";
import { canonicalAddress, type Family, familyOf } from "./addresses.ts";
import { type Fact, run } from "./command.ts";

/** A socket that listens on this host. */
export interface Listener {
  /** The address that it is bound to; undefined: all of them. */
  address: string | undefined;
  /** The families that it hears. */
  families: Family[];
  port: number;
  /** The program, as `ss` names it: `nginx (pid 812)`. */
  holder: string;
}

const flag = { tcp: "-t", udp: "-u", sctp: "-S" } as const;

/** Asks which sockets listen for a protocol (ss(8)). */
export function listenersFact(protocol: keyof typeof flag): Fact<Listener[]> {
  return {
    command: run(["ss", "-Hlnp", flag[protocol]]),
    parse: ({ stdout }) => readListeners(stdout),
  };
}

/** Reads what `ss -Hlnp` prints. */
export function readListeners(stdout: string): Listener[] {
  return stdout.split("\n").flatMap(readListener);
}

function readListener(line: string): Listener[] {
  const local = line.trim().split(/\s+/)[line.trim().startsWith("UNCONN") || line.trim().startsWith("LISTEN") ? 3 : -1];
  const match = /^(.*):(\d+)$/.exec(local ?? "");
  if (!match) return [];
  const text = (match[1] ?? "").replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const program = /users:\(\("([^"]+)",pid=(\d+)/.exec(line);
  const holder = program ? `${program[1]} (pid ${program[2]})` : "another program";
  const base = { port: Number(match[2]), holder };
  if (text === "*") return [{ ...base, address: undefined, families: [4, 6] }];
  if (isIP(text) === 0) return [];
  if (text === "0.0.0.0" || text === "::") return [{ ...base, address: undefined, families: [familyOf(text)] }];
  return [{ ...base, address: canonicalAddress(text) ?? text, families: [familyOf(text)] }];
}
