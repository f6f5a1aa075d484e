# The Pulumi engine with its language host for Node: found, downloaded or built. Sourced by scripts/setup.sh, whose words it uses;
# what it is for is `install_engine`. Its version is that of package.json.

ENGINE_NEEDED=3.200
GO_NEEDED=1.21
# The last release in which the Node language host is part of a Go module that can be fetched.
LANGUAGE_HOST=3.68.0

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
    # A network that swallows packets would be waited for without an end.
    go mod init scratch && timeout -k 5 900 go get "$1@v$2" && timeout -k 5 1500 go build -trimpath -o "$build/made/bin/$3" \
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
