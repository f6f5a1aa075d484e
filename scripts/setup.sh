#!/bin/sh
# Installs what is missing and says so; takes a second when nothing is.
#
#   setup.sh [run]   what the provider and the examples need
#   setup.sh test    what the tests need on top
#
# Four steps: Debian packages, npm packages (Node 24 is one of them), the entry files in dist/, the engine.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
purpose=${1:-run}

# Node's version is that of package.json.
NODE_NEEDED=22.18
# The Debian package and the command that it brings.
RUN_PACKAGES="iproute2:ip nftables:nft iptables:iptables iputils-ping:ping conntrack:conntrack curl:curl
  procps:sysctl python3:python3"
TEST_PACKAGES="tcpdump:tcpdump openssh-server:sshd openssh-client:ssh sudo:sudo dnsmasq-base:dnsmasq
  bind9-dnsutils:dig util-linux:unshare systemd:systemctl"

say() { echo "setup: $*"; }
fail() {
  echo "setup: $*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# quietly LABEL COMMAND...: the output is shown only when it fails.
quietly() {
  label=$1
  shift
  if "$@" >"$scratch/log" 2>&1 </dev/null; then return; fi
  tail -n 30 "$scratch/log" >&2
  fail "$label failed, see above."
}

# at_least 22.18 24.21.0: is the second version as new as the first?
at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# `npm run` puts node_modules/.bin first; what is meant here is the system's own Node, npm, Go and engine.
system_path() {
  printf %s "$PATH" | tr : '\n' | grep -v '/node_modules/' | tr '\n' :
}

# ---- Debian packages

missing_packages() {
  wanted=$RUN_PACKAGES
  [ "$purpose" = run ] || wanted="$wanted $TEST_PACKAGES"
  for pair in $wanted; do
    has "${pair#*:}" || printf '%s ' "${pair%:*}"
  done
  [ -e /etc/ssl/certs/ca-certificates.crt ] || [ "$purpose" = run ] || printf 'ca-certificates '
}

# as_root: prefix of a command that needs root, or the end.
as_root() {
  [ "$(id -u)" = 0 ] && return
  if has sudo && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
    echo "sudo"
    return
  fi
  fail "missing Debian packages ($*) need root: run this as root, as a user with sudo, or install them yourself."
}

install_packages() {
  missing=$(missing_packages)
  if [ -z "$missing" ]; then
    say "system packages: all there"
    return
  fi
  missing=${missing% }
  has apt-get || fail "this system has no apt-get, and these are missing: $missing."
  sudo=$(as_root "$missing") || exit 1
  say "system packages: installing $missing"
  apt="$sudo env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -o DPkg::Lock::Timeout=300"
  quietly "apt-get update" $apt update

  # Nothing that is installed here is to be started, now or at the next boot: Debian asks this file for the first.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
    $sudo chmod 755 "$policy"
    remove_policy="$sudo rm -f $policy"
  fi
  # shellcheck disable=SC2086
  quietly "apt-get install" $apt install -y --no-install-recommends $missing
  case " $missing " in
    *" openssh-server "*) has systemctl && $sudo systemctl disable ssh.service ssh.socket >/dev/null 2>&1 || true ;;
  esac
  ${remove_policy:-:}
  remove_policy=
  left=$(missing_packages)
  [ -z "$left" ] || fail "apt-get has installed $missing, and the commands of these are still not found: $left."
}

# ---- npm packages

lock_hash() { sha256sum package-lock.json | cut -d' ' -f1; }

# The Node that the checkout uses: the npm package `node`, or a system's Node that is new enough.
node_works() {
  found=$(PATH="$root/node_modules/.bin:$SYSTEM_PATH" node -p process.versions.node 2>/dev/null) || return 1
  at_least $NODE_NEEDED "$found"
}

install_npm_packages() {
  (PATH=$SYSTEM_PATH; has node && has npm) || fail "Node (18 or newer) with npm is needed, and is not on PATH."
  stamp=node_modules/.linuxnet/lock
  hash=$(lock_hash)
  if [ ! -e "$stamp" ] && [ node_modules/.package-lock.json -nt package-lock.json ]; then
    mkdir -p node_modules/.linuxnet
    echo "$hash" >"$stamp" # someone ran `npm ci` by hand
  fi
  if [ "$(cat "$stamp" 2>/dev/null)" != "$hash" ]; then
    say "npm packages: npm ci (a minute)"
    quietly "npm ci" env PATH="$SYSTEM_PATH" timeout -k 5 900 npm ci --no-audit --no-fund --loglevel=error --ignore-scripts=false
    mkdir -p node_modules/.linuxnet
    echo "$hash" >"$stamp"
  fi
  if ! node_works; then
    say "npm packages: the npm package \`node\` has no binary yet: npm rebuild node"
    quietly "npm rebuild node" env PATH="$SYSTEM_PATH" npm rebuild node --loglevel=error --ignore-scripts=false
    node_works || fail "no Node $NODE_NEEDED or newer: the npm package \`node\` does not run here, and the system's is ${found:-none}."
  fi
  say "npm packages: as locked, Node $found"
}

. scripts/setup-engine.sh

# ---- all of it

case $purpose in run | test) ;; *) fail "unknown purpose \"$purpose\": run or test." ;; esac
[ "$(uname -s)" = Linux ] || fail "this runs on Linux only, and this is $(uname -s)."
PATH=$PATH:/usr/sbin:/sbin
SYSTEM_PATH=$(system_path)

remove_policy=
build=
scratch=$(mktemp -d)
tidy() {
  ${remove_policy:-:}
  rm -rf "$scratch"
  [ -z "$build" ] || rm -rf "$build"
}
trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Two set-ups of one checkout wait for each other.
if has flock; then
  exec 9<scripts/setup.sh
  flock 9
fi

install_packages
install_npm_packages
PATH="$root/node_modules/.bin:$SYSTEM_PATH" node scripts/prepare.cjs shims
install_engine
