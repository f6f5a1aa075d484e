#!/bin/sh
# Debian's docker.io for `npm run test:conformance`: its packages are unpacked into a folder outside the checkout (LINUXNET_DOCKER;
# default ~/.cache/linuxnet-docker), and not installed. Nothing starts, and a Docker that is installed stays as it is.
set -eu
cache=${LINUXNET_DOCKER:-$HOME/.cache/linuxnet-docker}
packages='docker.io containerd runc tini busybox-static'

say() { echo "docker: $*"; }
fail() { echo "docker: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "root is needed: sudo npm run test:conformance"
[ ! -e "$cache/ready" ] || exit 0
command -v apt-get >/dev/null || fail "this system has no apt-get: Debian's docker.io is needed."

say "unpacking Debian's docker.io into $cache"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
# shellcheck disable=SC2086
(cd "$scratch" && { apt-get download -q $packages || { apt-get update -q && apt-get download -q $packages; }; }) >"$scratch/log" 2>&1 ||
  fail "apt-get download failed: $(tail -n 3 "$scratch/log")"
rm -rf "$cache"
mkdir -p "$cache"
for package in "$scratch"/*.deb; do dpkg -x "$package" "$cache"; done
lost=$(for file in "$cache"/usr/bin/* "$cache"/usr/sbin/*; do ldd "$file" 2>/dev/null | grep 'not found'; done || :)
[ -z "$lost" ] || fail "libraries are missing: $(echo "$lost" | sort -u). \`apt-get install --no-install-recommends docker.io\` brings them."
touch "$cache/ready"
