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

# Node's and the engine's versions are those of package.json.
NODE_NEEDED=22.18
ENGINE_NEEDED=3.200
GO_NEEDED=1.21
# The last release in which the Node language host is part of a Go module that can be fetched.
LANGUAGE_HOST=3.68.0
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
    quietly "npm ci" env PATH="$SYSTEM_PATH" npm ci --no-audit --no-fund --loglevel=error --ignore-scripts=false
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

# ---- the engine

# The folder of the engine's binaries: one of the user's own that fits, or that of this version under PULUMI_HOME.
find_engine() {
  from_path=$(PATH=$SYSTEM_PATH; command -v pulumi 2>/dev/null) || from_path=
  if [ -n "$from_path" ]; then
    # npm's launcher installed globally is no engine, only the way to one.
    real=$(readlink -f "$from_path")
    case $real in
      */node_modules/*) ;;
      *)
        version=$(PULUMI_SKIP_UPDATE_CHECK=true "$real" version 2>/dev/null | sed 's/^v//')
        language=$(PATH=$(dirname "$real"):$SYSTEM_PATH; command -v pulumi-language-nodejs) || language=
        if [ -n "$language" ] && [ "${version%%.*}" = 3 ] && at_least $ENGINE_NEEDED "$version"; then
          echo "$real"
          return
        fi
        ;;
    esac
  fi
  complete "$engine_home" && echo "$engine_home/bin/pulumi"
}

complete() { [ -x "$1/bin/pulumi" ] && [ -x "$1/bin/pulumi-language-nodejs" ]; }

# Puts a complete folder in the engine's place; someone else may have been faster.
put_engine() {
  complete "$1" || return 1
  complete "$engine_home" && return
  rm -rf "$engine_home"
  mv -T "$1" "$engine_home"
}

# What npm's launcher does, into a scratch folder and with an end: the official install script.
download_engine() {
  env PATH="$root/node_modules/.bin:$SYSTEM_PATH" NODE_USE_ENV_PROXY=1 timeout -k 5 600 \
    node scripts/download-engine.cjs "$engine_version" "$build/download" >"$scratch/log" 2>&1 </dev/null &&
    "$build/download/bin/pulumi" version >/dev/null 2>&1 && put_engine "$build/download"
}

# go_build MODULE_PACKAGE VERSION NAME: a program of a Go module, which `go install` refuses for its replace directives.
go_build() {
  mkdir -p "$build/$3" "$build/made/bin" || return
  (
    cd "$build/$3" || exit
    # An older Go fetches the one that the modules ask for. A distribution's Go has that switched off.
    export GOTOOLCHAIN=auto GOWORK=off GO111MODULE=on CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -mod=mod -buildvcs=false"
    go mod init scratch && go get "$1@v$2" && go build -trimpath -o "$build/made/bin/$3" \
      -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$2" "$1"
  )
}

build_engine() {
  PATH=$SYSTEM_PATH:/usr/local/go/bin:${HOME:-/root}/go/bin:/snap/bin
  has go || fail "the Pulumi engine can't be downloaded here, and building it needs Go $GO_NEEDED or newer, which is not on PATH."
  go=$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//; s/ .*//')
  at_least $GO_NEEDED "$go" || fail "the Pulumi engine can't be downloaded here, and building it needs Go $GO_NEEDED or newer: this is $go."
  say "engine: the download can't be had; building pulumi $engine_version from its Go modules (about 4 minutes)"
  quietly "building pulumi" go_build github.com/pulumi/pulumi/pkg/v3/cmd/pulumi "$engine_version" pulumi
  say "engine: building its language host for Node (about 20 seconds)"
  quietly "building pulumi-language-nodejs" \
    go_build github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs $LANGUAGE_HOST pulumi-language-nodejs
  put_engine "$build/made"
}

# link TARGET NAME: in the folder that scripts/env.sh puts first on PATH.
link() {
  folder=node_modules/.linuxnet/bin
  [ "$(readlink "$folder/$2" 2>/dev/null)" = "$1" ] && return
  mkdir -p $folder
  ln -sfn "$1" "$folder/$2"
}

install_engine() {
  engine_version=$(sed -n 's/^ *"pulumi": "\([0-9.]*\)".*/\1/p' package.json)
  versions=${PULUMI_HOME:-$HOME/.pulumi}/versions
  engine_home=$versions/$engine_version
  engine=$(find_engine) || engine=
  if [ -z "$engine" ]; then
    say "engine: downloading pulumi $engine_version to $engine_home"
    mkdir -p "$versions" || fail "$versions can't be written: set PULUMI_HOME to a folder that can."
    build=$(mktemp -d "$versions/.linuxnet-XXXXXX")
    chmod 755 "$build"
    download_engine || (build_engine) || exit 1
    rm -rf "$build"
    build=
    engine=$(find_engine) || fail "the engine was installed in $engine_home, and can't be run."
  fi
  # The plugin for dynamic providers: a downloaded engine has it beside it, for a built one it comes with the npm SDK.
  plugin=pulumi-resource-pulumi-nodejs
  bin=${engine%/*}
  rm -f node_modules/.linuxnet/bin/$plugin
  if [ ! -e "$bin/$plugin" ] && ! cp "node_modules/@pulumi/pulumi/$plugin" "$bin/$plugin" 2>/dev/null; then
    link "../../@pulumi/pulumi/$plugin" $plugin
  fi
  link "$engine" pulumi
  say "engine: $engine"
}

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
