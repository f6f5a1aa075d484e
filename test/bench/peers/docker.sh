# docker.sh begin|up|enter|leave|down|end N: Debian's docker.io; the daemon runs before the clock does. PACKAGES is the folder
# of scripts/docker.sh, AT_A_TIME how many `docker run` run at a time, DAEMON the script of the conformance test that starts and ends Docker in a machine.
set -eu
export PATH=$PACKAGES/usr/bin:$PACKAGES/usr/sbin:$PATH

begin() { bash "$DAEMON" start; }
end() { bash "$DAEMON" stop; }

up() {
  docker network create --subnet 10.77.0.0/16 lab
  seq "$1" | xargs -P "$AT_A_TIME" -I{} docker run -d --name h{} --network lab lab /bin/busybox sleep 1000000
}

down() {
  local names=()
  for ((i = 1; i <= $1; i++)); do names+=(h$i); done
  docker rm -f "${names[@]}"
  docker network rm lab
}

enter() { for name in $(printf '%s\n' h1 h$1 | sort -u); do bash "$DAEMON" enter $name; done; }

leave() {
  for name in $(printf '%s\n' h1 h$1 | sort -u); do
    ip netns del $name
    rm -r /etc/netns/$name
  done
  rmdir /etc/netns
}

"$@"
