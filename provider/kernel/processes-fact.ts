import { constants } from "node:os";
import { type Fact, type Reply, sh } from "./command.ts";
import { firstLine } from "./failure.ts";
import { processDir, type User } from "./processes.ts";
import { quote } from "./quote.ts";

/** When a program counts as ready: all that is given has to hold. */
export interface Ready {
  /** A port on which something in its namespace listens. */
  tcp?: number | undefined;
  udp?: number | undefined;
  /** Text that stands in a line of its log. */
  log?: string | undefined;
}

/** How a program stands. */
export interface SeenProcess {
  /** The owner that its files name. */
  owner: string;
  fingerprint: string;
  pid: number | undefined;
  /** The inode of the network namespace that it was started in. */
  netns: number | undefined;
  alive: boolean;
  /** The exit code of one that has ended, 128 and more for a signal; undefined when nobody saw its end. */
  exit: number | undefined;
  /** The last line of its log. */
  lastLine: string;
  /** Which of the conditions of `ready` hold. */
  ready: ReadonlySet<string>;
}

/** Asks for a program; undefined when there is nothing of it. */
export function processFact(owner: string, ready: Ready = {}): Fact<SeenProcess | undefined> {
  const text = [
    `cd ${processDir(owner)} 2>/dev/null || exit 0`,
    "pid= stat=",
    "[ ! -s pid ] || read -r pid rest <pid",
    "[ -z \"$pid\" ] || stat=$(cat \"/proc/$pid/stat\" 2>/dev/null | tr '\\n' ' ')",
    // One that has just died: its exit code is on its way.
    `case \${stat##*) } in [ZX]* | '') [ -z "$pid" ] || [ -s exit ] || sleep 0.1 ;; esac`,
    "for file in owner pid exit; do [ ! -s $file ] || { printf '%s ' $file; limit cat $file; }; done",
    "printf 'stat %s\\n' \"$stat\"",
    "[ ! -s log ] || { printf 'log '; limit tail -c 2000 log | limit base64 -w 0; echo; }",
    ...(ready.tcp === undefined ? [] : [listening("tcp", "0A", ready.tcp)]),
    ...(ready.udp === undefined ? [] : [listening("udp", "07", ready.udp)]),
    ...(ready.log === undefined ? [] : [`! limit grep -qaF -e ${quote(ready.log)} log || echo ready log`]),
    ":",
  ];
  return { command: sh(text.join("\n")), parse };
}

/** Looks for a socket in the namespace of the program: proc_net_tcp(5) has the port in hex behind the local address. */
function listening(protocol: "tcp" | "udp", state: string, port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const files = `"/proc/$pid/net/${protocol}" "/proc/$pid/net/${protocol}6"`;
  return `! limit grep -qsE '^ *[0-9]+: [0-9A-F]+:${hex} [0-9A-F]+:[0-9A-F]+ ${state} ' ${files} || echo ready ${protocol}`;
}

function parse({ stdout }: Reply): SeenProcess | undefined {
  if (stdout.trim() === "") return undefined;
  const lines = stdout.split("\n").map((line) => line.split(" "));
  const words = (key: string) => lines.find(([first]) => first === key)?.slice(1) ?? [];
  const [owner = "", fingerprint = ""] = words("owner");
  const [pid, start, netns] = words("pid");
  const [state = "", ...fields] = words("stat").join(" ").split(") ").at(-1)?.split(" ") ?? [];
  const [exit] = words("exit");
  const log = Buffer.from(words("log")[0] ?? "", "base64").toString("utf8");
  return {
    owner,
    fingerprint,
    pid: pid === undefined ? undefined : Number(pid),
    netns: netns === undefined ? undefined : Number(/\d+/.exec(netns)?.[0]),
    alive: start !== undefined && fields[18] === start && !["Z", "X", ""].includes(state),
    exit: exit === undefined ? undefined : Number(exit),
    lastLine: log.trimEnd().split("\n").at(-1)?.trim().slice(-300) ?? "",
    ready: new Set(lines.filter(([first]) => first === "ready").map(([, what = ""]) => what)),
  };
}

/** How a program ended: "it exited with code 3: no such host". */
export function howItEnded({ exit, lastLine }: SeenProcess): string {
  const name = Object.entries(constants.signals).find(([, number]) => number === (exit ?? 0) - 128)?.[0];
  const how = exit === undefined ? "it has ended" : name ? `it was ended by ${name}` : `it exited with code ${exit}`;
  return firstLine(lastLine) ? `${how}: ${lastLine}` : how;
}

/** Asks for a user by name; undefined when there is none. */
export function userFact(user: string | undefined): Fact<User | undefined> {
  if (user === undefined || user === "root") return { command: sh(":"), parse: () => ({ uid: 0, gid: 0 }) };
  return {
    command: sh(`limit id -u ${quote(user)} && limit id -g ${quote(user)}`),
    parse: ({ code, stdout }) => {
      const [uid, gid] = stdout.split("\n").map(Number);
      return code === 0 && uid !== undefined && gid !== undefined ? { uid, gid } : undefined;
    },
  };
}
