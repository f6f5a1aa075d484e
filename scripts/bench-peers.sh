#!/bin/sh
# bench-peers.sh mininet|cni|rate: what a peer of `npm run bench` needs, in a folder of its own below LINUXNET_BENCH (default
# ~/.cache/linuxnet-bench). Nothing is installed: to remove it, remove the folder.
set -eu
cache=${LINUXNET_BENCH:-$HOME/.cache/linuxnet-bench}
peer=$1
CNI_PLUGINS=1.9.1
CNI=1.3.1

say() { echo "bench: $*"; }
fail() { echo "$*" >&2; exit 1; }
quietly() { "$@" >"$scratch/log" 2>&1 || fail "$1 $2 failed: $(tail -n 2 "$scratch/log" | tr '\n' ' ')"; }

# Debian's packages, unpacked.
unpack() {
  command -v apt-get >/dev/null || fail "this system has no apt-get"
  say "unpacking Debian's $*"
  (cd "$scratch" && { apt-get download -q "$@" || { apt-get update -q && apt-get download -q "$@"; }; }) >"$scratch/log" 2>&1 ||
    fail "apt-get download failed: $(tail -n 2 "$scratch/log" | tr '\n' ' ')"
  for package in "$scratch"/*.deb; do dpkg -x "$package" "$scratch/made"; done
  (cd "$scratch" && for package in *.deb; do echo "${package%_*}" | sed 's/%3a/:/; s/_/ /'; done) >"$scratch/made/versions"
}

# build MODULE VERSION PACKAGE...: programs of a Go module.
build() {
  module=$1 version=$2
  shift 2
  mkdir "$scratch/$(basename "$module")"
  cd "$scratch/$(basename "$module")"
  quietly go mod init scratch
  quietly go get "$module@v$version"
  for package in "$@"; do quietly go get "$module/$package@v$version"; done
  for package in "$@"; do quietly go build -trimpath -o "$scratch/made/bin/" "$module/$package"; done
  echo "$(basename "$module") $version" >>"$scratch/made/versions"
}

mininet() { unpack mininet bridge-utils net-tools; }

cni() {
  PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || fail "Go is not on PATH"
  say "building the CNI plugins and cnitool from their Go modules"
  export GOTOOLCHAIN=auto GOWORK=off GO111MODULE=on CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -mod=mod -buildvcs=false"
  mkdir -p "$scratch/made/bin"
  build github.com/containernetworking/plugins $CNI_PLUGINS plugins/main/bridge plugins/ipam/host-local plugins/meta/portmap
  build github.com/containernetworking/cni $CNI cnitool
}

# What opens connections for the measurement of published ports; built anew when its source is another.
rate() {
  PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || fail "Go is not on PATH"
  quietly env GO111MODULE=off CGO_ENABLED=0 go build -o "$scratch/made/rate" "$source"
  touch "$scratch/made/versions"
}

source=$(dirname "$0")/../test/bench/rate/main.go
[ "$peer" != rate ] || [ "$cache/rate/rate" -nt "$source" ] || rm -rf "$cache/rate"
[ ! -e "$cache/$peer/versions" ] || exit 0
mkdir -p "$cache"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
mkdir "$scratch/made"
"$peer"
rm -rf "${cache:?}/$peer"
mv -T "$scratch/made" "$cache/$peer"
