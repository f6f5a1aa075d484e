import type { Reply } from "../kernel/command.ts";
import { LinuxnetError } from "../kernel/failure.ts";
import { takeBootWords } from "./boot.ts";

/** Which machine it is, and since which start of it: its machine id and the kernel's boot id. */
export type Identity = string;

/** What a host is, found when its session is opened. */
export interface Preflight {
  /** /etc/machine-id (machine-id(5)); empty where a host has none. */
  machineId: string;
  identity: Identity;
}

/** The tools that every script needs, each with its Debian package. */
const tools = {
  ip: "iproute2",
  tc: "iproute2",
  nsenter: "util-linux",
  flock: "util-linux",
  timeout: "coreutils",
  stat: "coreutils",
  awk: "mawk",
  grep: "grep",
  sed: "sed",
} as const;

/** A host that cannot be used: no Linux, no root, a tool that is missing. */
export class Unfit extends LinuxnetError {}

/** Asks what a host is. */
export const preflightScript = [
  takeBootWords,
  "printf 'system=%s\\n' \"$(uname -s)\"",
  "printf 'uid=%s\\n' \"$(id -u)\"",
  "printf 'identity=%s\\n' \"$identity\"",
  `for tool in ${Object.keys(tools).join(" ")}; do command -v "$tool" >/dev/null || printf 'missing=%s\\n' "$tool"; done`,
].join("\n");

/**
 * Reads the answer.
 * @throws Unfit when the host is not fit: no Linux, no root, a tool that is missing
 */
export function readPreflight({ stdout }: Reply, host: string): Preflight {
  const values = (key: string) =>
    [...stdout.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value ?? "");
  const unfit = (problem: string, remedy: string) =>
    new Unfit({ host, problem, state: "Nothing was changed.", remedy });
  const [system] = values("system");
  if (system !== "Linux")
    throw unfit(`this is ${system || "no system that answers uname"}, not Linux`, "Only Linux hosts can be used.");
  const missing = values("missing");
  const packages = [...new Set(missing.map((tool) => tools[tool as keyof typeof tools]))];
  if (missing.length > 0)
    throw unfit(`${missing.join(", ")} is missing`, `Install there: apt-get install ${packages.join(" ")}.`);
  if (values("uid")[0] !== "0")
    throw unfit("the session is not root's", "Use sudo (connection.sudo), or log in as root.");
  const identity = values("identity")[0] ?? " ";
  return { machineId: identity.split(" ")[0] ?? "", identity };
}
