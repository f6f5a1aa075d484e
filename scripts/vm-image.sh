#!/bin/sh
# The recipe of the image of the virtual machines, for scripts/vm.sh, which runs this in namespaces of its own. Its argument is
# the folder of the image.
set -eu
cache=$1
root=$cache/root
# What is on the machines; another list, or another recipe below, is another image.
guest='systemd systemd-sysv udev dbus libpam-systemd openssh-server sudo iproute2 nftables iptables conntrack iputils-ping
  tcpdump curl socat dnsmasq-base python3-minimal kmod procps ca-certificates ufw firewalld'

say() { echo "vm: $*"; }
fail() { echo "vm: $*" >&2; exit 1; }

# The mirror is the one that apt on this machine uses.
mirror=${LINUXNET_VM_MIRROR:-}
apt=/etc/apt/sources.list
[ -n "$mirror" ] || mirror=$(awk '/^URIs:/ { print $2; exit }' $apt.d/debian.sources 2>/dev/null) || :
[ -n "$mirror" ] ||
  mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' $apt 2>/dev/null) || :
[ -n "$mirror" ] || fail "apt on this machine names no mirror: set LINUXNET_VM_MIRROR to one of Debian's."
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$cache/log" 2>&1 || fail "debootstrap failed: $(tail -n 3 "$cache/log")"

in_root() { chroot "$root" "$@" >>"$cache/log" 2>&1 || fail "$* failed: $(tail -n 3 "$cache/log")"; }
network() { rm -f "$root/etc/resolv.conf" && cp -L /etc/resolv.conf "$root/etc/resolv.conf" && cp /etc/hosts "$root/etc/hosts"; }
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe"
printf 'path-exclude=/usr/share/%s/*\n' man doc locale >"$root/etc/dpkg/dpkg.cfg.d/small"
cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || :
# Debian 12 has its lists from here, with its security updates; elsewhere debootstrap's own list stays.
if grep -q '^VERSION_CODENAME=bookworm' /etc/os-release && [ -z "${LINUXNET_VM_MIRROR:-}" ]; then
  for list in sources.list sources.list.d/debian.sources; do
    rm -f "$root/etc/apt/$list"
    [ ! -f "/etc/apt/$list" ] || cp "/etc/apt/$list" "$root/etc/apt/$list"
  done
fi
network
in_root apt-get update -q
# shellcheck disable=SC2086
in_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $guest
say "packages are in"

# The kernel without its hooks: unpacked, and a minimal initramfs of what the root disk needs.
network
in_root sh -c 'cd /tmp && apt-get download busybox-static $(apt-cache depends linux-image-amd64 |
  awk "/Depends: linux-image/ { print \$2; exit }")'
mkdir -p "$cache/kernel/i"
for deb in "$root"/tmp/*.deb; do dpkg-deb -x "$deb" "$cache/kernel"; done
rm -f "$root"/tmp/*.deb
version=$(ls "$cache/kernel/lib/modules")
cp "$cache/kernel/boot/vmlinuz-$version" "$cache/vmlinuz"
for folder in gpu media infiniband iio staging scsi hid mmc usb thunderbolt mtd ata net/wireless net/ethernet; do
  rm -rf "$cache/kernel/lib/modules/$version/kernel/drivers/$folder"
done
mkdir -p "$root/usr/lib/modules"
cp -a "$cache/kernel/lib/modules/$version" "$root/usr/lib/modules/"
depmod -b "$root" "$version" >>"$cache/log" 2>&1
initrd=$cache/kernel/i
mkdir -p "$initrd/bin" "$initrd/dev" "$initrd/proc" "$initrd/sys" "$initrd/mnt" "$initrd/m"
cp "$cache/kernel/bin/busybox" "$initrd/bin/"
number=10
for module in virtio_pci virtio_blk crc32c_generic crc32c_intel jbd2 ext4; do
  modprobe -d "$root" -S "$version" --show-depends $module 2>/dev/null | awk '$1 == "insmod" { print $2 }'
done | awk '!seen[$0]++' | while read -r file; do
  number=$((number + 1))
  cp "$file" "$initrd/m/$number-${file##*/}"
