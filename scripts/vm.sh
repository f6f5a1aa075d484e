#!/bin/sh
# The image of the virtual machines of `npm run test:vm`: Debian 12 with systemd, udev and Debian's own kernel, built once into
# a folder outside the checkout (LINUXNET_VM; default ~/.cache/linuxnet-vm). Needs root; takes some minutes and 1 GB.
# LINUXNET_VM_MIRROR: where Debian's packages come from; default: where apt on this machine has them from.
set -eu
cache=${LINUXNET_VM:-$HOME/.cache/linuxnet-vm}
recipe=${0%/*}/vm-image.sh
stamp=$(cksum <"$recipe" | cut -d ' ' -f 1)

say() { echo "vm: $*"; }
fail() { echo "vm: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "root is needed: sudo npm run test:vm"

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; } # need COMMAND PACKAGE...
need debootstrap 'debootstrap debian-archive-keyring'
need qemu-system-x86_64 'qemu-system-x86 seabios'
need qemu-img qemu-utils
need cpio cpio
need modprobe kmod
need mkfs.ext4 e2fsprogs
need ssh-keygen openssh-client
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || fail "this system has no apt-get, and these are missing:$missing"
  say "installing$missing"
  # shellcheck disable=SC2086
  said=$({ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing; } 2>&1) ||
    fail "apt-get failed: $(echo "$said" | tail -n 3)"
fi

mkdir -p "$cache"
# The tests hold the lock too, shared, as long as they use the image. Who comes second waits for the image of the first.
exec 9>"$cache/lock"
is_made() { [ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ]; }
flock -s 9
! is_made || exit 0
flock 9
! is_made || exit 0
say "building the image in $cache"
tidy() { rm -rf "$cache/root" "$cache/kernel"; }
rm -f "$cache/stamp"
tidy
# What the recipe mounts and starts is in namespaces, and ends with this script, however that is.
setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child sh "$recipe" "$cache" </dev/null &
build=$!
tidy_all() {
  kill -KILL $build 2>/dev/null || :
  wait $build 2>/dev/null || :
  # What runs in its namespaces may still write for a moment.
  tidy 2>/dev/null || { sleep 2; tidy; }
}
trap tidy_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
wait $build
echo "$stamp" >"$cache/stamp"
say "the image has kernel $(cat "$cache/version") and takes $(du -m "$cache/disk" | cut -f 1) MB"
