# PID 1 of a test host, in net, mount, uts, ipc and pid namespaces inside those of the client side; arguments: NUMBER,
# MACHINE_ID, GATE (the pid of the host behind which this one stands; empty: on the wire) and WORLD (not empty: an uplink
# follows, and the cable is no default route). Everything is gone with it.
set -eu
number=$1 machine_id=$2 gate=$3 world=$4
lab=/media/lab
# /proc is still the client side's.
read -r pid _ </proc/self/stat
hostname "h$number"

# The cable. A host that lost its power leaves nothing but its name.
if [ -z "$gate" ]; then
  net=10.99.0 router=254 outer="nsenter --net=/proc/1/ns/net" port=h$number
  $outer ip link del "$port" 2>/dev/null || :
  # A network card keeps its address over a power loss, and others remember it.
  ip link add ens3 address 02:00:00:63:00:"$(printf %02x "$number")" type veth peer name "$port" netns /proc/1/ns/net
  $outer ip link set "$port" master wire addrgenmode none up
else
  net=10.98.0 router=254 outer="nsenter --net=/proc/$gate/ns/net" port=eth1
  ip link add ens3 type veth peer name "$port" netns "/proc/$gate/ns/net"
  $outer sh -c "echo 0 >/proc/sys/net/ipv6/conf/$port/accept_dad"
  $outer ip addr add $net.$router/24 dev "$port"
  $outer ip link set "$port" up
fi
echo 0 >/proc/sys/net/ipv6/conf/ens3/accept_dad
ip -batch - <<IP
link set lo up
addr add $net.$number/24 dev ens3
link set ens3 up
IP
[ -n "$world" ] || ip route add default via $net.$router

# A root of its own. The upper side has to be on another file system than the lower one.
mount -t tmpfs -o mode=755 host /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 dev dev
for device in null zero full random urandom tty; do
  : >dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for fd in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/${fd%:*} dev/${fd#*:}; done
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/sshd run/lock
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs media
mount -t tmpfs -o mode=700 tmpfs root
mount -t tmpfs -o mode=755 tmpfs home

rm -rf etc/netns etc/resolv.conf etc/ssh/ssh_host_* etc/ssh/sshd_config.d
mkdir etc/ssh/sshd_config.d
echo nameserver $net.$router >etc/resolv.conf
printf '127.0.0.1 localhost h%s\n::1 localhost\n' "$number" >etc/hosts
echo "h$number" >etc/hostname
echo "$machine_id" >etc/machine-id
install -m 600 $lab/keys/host"$number" etc/ssh/host_key
cat >etc/ssh/sshd_config <<'SSHD'
# What a test adds stands first: the first value counts.
Include /etc/ssh/sshd_config.d/*.conf
HostKey /etc/ssh/host_key
PidFile /run/sshd.pid
UsePAM yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
PrintMotd no
LogLevel VERBOSE
SSHD

# authorize USER HOME KEY...
authorize() {
  install -d -m 700 -o "$1" -g "$1" "$2" "$2/.ssh"
  (cd $lab/keys && shift 2 && cat "$@") | install -m 600 -o "$1" -g "$1" /dev/stdin "$2/.ssh/authorized_keys"
}
{
  # A home's owner has to be known here, and in what is /etc from now on: so these come after the change of root.
  mkdir -p old
  pivot_root . old
  lab=/old$lab
  cd /
  id=2000
  for user in lab labfew labpw labno; do
    id=$((id + 1))
    echo "$user:x:$id:$id::/home/$user:/bin/bash" >>/etc/passwd
    echo "$user:x:$id:" >>/etc/group
    echo "$user:*:19000::::::" >>/etc/shadow
    authorize $user /home/$user spare.pub locked.pub
  done
  authorize root /root id.pub spare.pub locked.pub
  for user in lab labfew labno; do cat $lab/keys/id.pub >>/home/$user/.ssh/authorized_keys; done
  { printf 'labpw:'; cat $lab/password; echo; } | chpasswd
  umount -l /old
  rmdir /old 2>/dev/null || : # it may be a folder of the machine
}
cat >/etc/sudoers.d/lab <<'SUDO'
Defaults lecture=never
lab ALL=(root) NOPASSWD: ALL
labfew ALL=(root) NOPASSWD: /usr/sbin/ip, /usr/bin/ip, /sbin/ip, /bin/ip, /usr/sbin/nft, /usr/sbin/iptables, /usr/sbin/sysctl, /sbin/sysctl
labpw ALL=(root) ALL
SUDO
chmod 440 /etc/sudoers.d/lab
/usr/sbin/sshd -E /var/log/sshd.log