done
cat >"$initrd/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs d /dev; $b mount -t proc p /proc; $b mount -t sysfs s /sys
for module in /m/*.ko; do $b insmod $module 2>/dev/null; done
n=0; while [ ! -b /dev/vda ] && [ $n -lt 200 ]; do $b sleep 0.05; n=$((n + 1)); done
$b mount -t ext4 -o rw,noatime /dev/vda /mnt || exec $b sh
$b mount -o move /dev /mnt/dev; $b mount -o move /proc /mnt/proc; $b mount -o move /sys /mnt/sys
exec $b switch_root /mnt /sbin/init
INIT
chmod 755 "$initrd/init"
(cd "$initrd" && find . | cpio -o -H newc --quiet | gzip -1) >"$cache/initrd"

# Who comes in, and by what name: the machine's number is on the kernel's command line.
[ -f "$cache/id" ] || ssh-keygen -q -t ed25519 -N '' -C linuxnet-vm -f "$cache/id"
in_root useradd -m -s /bin/bash lab
for home in root home/lab; do
  install -d -m 700 "$root/$home/.ssh"
  install -m 600 "$cache/id.pub" "$root/$home/.ssh/authorized_keys"
done
in_root chown -R lab:lab /home/lab/.ssh
echo 'lab ALL=(root) NOPASSWD: ALL' >"$root/etc/sudoers.d/lab"
chmod 440 "$root/etc/sudoers.d/lab"
printf 'UseDNS no\nPrintMotd no\nPrintLastLog no\n' >"$root/etc/ssh/sshd_config.d/lab.conf"
rm -f "$root"/etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -C vm -f "$root/etc/ssh/ssh_host_ed25519_key"
cut -d ' ' -f 1,2 "$root/etc/ssh/ssh_host_ed25519_key.pub" >"$cache/host-key"
echo '/dev/vda / ext4 rw,noatime 0 0' >"$root/etc/fstab"
printf '127.0.0.1 localhost\n::1 localhost\n10.98.0.1 vm1\n10.98.0.2 vm2\n' >"$root/etc/hosts"
rm -f "$root/etc/resolv.conf"
echo 'nameserver 10.0.2.3' >"$root/etc/resolv.conf"
unit="$root/etc/systemd"
printf '[Match]\nName=eth0\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' \
  >"$unit/network/10-eth0.network"
cat >"$root/usr/local/sbin/lab-name" <<'NAME'
#!/bin/sh
number=$(sed -n 's/.*lab=\([0-9]*\).*/\1/p' /proc/cmdline)
mkdir -p /run/systemd/network
printf '[Match]\nName=eth1\n[Network]\nAddress=10.98.0.%s/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' "$number" \
  >/run/systemd/network/20-eth1.network
echo "vm$number" >/proc/sys/kernel/hostname
echo "vm$number" >/etc/hostname
NAME
chmod 755 "$root/usr/local/sbin/lab-name"
printf '[Unit]\nDefaultDependencies=no\nBefore=systemd-networkd.service\nAfter=systemd-remount-fs.service\n[Service]\nType=oneshot\nExecStart=/usr/local/sbin/lab-name\n[Install]\nWantedBy=sysinit.target\n' \
  >"$unit/system/lab-name.service"
in_root systemctl -q enable lab-name systemd-networkd ssh
# Installed, and as Debian has them: a test starts the one that it is about.
in_root systemctl -q disable firewalld ufw nftables
in_root systemctl -q mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service getty@tty1.service serial-getty@ttyS0.service \
  sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount systemd-pstore.service
rm -rf "$root/usr/sbin/policy-rc.d" "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
rm -f "$cache/disk"
truncate -s 3G "$cache/disk"
mkfs.ext4 -q -F -m 0 -d "$root" "$cache/disk"
echo "$version" >"$cache/version"
