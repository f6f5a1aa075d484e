import { quote } from "./quote.ts";

/**
 * Ends all processes of a program: TERM, 5 s later KILL; then removes its files. Which ones: those of its session while its
 * first process lives, and those in its namespace that carry its owner in their environment (children that made a session of
 * their own). Each is known by pid and start time, so that a number that was given away again is nobody to us.
 *
 * @returns a fragment of sh that fails when a process cannot be ended
 */
export function stopText(owner: string, dir: string): string {
  return [
    "(\nset +e",
    `dir=${quote(dir)} mark=${quote(`LINUXNET_OWNER=${owner}`)}`,
    definitions,
    'end TERM 100 || end KILL 40 || { echo "these processes cannot be ended:" $old >&2; exit 1; }',
    "supervisor",
    'limit rm -rf "$dir"\n)',
  ].join("\n");
}

// The fields of /proc/PID/stat behind the name, which may hold anything (proc(5)): 1 is the state, 20 the start time.
const definitions = `
pid= start= ns= old= told=
[ ! -s "$dir/pid" ] || read -r pid start ns <"$dir/pid"
born() {
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- \${stat##*) }
  case $1 in Z | X | '') return 1 ;; esac
  echo "\${20}"
}
known() { while read -r p; do b=$(born "$p") && echo "$p:$b"; done; }
marked() {
  limit grep -lszxF "$mark" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ p _; do
    [ "$(readlink "/proc/$p/ns/net" 2>/dev/null)" = "$ns" ] && echo "$p"
  done
}
session() {
  [ "$(born "$pid")" = "$start" ] || return
  cat /proc/[0-9]*/stat 2>/dev/null | sed -n "s/^\\([0-9]*\\) (.*) [^ZX] [0-9]* [0-9]* $pid .*/\\1/p"
}
members() {
  [ -n "$ns" ] || return
  { marked; session; } | known
  for m in $old; do [ "$(born "\${m%:*}")" != "\${m#*:}" ] || echo "$m"; done
}
end() {
  round=0 told=
  while old=$(members | sort -u) && [ -n "$old" ]; do
    [ $round -lt "$2" ] || return 1
    for m in $old; do
      case " $told " in *" $m "*) ;; *) kill -"$1" "\${m%:*}" 2>/dev/null; told="$told $m" ;; esac
    done
    sleep 0.05
    round=$((round + 1))
  done
}
supervisor() {
  [ -s "$dir/supervisor" ] && read -r pid start <"$dir/supervisor" || return
  round=0
  while [ "$(born "$pid")" = "$start" ]; do
    [ $round -lt 40 ] || { kill -KILL "$pid"; return; }
    sleep 0.05
    round=$((round + 1))
  done
}`;
