import { type Fact, sh } from "./command.ts";
import { shortHash } from "./owner.ts";
import { endedFunction, type Restart } from "./processes-supervise.ts";
import { quote, quoteAll } from "./quote.ts";

/** Whether systemd is the host's PID 1 (sd_booted(3)). */
export const systemdFact: Fact<boolean> = {
  command: sh("[ -d /run/systemd/system ] && command -v systemd-run >/dev/null"),
  parse: ({ code }) => code === 0,
};

/**
 * The transient unit of a program: its resource's name, and a hash of its owner.
 * @example unitName("linuxnet:shop/dev/Process/web@01234567") // "linuxnet-web-1a2b3c4d.service"
 */
export function unitName(owner: string): string {
  const name = /\/([^/]*)@[^@]*$/.exec(owner)?.[1] ?? "";
  return `linuxnet-${name.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, 40)}-${shortHash(owner)}.service`;
}

/** What a unit is told. */
export interface UnitSettings {
  owner: string;
  dir: string;
  restart: Restart;
  /** Seconds between TERM and KILL. */
  grace: number;
}

/** Signals that systemd takes for a good end, and Docker does not (systemd.service(5), Restart=). */
const forced = "SIGHUP SIGINT SIGTERM SIGPIPE";

/**
 * Starts the launcher as the main process of a transient unit. The pauses between starts are the launcher's, since systemd has had
 * growing ones only from version 254 on; a unit that starts often is not given up.
 */
export function unitText({ owner, dir, restart, grace }: UnitSettings): string {
  const settings = {
    Type: "exec",
    Restart: restart,
    RestartSec: "0",
    ...(restart === "on-failure" && { RestartForceExitStatus: forced }),
    StartLimitIntervalSec: "0",
    TimeoutStopSec: `${Math.ceil(grace * 1000)}ms`,
    ExecStopPost: `/bin/sh ${dir}/after`,
    IgnoreSIGPIPE: "no",
  };
  const words = Object.entries(settings).flatMap(([key, value]) => ["-p", `${key}=${value}`]);
  const unit = [`--unit=${unitName(owner)}`, `--description=${owner}`];
  return `limit systemd-run --quiet --no-ask-password ${quoteAll([...unit, ...words, "/bin/sh", `${dir}/launch`])}`;
}

/** What systemd runs after the program and all that it started have ended: notes how. */
export function afterScript(dir: string): string {
  return [
    `cd ${quote(dir)} 2>/dev/null || exit 0`,
    "umask 077",
    endedFunction,
    // A number, or the name of a signal (systemd.exec(5)).
    'ended "$EXIT_STATUS"',
    "",
  ].join("\n");
}

/**
 * `stop_unit CENTISECONDS`: stops the unit if it is this owner's. systemd sends TERM, and KILL when the time that the unit was
 * given is over.
 */
export function stopUnitFunction(owner: string): string {
  return `
stop_unit() {
  [ -d /run/systemd/system ] || return 0
  unit=${quote(unitName(owner))} began=$(now)
  [ "$(limit systemctl show -p Description --value "$unit" 2>/dev/null)" = ${quote(owner)} ] || return 0
  limit systemctl --no-block stop "$unit" 2>/dev/null
  while state=$(limit systemctl show -p ActiveState --value "$unit"); do
    case $state in inactive | failed) break ;; esac
    past=$(($(now) - began))
    [ $past -lt "$1" ] || { echo "the unit $unit does not stop: it is $state" >&2; exit 1; }
    if [ $past -lt 100 ]; then sleep 0.05; else yield; sleep 0.2; fi
  done
  limit systemctl reset-failed "$unit" 2>/dev/null
}`;
}
