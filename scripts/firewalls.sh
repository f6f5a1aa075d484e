#!/bin/sh
# Debian's ufw and firewalld for `npm run test:firewalls`: their packages are unpacked into a folder outside the checkout
# (LINUXNET_FIREWALLS; default ~/.cache/linuxnet-firewalls), and not installed. Nothing starts, and a firewall that is installed
# stays as it is. What they need besides (dbus, Python's gi and dbus) is installed.
set -eu
cache=${LINUXNET_FIREWALLS:-$HOME/.cache/linuxnet-firewalls}
packages='ufw firewalld python3-firewall python3-nftables'

say() { echo "firewalls: $*"; }
fail() { echo "firewalls: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "root is needed: sudo npm run test:firewalls"
[ ! -e "$cache/ready" ] || exit 0
command -v apt-get >/dev/null || fail "this system has no apt-get: Debian's ufw and firewalld are needed."

update() { apt-get update -q; }
missing=
command -v dbus-daemon >/dev/null || missing="$missing dbus-daemon"
/usr/bin/python3 -c 'import dbus' 2>/dev/null || missing="$missing python3-dbus"
/usr/bin/python3 -c 'import gi' 2>/dev/null || missing="$missing python3-gi"
install() { DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"; }
# shellcheck disable=SC2086
[ -z "$missing" ] || said=$({ install $missing || { update && install $missing; }; } 2>&1) ||
  fail "apt-get failed: $(echo "$said" | tail -n 3)"

say "unpacking Debian's ufw and firewalld into $cache"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
# shellcheck disable=SC2086
(cd "$scratch" && { apt-get download -q $packages || { update && apt-get download -q $packages; }; }) >"$scratch/log" 2>&1 ||
  fail "apt-get download failed: $(tail -n 3 "$scratch/log")"
rm -rf "$cache"
mkdir -p "$cache/usr/lib"
for package in "$scratch"/*.deb; do dpkg -x "$package" "$scratch/root"; done
cp -a "$scratch/root/usr" "$scratch/root/etc" "$cache/"
# They lie in /lib, which is a link to /usr/lib on a system of today.
cp -a "$scratch/root/lib/ufw" "$cache/usr/lib/"
# What ufw's package does when it is installed.
cp "$cache"/usr/share/ufw/iptables/*.rules "$cache"/usr/share/ufw/*.init "$cache/etc/ufw/"
cp "$cache/usr/share/ufw/ufw.conf" "$cache/etc/ufw/"
chmod 640 "$cache"/etc/ufw/*.rules
touch "$cache/ready"
