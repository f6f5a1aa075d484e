import { memberFunctions, ownStat } from "./processes-members.ts";
import { quote } from "./quote.ts";

/** When a program that has ended is started again. */
export type Restart = "no" | "on-failure" | "always";

/** Seconds after which a run counts as one that went well: the pause before the next start is short again. */
export const steady = 10;

/** What a supervisor is told. */
export interface Supervision {
  owner: string;
  dir: string;
  restart: Restart;
  /** Seconds that what the program has left behind is given to end. */
  grace: number;
}

/**
 * `ended CODE`: notes how the program ended, and how many times in a row it did so within ten seconds of its start.
 */
export const endedFunction = `ended() {
  row=0 since=
  [ ! -s last ] || read -r _ row <last
  [ ! -s pid ] || read -r _ _ _ since <pid
  read -r up _ </proc/uptime
  [ -z "$since" ] || [ $((\${up%.*} - \${since%.*})) -lt ${steady} ] || row=0
  echo "$1 $((row + 1))" >ended
  mv -f ended exit
}`;

/**
 * Stays beside the program where there is no systemd: knows how it ended, ends what it left behind, and starts it again, after a
 * pause that doubles from 100 ms to 10 s. In a session of its own: Ctrl-C and the end of a login do not reach it. TERM makes it
 * stop with the run of the program that is under way.
 */
export function superviseScript({ owner, dir, restart, grace }: Supervision): string {
  return [
    `cd ${quote(dir)} || exit`,
    "umask 077",
    `${ownStat}; echo "$$ $born" >supervisor`,
    "exec 5<start; rm -f start",
    "stopping= nap=",
    `trap 'stopping=1; [ -z "$nap" ] || kill "$nap" 2>/dev/null' TERM`,
    `dir=${quote(dir)} mark=${quote(`LINUXNET_OWNER=${owner}`)}`,
    memberFunctions,
    'limit() { timeout -k 1 10 "$@"; }\nbusy() { return 1; }\nyield() { :; }',
    endedFunction,
    "while :; do",
    // In a subshell that it becomes: else dash says "Killed" itself.
    "  (exec setsid sh ./launch 2>>log)",
    "  code=$?",
    `  loose=1; end TERM ${Math.ceil(grace * 100)} || end KILL 400`,
    "  pumped",
    '  ended "$code"',
    restart === "no" ? "  break" : `  [ -z "$stopping" ]${restart === "always" ? "" : ' && [ "$code" != 0 ]'} || break`,
    pause,
    "done",
    "",
  ].join("\n");
}

/** Sets `d` to the seconds that follow on the end of a number of short runs in `row`. */
export const pauseOfRow = `case $row in 1) d=0.1 ;; 2) d=0.2 ;; 3) d=0.4 ;; 4) d=0.8 ;; 5) d=1.6 ;; 6) d=3.2 ;; 7) d=6.4 ;; *) d=10 ;; esac`;

const pause = `  read -r _ row <exit
  ${pauseOfRow}
  sleep $d 5<&- & nap=$!
  [ -z "$stopping" ] || kill $nap 2>/dev/null
  wait $nap
  nap=
  [ -z "$stopping" ] || break`;
