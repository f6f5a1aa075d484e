# PID 1 of a test machine, in net, mount, pid and uts namespaces of its own. Its stdin is a pipe from the test: when the test
# process is gone, so is the machine. Everything here is in the machine alone.
set -eu
# /proc is still the real machine's: its number for this process, by which others enter.
read -r pid _ </proc/self/stat

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/lock
# What the package locks is the machine's own.
mount -t tmpfs -o mode=700 tmpfs /var/cache/ldconfig
# What belongs to the machine itself and not to what is tested: the upper side of /etc, and the world's namespace.
mount -t tmpfs -o mode=755 tmpfs /media
mkdir /media/etc /media/work
mount -t overlay -o lowerdir=/etc,upperdir=/media/etc,workdir=/media/work overlay /etc
hostname machine
printf '127.0.0.1 localhost machine\n::1 localhost\n' >/etc/hosts
