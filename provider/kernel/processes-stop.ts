import { memberFunctions } from "./processes-members.ts";
import { stopUnitFunction } from "./processes-unit.ts";
import { quote } from "./quote.ts";

/** Whose processes are to be ended, and how patiently. */
export interface Ending {
  owner: string;
  /** The folder of its files. */
  dir: string;
  /** Seconds between TERM and KILL. */
  grace: number;
}

/**
 * Ends all processes of a program: TERM, after the grace KILL; then removes its files. Its supervisor is told first, so that
 * nothing is started again. While it waits, others may have the host's lock.
 *
 * @returns a fragment of sh that fails when a process cannot be ended
 */
export function stopText({ owner, dir, grace }: Ending): string {
  return [
    "(\nset +e",
    `dir=${quote(dir)} mark=${quote(`LINUXNET_OWNER=${owner}`)} unlocked=`,
    memberFunctions,
    definitions,
    stopUnitFunction(owner),
    `stop_unit ${Math.ceil(grace * 100) + 500}`,
    'watched && kill -TERM "$keeper" 2>/dev/null',
    `end TERM ${Math.ceil(grace * 100)} || by_force`,
    "pumped",
    "leave_cgroup",
    `[ -z "$unlocked" ] || flock -w 60 9`,
    'limit rm -rf "$dir"\n)',
  ].join("\n");
}

const definitions = `
watched() { [ -s "$dir/supervisor" ] && read -r keeper born <"$dir/supervisor" && [ "$(born "$keeper")" = "$born" ]; }
busy() { watched; }
yield() { [ -n "$unlocked" ] || { unlocked=1; flock -u 9 2>/dev/null; }; }
by_force() {
  watched && kill -KILL "$keeper"
  [ ! -e "$cgroup/cgroup.kill" ] || echo 1 >"$cgroup/cgroup.kill"
  end KILL 400 || { echo "these processes cannot be ended:" $old >&2; exit 1; }
}
leave_cgroup() {
  round=0
  while [ -n "$cgroup" ] && [ -d "$cgroup" ] && ! rmdir "$cgroup" 2>/dev/null && [ $round -lt 20 ]; do
    sleep 0.05
    round=$((round + 1))
  done
  [ -z "$cgroup" ] || rmdir "\${cgroup%/*}" 2>/dev/null
}`;
