import { forgetAll } from "./adoption.ts";
import { type Fact, type Reply, type Step, sh, shAt } from "./command.ts";
import { Unseen } from "./failure.ts";
import { forgetFolder } from "./files.ts";
import { isAbsence } from "./links.ts";
import { quote } from "./quote.ts";
import { makeDir, runDir } from "./run-dir.ts";
import { untyped } from "./typed.ts";

const folder = "/run/netns";
const mark = `${runDir}/netns-mount`;

/**
 * Whether /run/netns is a mount already, and whether that comes from us: the first `ip netns add` on a host makes it one,
 * and nothing undoes that.
 */
export const netnsMountFact: Fact<{ mounted: boolean; ours: boolean }> = {
  command: sh(`[ ! -e ${mark} ] || echo ours\n[ -d ${folder} ] && limit mountpoint -q ${folder}`),
  parse: ({ code, stdout }) => ({ mounted: code === 0, ours: stdout.trim() === "ours" }),
};

/** Notes that the mount of /run/netns comes from us. */
export const makeMountStep: Step = {
  what: `note the mount of ${folder}`,
  do: sh(`${makeDir(runDir)}; : >${mark}`),
  undo: [sh(`rm -f ${mark}`)],
  ...untyped,
};

/** Takes the mount of /run/netns away when it came from us and no name is left in it. */
export const tidyMount = sh(
  `if [ -e ${mark} ] && [ -z "$(ls -A ${folder} 2>/dev/null)" ]; then\n` +
    `  if mountpoint -q ${folder}; then umount ${folder}; fi\n  rmdir ${folder} 2>/dev/null || :\n  rm -f ${mark}\nfi`,
);

/** Reads what was asked of a file; undefined on evidence that it is not there only. */
export function readFile<T>(path: string, reply: Reply, read: (stdout: string) => T): T | undefined {
  if (reply.code === 0) return read(reply.stdout);
  if (isAbsence(reply) || /No such process|Not a directory/.test(reply.stderr)) return undefined;
  const cause = reply.stderr || `exit code ${reply.code}`;
  throw new Unseen({ problem: `cannot look at ${path}`, cause, state: "Nothing was changed." });
}

/** Asks for the inode of a namespace's file; undefined when there is none. */
export function inodeFact(path: string): Fact<number | undefined> {
  return { command: shAt(path, `limit stat -L -c %i ${quote(path)}`), parse: (reply) => readFile(path, reply, Number) };
}

function ownerFile(name: string): string {
  return `${runDir}/netns/${name}`;
}

/** Asks who has named a running process's namespace, and which one it was. */
export function namedFact(name: string): Fact<{ owner: string; inode: number } | undefined> {
  return {
    command: shAt(ownerFile(name), `limit cat ${quote(ownerFile(name))}`),
    parse: (reply) =>
      readFile(ownerFile(name), reply, (stdout) => {
        const [owner = "", inode = ""] = stdout.trim().split(" ");
        return { owner, inode: Number(inode) };
      }),
  };
}

/** Notes who has named a running process's namespace. */
export function attachStep(name: string, owner: string, inode: number): Step {
  const file = quote(ownerFile(name));
  const write = `${makeDir(`${runDir}/netns`)}; printf '%s %s\\n' ${quote(owner)} ${inode} | limit cat >${file}`;
  return { what: `mark namespace ${name} as named by us`, do: sh(write), undo: [sh(`rm -f ${file}`)], ...untyped };
}

/** Forgets who has named a namespace. */
export function releaseSteps(name: string): Step[] {
  return [{ what: `release the name ${name}`, do: sh(`rm -f ${quote(ownerFile(name))}`) }];
}

/** Moves to a namespace: the words behind `link add` and `link set`. */
export function toNetns(netns: string | undefined): string[] {
  return netns === undefined ? [] : ["netns", netns];
}

/** Forgets, with a namespace that goes, what is noted of it: how its links stood, and that we made the folder of its DNS files. */
export function forgetNotesStep(name: string): Step {
  return { what: `forget what stood in namespace ${name}`, do: sh(`${forgetAll(name)}\n${forgetFolder(name)}`) };
}
