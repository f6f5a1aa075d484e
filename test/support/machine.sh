# PID 1 of a test machine, in net, mount, pid and uts namespaces of its own. Its stdin is a pipe from the test: when the test
# process is gone, so is the machine. Everything here is in the machine alone.
set -eu
# /proc is still the real machine's: its number for this process, by which others enter.
read -r pid _ </proc/self/stat

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/lock
# What belongs to the machine itself and not to what is tested: the upper side of /etc, and the world's namespace.
mount -t tmpfs -o mode=755 tmpfs /media
mkdir /media/etc /media/work
mount -t overlay -o lowerdir=/etc,upperdir=/media/etc,workdir=/media/work overlay /etc
hostname machine
printf '127.0.0.1 localhost machine\n::1 localhost\n' >/etc/hosts

: >/media/world
unshare --net=/media/world true
ip -batch - <<'IP'
link set lo up
link add up0 address 02:00:00:00:00:02 type veth peer name up0 address 02:00:00:00:00:01 netns /media/world
IP
# Its link-local address is there at once: nothing of a machine changes by itself.
echo 0 >/proc/sys/net/ipv6/conf/up0/accept_dad
ip -batch - <<'IP'
addr add 203.0.113.2/24 dev up0
addr add 2001:db8:203::2/64 dev up0 nodad
link set up0 up
IP
nsenter --net=/media/world ip -batch - <<'IP'
link set lo up
addr add 203.0.113.1/24 dev up0
addr add 2001:db8:203::1/64 dev up0 nodad
link set up0 up
IP
ip -batch - <<'IP'
route add default via 203.0.113.1
route add default via 2001:db8:203::1
IP
echo "$pid"
# The kernel reaps the children of a PID 1 that ignores their end.
exec env --ignore-signal=CHLD cat >/dev/null
