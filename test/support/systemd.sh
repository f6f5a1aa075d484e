# PID 1 of a test machine that systemd runs, in net, mount, pid, uts and ipc namespaces of its own; argument: the folder of its
# cgroup. The root is an overlay of the real machine's, with no units but those of systemd itself.
set -eu
# /proc is still the real machine's: its number for this process, by which others enter.
read -r pid _ </proc/self/stat
echo $$ >"$1/cgroup.procs"
exec unshare --cgroup sh -eu -c '
hostname machine
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 dev dev
for device in null zero full random urandom tty; do
  : >dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/lock
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs media
rm -rf etc/systemd/system etc/netns
mkdir etc/systemd/system
printf "[Unit]\nDescription=A machine of a test\nRequires=basic.target\nAfter=basic.target\n" >etc/systemd/system/machine.target
# What concerns the kernel as a whole is not a test machine to touch.
for unit in dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  sys-kernel-config.mount systemd-modules-load.service systemd-sysctl.service systemd-udevd.service \
  systemd-udev-trigger.service; do
  ln -s /dev/null "etc/systemd/system/$unit"
done
printf %032d 1 >etc/machine-id
printf "127.0.0.1 localhost machine\n" >etc/hosts
mkdir old
pivot_root . old
umount -l /old
rmdir /old
echo "$0"
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --unit=machine.target --log-target=null --show-status=0 >/dev/null 2>&1
' "$pid"
