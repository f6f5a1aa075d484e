/** Leaves in `born` when this shell was started: the 20th field behind its name (proc(5)). */
export const ownStat = `read -r stat <"/proc/$$/stat"; set -- \${stat##*) }; born=\${20}`;

/** The fields of /proc/PID/stat behind the name, which may hold anything (proc(5)): 1 is the state, 20 the start time. */
const known = `
born() {
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- \${stat##*) }
  case $1 in Z | X | '') return 1 ;; esac
  echo "\${20}"
}
now() {
  read -r up _ </proc/uptime
  echo "\${up%.*}\${up#*.}"
}
known() { while read -r p; do b=$(born "$p") && echo "$p:$b"; done; }`;

/** Who belongs to a program, as lines of pid and start time. */
const members = `
marked() {
  limit grep -lszxF "$mark" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ p _; do
    [ "$(readlink "/proc/$p/ns/net" 2>/dev/null)" = "$ns" ] && echo "$p"
  done
}
session() {
  case $(born "$pid") in "$start") ;; '') [ -n "$loose" ] || return ;; *) return ;; esac
  cat /proc/[0-9]*/stat 2>/dev/null | sed -n "s/^\\([0-9]*\\) (.*) [^ZX] [0-9]* [0-9]* $pid .*/\\1/p"
}
grouped() { [ -z "$cgroup" ] || cat "$cgroup/cgroup.procs" 2>/dev/null; }
whose() {
  [ ! -s "$dir/cgroup" ] || read -r cgroup <"$dir/cgroup"
  [ -s "$dir/pid" ] && read -r a b c _ <"$dir/pid" && pid=$a start=$b ns=$c
}
members() {
  [ -n "$ns" ] || return
  { marked; session; grouped; } | known
  for m in $old; do [ "$(born "\${m%:*}")" != "\${m#*:}" ] || echo "$m"; done
}`;

/**
 * `end SIGNAL CENTISECONDS`: signals each of them once and waits until none is left and `busy` says no; fails when time is over.
 * TERM is for those that are there at the beginning: what they start meanwhile is their way to end. KILL is for all.
 */
const end = `
end() {
  began=$(now) told= later=
  while whose; old=$(members | sort -u); [ -n "$old" ] || busy; do
    past=$(($(now) - began))
    [ $past -lt "$2" ] || return 1
    for m in $old; do
      case " $told " in *" $m "*) continue ;; esac
      [ "$later$1" = 1TERM ] && [ "\${m%:*}" != "$pid" ] && continue
      kill -"$1" "\${m%:*}" 2>/dev/null
      told="$told $m"
    done
    loose= later=1
    if [ $past -lt 100 ]; then sleep 0.05; else yield; sleep 0.2; fi
  done
}
pumped() {
  [ -s "$dir/pump.pid" ] && read -r a b <"$dir/pump.pid" || return 0
  round=0
  while [ "$(born "$a")" = "$b" ]; do
    [ $round -lt 20 ] || { kill -KILL -- "-$a"; return 0; }
    sleep 0.05
    round=$((round + 1))
  done
}`;

/**
 * Functions of sh that find and end the processes of a program: all of its cgroup, where it has one; those of its session while its
 * first process lives; and those in its namespace that carry its owner in their environment (children that made a session of
 * their own). Each is known by pid and start time, so that a number that was given away again is nobody to us.
 *
 * They want `limit`, `busy` and `yield`, and the variables `dir` (its folder) and `mark` (its variable with the owner).
 * `loose` says that the first process has ended at this moment, so that its session is still known by its number.
 */
export const memberFunctions = `pid= start= ns= cgroup= old= told= loose=${known}${members}${end}`;
