import { type ShCommand, type Step, sh } from "./command.ts";
import { ownerKey, shortHash } from "./owner.ts";
import { stopText } from "./processes-stop.ts";
import { quote, quoteAll } from "./quote.ts";
import { makeDir, runDir } from "./run-dir.ts";

/** What runs, and as whom: what a change of restarts it. */
export interface Program {
  /** Program and arguments; the program is looked up in the environment's PATH. */
  command: readonly string[];
  environment?: Readonly<Record<string, string>> | undefined;
  cwd: string;
  /** A user's name; default root. */
  user?: string | undefined;
  netns?: string | undefined;
}

/** A user as the kernel knows it. */
export interface User {
  uid: number;
  gid: number;
}

/** The PATH of a program that was given none. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The variable that all processes of a program carry, besides those that were given: by it they are found when it is ended. */
export const ownerVariable = "LINUXNET_OWNER";

/** The folder of a program: its files are gone after a reboot, as it is. */
export function processDir(owner: string): string {
  return `${runDir}/process/${ownerKey(owner)}`;
}

/** Where a program's output goes. */
export function logPath(owner: string): string {
  return `${processDir(owner)}/log`;
}

/** What tells one program from another, as 16 hex digits; the namespace is not part of it. */
export function fingerprint({ command, environment = {}, cwd, user = "root" }: Program): string {
  const variables = Object.entries(environment).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return shortHash(JSON.stringify([command, variables, cwd, user]), 16);
}

/** Ends a program with all of its processes, and removes its files. */
export function stopStep(owner: string, undo: readonly ShCommand[] = []): Step {
  return { what: "end its processes", do: sh(stopText(owner, processDir(owner))), undo };
}

/** Starts a program, and ends what is left of it from before. It has begun, or failed, when the step is done. */
export function startStep(owner: string, program: Program, user: User): Step {
  const what = `start ${program.command[0]}`;
  return { what, do: startCommand(owner, program, user), undo: [sh(stopText(owner, processDir(owner)))] };
}

/** What {@link startStep} does. */
export function startCommand(owner: string, program: Program, user: User): ShCommand {
  const dir = processDir(owner);
  const stop = stopText(owner, dir);
  const text = [
    stop,
    `trap ${quote(`code=$?; [ $code = 0 ] || {\n${stop}\n}; exit $code`)} EXIT`,
    `${makeDir(dir)}; cd ${dir}`,
    "umask 077",
    `printf '%s %s\\n' ${quote(owner)} ${fingerprint(program)} | limit cat >owner`,
    // Variables may be secret: they are in a file that the starter removes as soon as it has opened it, on no command line.
    `printf %s ${quote(starter(owner, program))} | limit cat >start`,
    `setsid -f env -i PATH=${defaultPath} sh -c ${quote(supervisor(program, user))} linuxnet ${dir} ${apart}`,
    began,
  ];
  return sh(text.join("\n"));
}

/** The redirections of a daemon: nothing of the session's stays open in it (a shell has names for nine descriptors only). */
const apart = `</dev/null >/dev/null 2>&1 ${[3, 4, 5, 6, 7, 8, 9].map((number) => `${number}>&-`).join(" ")}`;

/** Leaves in `born` when this shell was started: the 20th field behind its name (proc(5)). */
const ownStat = `read -r stat <"/proc/$$/stat"; set -- \${stat##*) }; born=\${20}`;

/** Stays beside the program to know how it ended. In a session of its own: Ctrl-C and the end of a login do not reach it. */
function supervisor({ netns }: Program, { uid, gid }: User): string {
  const where = netns === undefined ? "" : `ip netns exec ${quote(netns)} `;
  const who = uid === 0 ? "" : `setpriv --reuid=${uid} --regid=${gid} --init-groups -- `;
  return [
    'cd "$1" || exit',
    "umask 077",
    `${ownStat}; echo "$$ $born" >supervisor`,
    "exec 5<start; rm -f start",
    // In a subshell that it becomes: else dash writes its own "Killed" into the log.
    `(setsid ${where}${who}sh -s linuxnet <&5 5<&- 6>pid >>log 2>&1)`,
    "echo $? >ended; mv ended exit",
  ].join("\n");
}

/** Variables that a shell sets, reads or refuses to set: they are given to the program past the shell. */
const shellVariable =
  /^(_|PWD|OLDPWD|SHLVL|OPTIND|OPTERR|PPID|E?UID|LINENO|SHELLOPTS|BASH.*|S?RANDOM|SECONDS|EPOCH.*|GROUPS|FUNCNAME|DIRSTACK|HISTCMD)$/;

/**
 * The last shell before the program, in its namespace and as its user: it becomes the program. `nice -n +0` changes nothing,
 * says why a program cannot be started, and is not confused by one whose name looks like an option.
 */
function starter(owner: string, { command, environment = {}, cwd }: Program): string {
  const variables = Object.entries({ PATH: defaultPath, ...environment, [ownerVariable]: owner });
  const [special, plain] = [true, false].map((is) => variables.filter(([name]) => shellVariable.test(name) === is));
  const assignments = (special ?? []).map(([name, value]) => `${name}=${quote(value)} `).join("");
  return [
    `cd ${quote(cwd)} 2>/dev/null || { printf '%s\\n' ${quote(`cannot enter the folder ${cwd}`)} >&2; exit 126; }`,
    "umask 022",
    `${ownStat}; echo "$$ $born $(readlink /proc/self/ns/net)" >&6`,
    'set -- "$(command -v env)" "$(command -v nice)"',
    ...(plain ?? []).map(([name, value]) => `export ${name}=${quote(value)}`),
    `exec "$1" -u _ -u SHLVL -u OLDPWD -u PWD ${assignments}"$2" -n +0 -- ${quoteAll(command)} 6>&- </dev/null`,
    "",
  ].join("\n");
}

/** Waits until the starter has become the program; one that has ended by then has not started. */
const began = `
round=0
while [ ! -s exit ]; do
  [ $round -lt 400 ] || { echo "it did not begin within 8 s" >&2; exit 1; }
  round=$((round + 1))
  if [ -s pid ]; then
    read -r pid rest <pid
    line=$(tr '\\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || line=
    case $line in
      '' | 'sh -s linuxnet '* | /*' -u _ -u SHLVL -u OLDPWD -u PWD '* | /*'/nice -n +0 -- '*) ;;
      *) break ;;
    esac
  fi
  sleep 0.02
done
if [ -s exit ]; then
  read -r code <exit
  last=$(limit tail -n 1 log)
  case $code:$last in
    12[67]:*nice:*': '*) echo "\${last##*: }" ;;
    12[67]:'cannot enter '*) echo "$last" ;;
    *) echo "it ended at once with code $code\${last:+: $last}" ;;
  esac >&2
  exit 1
fi`;
