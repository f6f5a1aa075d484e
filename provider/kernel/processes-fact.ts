import { constants } from "node:os";
import { answered } from "./answered.ts";
import { type Fact, type Reply, sh, unasked } from "./command.ts";
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
  /** Seconds since it was started; of one that is alive. */
  age: number;
  /** Whether what restarts it is there. */
  supervised: boolean;
  /** Its unit, under systemd. */
  unit: string | undefined;
  /** How many times in a row it has ended soon after its start. */
  failures: number;
  /** The exit code of the last run that ended, 128 and more for a signal; undefined when none did, or nobody saw it. */
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
    `stat() { cat "/proc/$1/stat" 2>/dev/null | tr '\\n' ' '; }`,
    "pid= keeper=",
    "[ ! -s pid ] || read -r pid rest <pid",
    "[ ! -s supervisor ] || read -r keeper born <supervisor",
    // One that has just died: its exit code is on its way.
    `now=$([ -z "$pid" ] || stat "$pid"); round=0`,
    `while case \${now##*) } in [ZX]* | '') [ -n "$pid" ] && [ ! -s exit ] && [ $round -lt 5 ] ;; *) false ;; esac; do`,
    '  sleep 0.1; round=$((round + 1)); now=$(stat "$pid")\ndone',
    // `exit` becomes `last` when the program is started again: read in this order, one of them is there.
    "for file in owner pid exit last supervisor; do",
    '  [ ! -s $file ] || { text=$(limit cat $file 2>/dev/null); [ -z "$text" ] || printf \'%s %s\\n\' $file "$text"; }\ndone',
    `printf 'stat %s\\nkeeper %s\\nup ' "$now" "$([ -z "$keeper" ] || stat "$keeper")"`,
    "limit cat /proc/uptime",
    '[ ! -s unit ] || { read -r unit <unit; echo "unit $unit $(limit systemctl is-active "$unit")"; }',
    "log=log; [ -s log ] || log=log.1",
    "[ ! -s $log ] || { printf 'log '; limit tail -c 2000 $log | limit base64 -w 0; echo; }",
    ...(ready.tcp === undefined ? [] : [listening("tcp", "0A", ready.tcp)]),
    ...(ready.udp === undefined ? [] : [listening("udp", "07", ready.udp)]),
    ...(ready.log === undefined ? [] : [`! limit grep -qasF -e ${quote(ready.log)} log.1 log || echo ready log`]),
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

function parse(reply: Reply): SeenProcess | undefined {
  const { stdout } = answered(reply);
  if (stdout.trim() === "") return undefined;
  const lines = stdout.split("\n").map((line) => line.split(" "));
  const words = (key: string) => lines.find(([first]) => first === key)?.slice(1) ?? [];
  const [owner = "", fingerprint = ""] = words("owner");
  const [pid, start, netns, since = 0] = words("pid");
  const [exit, failures] = words("exit").length > 0 ? words("exit") : words("last");
  const log = Buffer.from(words("log")[0] ?? "", "base64").toString("utf8");
  return {
    owner,
    fingerprint,
    pid: pid === undefined ? undefined : Number(pid),
    netns: netns === undefined ? undefined : Number(/\d+/.exec(netns)?.[0]),
    alive: lives(start, words("stat")),
    age: Number(words("up")[0] ?? 0) - Number(since),
    supervised: lives(words("supervisor")[1], words("keeper")) || standing.has(words("unit")[1] ?? ""),
    unit: words("unit")[0],
    failures: Number(failures ?? 0),
    exit: exit === undefined ? undefined : codeOf(exit),
    lastLine: log.trimEnd().split("\n").at(-1)?.trim().slice(-300) ?? "",
    ready: new Set(lines.filter(([first]) => first === "ready").map(([, what = ""]) => what)),
  };
}

/** States of a unit that systemd still takes care of (systemctl(1)). */
const standing: ReadonlySet<string> = new Set(["active", "activating", "deactivating", "reloading"]);

/** Whether a line of /proc/PID/stat is of a process with this start time that has not ended. */
function lives(start: string | undefined, stat: readonly string[]): boolean {
  const [state = "", ...fields] = stat.join(" ").split(") ").at(-1)?.split(" ") ?? [];
  return start !== undefined && fields[18] === start && !["Z", "X", ""].includes(state);
}

/** An exit code, or the name of a signal without its SIG. */
function codeOf(exit: string): number {
  const signal = constants.signals[`SIG${exit}` as NodeJS.Signals];
  return signal === undefined ? Number(exit) : 128 + signal;
}

/** How a program ended: "it exited with code 3: no such host". */
export function howItEnded({ exit, lastLine }: SeenProcess): string {
  const name = Object.entries(constants.signals).find(([, number]) => number === (exit ?? 0) - 128)?.[0];
  const how = exit === undefined ? "it has ended" : name ? `it was ended by ${name}` : `it exited with code ${exit}`;
  return firstLine(lastLine) ? `${how}: ${lastLine}` : how;
}

/** Asks for a user by name; undefined when there is none. */
export function userFact(user: string | undefined): Fact<User | undefined> {
  if (user === undefined || user === "root") return { command: unasked, parse: () => ({ uid: 0, gid: 0 }) };
  return {
    command: sh(`limit id -u ${quote(user)} && limit id -g ${quote(user)}`),
    parse: ({ code, stdout }) => {
      const [uid, gid] = stdout.split("\n").map(Number);
      return code === 0 && uid !== undefined && gid !== undefined ? { uid, gid } : undefined;
    },
  };
}
