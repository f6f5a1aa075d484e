import type { Machine } from "../support/machine.ts";

/** How long a command took. */
export interface Timed {
  /** Wall clock of the command, in seconds. */
  seconds: number;
  /** Seconds after its end until no more links than at most `links` were there; 0 without it. */
  gone: number;
  /** What it printed to stdout. */
  stdout: string;
}

const log = "/media/bench";

/**
 * Runs a line of shell in a machine and takes its wall clock there, where it is started.
 *
 * @param links the number of links to wait for after it; the kernel removes a namespace's after the command's end
 * @throws Error when it fails, with the end of what it printed
 */
export async function timed(machine: Machine, line: string, links?: number): Promise<Timed> {
  const { code, stdout, stderr } = await machine.exec(`
    exec 3<> <(:)
    before=$EPOCHREALTIME
    ( ${line}
    ) >${log}.out 2>${log}.err </dev/null 3>&-; code=$?
    after=$EPOCHREALTIME
    [ $code = 0 ] || { tail -qn 30 ${log}.out ${log}.err >&2; exit 1; }
    gone=$EPOCHREALTIME
    ${links === undefined ? "" : `until set -- /sys/class/net/* && gone=$EPOCHREALTIME && [ $# -le ${links} ]; do read -rt 0.002 -u 3; done`}
    echo $before $after $gone
    cat ${log}.out`);
  if (code !== 0) throw new Error(stderr.trim().split("\n").slice(-3).join(" "), { cause: `${line}\n${stderr}` });
  const [times = "", ...rest] = stdout.trimEnd().split("\n");
  const [before = 0, after = 0, gone = 0] = times.split(" ").map(Number);
  return { seconds: after - before, gone: gone - after, stdout: rest.join("\n") };
}

/** How many links a machine's own namespace has. */
export const linkCount = async (machine: Machine): Promise<number> =>
  Number(await machine.sh("set -- /sys/class/net/*; echo $#"));
