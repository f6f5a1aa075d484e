import type { Program, User } from "./processes.ts";
import { ownStat } from "./processes-members.ts";
import { pauseOfRow } from "./processes-supervise.ts";
import { quote, quoteAll } from "./quote.ts";

/** The PATH of a program that was given none. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The variable that all processes of a program carry, besides those that were given: by it they are found when it is ended. */
export const ownerVariable = "LINUXNET_OWNER";

/** The log is put aside as `log.1` when it has reached so many bytes; a last piece of as many can follow before that. */
export const logLimit = 2 * 1024 * 1024;

/** How a launcher is started. */
export interface Launching {
  dir: string;
  /** systemd starts it, again and again: it makes the pause itself. Else its supervisor does. */
  unit: boolean;
  /** The file with the variables stays, for the next start. */
  keep: boolean;
}

/**
 * The shell that becomes the program, as root: it sees to the log, to the cgroup, to the namespace and the user. What it writes itself
 * goes to its stderr; the program's output goes to the pump.
 */
export function launchScript({ netns }: Program, { uid, gid }: User, { dir, unit, keep }: Launching): string {
  const where = netns === undefined ? "" : `ip netns exec ${quote(netns)} `;
  const who = uid === 0 ? "" : `setpriv --reuid=${uid} --regid=${gid} --init-groups -- `;
  return [
    `cd ${quote(dir)} || exit`,
    "umask 077",
    "[ ! -e exit ] || mv -f exit last",
    ...(unit ? [`[ ! -s last ] || { read -r _ row <last; ${pauseOfRow}; sleep $d; }`] : []),
    "exec 6>pid || exit",
    // A supervisor has opened it, and removed it.
    "[ ! -e start ] || exec 5<start",
    ...(keep ? [] : ["rm -f start"]),
    "rm -f out; mkfifo out || exit",
    // So that /dev/stdout can be opened by name.
    ...(uid === 0 ? [] : [`chown ${uid} out`]),
    "setsid -f sh ./pump </dev/null >/dev/null 2>&1 5<&- 6>&-",
    `[ ! -s cgroup ] || { read -r group <cgroup; echo $$ >"$group/cgroup.procs" || rm -f cgroup; } 2>/dev/null`,
    `exec env -i PATH=${defaultPath} ${where}${who}sh -s linuxnet </proc/self/fd/5 5<&- >out 2>&1`,
    "",
  ].join("\n");
}

/**
 * Takes a program's output from a pipe to its log. dd writes what it has read at once, and ends after so many reads: then the size
 * is looked at. It ignores what ends the others, since their last words are to be written.
 */
export const pumpScript = `trap '' HUP INT TERM
umask 077
${ownStat}; echo "$$ $born" >pump.pid
exec <out
rm -f out
size() { stat -c %s log 2>/dev/null || echo 0; }
while :; do
  before=$(size) code=0
  [ -e pump ] || exec cat >/dev/null
  dd bs=8k count=${logLimit / 8192} status=none >>log 2>/dev/null || code=1
  after=$(size)
  [ $code = 1 ] || [ "$after" != "$before" ] || exit 0
  [ $code = 0 ] && [ "$after" -lt ${logLimit} ] || mv -f log log.1
  [ $code = 0 ] || sleep 0.2
done
`;

/** Variables that a shell sets, reads or refuses to set: they are given to the program past the shell. */
const shellVariable =
  /^(_|PWD|OLDPWD|SHLVL|OPTIND|OPTERR|PPID|E?UID|LINENO|SHELLOPTS|BASH.*|S?RANDOM|SECONDS|EPOCH.*|GROUPS|FUNCNAME|DIRSTACK|HISTCMD)$/;

/**
 * The last shell before the program, in its namespace and as its user: it becomes the program. `nice -n +0` changes nothing,
 * says why a program cannot be started, and is not confused by one whose name looks like an option.
 */
export function starterScript(owner: string, { command, environment = {}, cwd }: Program): string {
  const variables = Object.entries({ PATH: defaultPath, ...environment, [ownerVariable]: owner });
  const [special, plain] = [true, false].map((is) => variables.filter(([name]) => shellVariable.test(name) === is));
  const assignments = (special ?? []).map(([name, value]) => `${name}=${quote(value)} `).join("");
  return [
    `cd ${quote(cwd)} 2>/dev/null || { printf '%s\\n' ${quote(`cannot enter the folder ${cwd}`)} >&2; exit 126; }`,
    "umask 022",
    `${ownStat}; read -r up _ </proc/uptime; echo "$$ $born $(readlink /proc/self/ns/net) $up" >&6`,
    'set -- "$(command -v env)" "$(command -v nice)"',
    ...(plain ?? []).map(([name, value]) => `export ${name}=${quote(value)}`),
    `exec "$1" -u _ -u SHLVL -u OLDPWD -u PWD ${assignments}"$2" -n +0 -- ${quoteAll(command)} 6>&- </dev/null`,
    "",
  ].join("\n");
}

/** Waits until the starter has become the program; one that has ended by then has not started. */
export const began = `
round=0
while [ ! -s exit ] && [ ! -s last ]; do
  [ $round -lt 400 ] || { echo "it did not begin within 8 s" >&2; exit 1; }
  round=$((round + 1))
  if [ -s pid ]; then
    read -r pid rest <pid || :
    line=$(tr '\\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || line=
    case $line in
      '' | 'sh -s linuxnet '* | /*' -u _ -u SHLVL -u OLDPWD -u PWD '* | /*'/nice -n +0 -- '*) ;;
      *) break ;;
    esac
  fi
  sleep 0.02
done
if [ -s exit ] || [ -s last ]; then
  code=
  for file in last exit; do [ ! -s $file ] || read -r code rest <$file || :; done
  last=$(limit tail -n 1 log) || last=
  case $code:$last in
    12[67]:*nice:*': '*) echo "\${last##*: }" ;;
    12[67]:'cannot enter '*) echo "$last" ;;
    *) echo "it ended at once with code $code\${last:+: $last}" ;;
  esac >&2
  exit 1
fi`;
