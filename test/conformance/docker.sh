# docker.sh start|restart|stop|enter NAME: Docker in a test machine; run by bash there, with PACKAGES, the folder of scripts/docker.sh.
# What it writes lies on the machine's own /run and ends with it. Outside of the machine are its cgroups only, all below one
# folder, and `stop` removes them.
set -eu
group=${GROUP:-linuxnet-conformance}
state=/run/docker-state
export PATH=$PACKAGES/usr/bin:$PACKAGES/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin

# The hierarchies of the real machine, which a machine's own /sys covers, each at its place again.
mount_cgroups() {
  grep -q ' /sys/fs/cgroup .* - cgroup2 ' /proc/self/mountinfo || mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  while read -r _ _ _ _ point rest; do
    read -r type _ options <<<"${rest#*- }"
    options=$(tr , '\n' <<<"$options" | grep -v release_agent | paste -sd,)
    case $options in *name=*) options=$options,none ;; esac
    mkdir -p "$point"
    mount -t "$type" -o "$options" cgroup "$point"
  done < <(grep -E ' - cgroup2? ' /proc/self/mountinfo)
}

remove_cgroups() {
  find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} + 2>/dev/null || :
}

daemon() {
  setsid dockerd --data-root $state/data --exec-root $state/exec --pidfile $state/pid --cgroup-parent "/$group" \
    </dev/null >$state/log 2>&1 &
  for _ in $(seq 600); do
    ! docker version >/dev/null 2>&1 || break
    kill -0 $! 2>/dev/null || { tail -n 3 $state/log >&2; exit 1; }
    sleep 0.1
  done
}

end_daemon() {
  kill "$(cat $state/pid)"
  for _ in $(seq 100); do [ -e $state/pid ] || break; sleep 0.1; done
}

restart() {
  end_daemon
  daemon
}

start() {
  mount_cgroups
  remove_cgroups
  mkdir -p $state/image/{bin,usr,etc,tmp,proc,sys,dev,srv}
  daemon
  # The image: Debian's busybox; the containers get the machine's /usr as a volume.
  cp "$PACKAGES/bin/busybox" $state/image/bin/
  ln -s busybox $state/image/bin/sh
  for name in lib lib64; do ln -s "usr/$name" "$state/image/$name"; done
  tar -C $state/image -c . | docker import - lab >/dev/null
}

stop() {
  docker ps -aq | xargs -r docker rm -f >/dev/null
  end_daemon
  remove_cgroups
}

# Gives a container's namespace a name, and its files the places where `ip netns exec` looks for them.
enter() {
  ip netns attach "$1" "$(docker inspect -f '{{.State.Pid}}' "$1")"
  mkdir -p "/etc/netns/$1"
  read -r resolv hosts < <(docker inspect -f '{{.ResolvConfPath}} {{.HostsPath}}' "$1")
  [ -z "$hosts" ] || ln -s "$resolv" "/etc/netns/$1/resolv.conf"
  [ -z "$hosts" ] || ln -s "$hosts" "/etc/netns/$1/hosts"
}

"$@"
