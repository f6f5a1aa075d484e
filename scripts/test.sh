#!/bin/sh
# `npm test`: lint, types, then all tests. Arguments go to vitest: `npm test -- test/unit`, `npm test -- --project kernel`.
# LINUXNET_TEST_REPORT names a file for vitest's JSON report; the checks before it that failed go to that name + ".checks".
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/env.sh

failed=
check() { # check NAME COMMAND...
  name=$1
  shift
  echo "$name: $*"
  "$@" && return
  failed="$failed $name"
  [ -z "${LINUXNET_TEST_REPORT:-}" ] || echo "$name" >>"$LINUXNET_TEST_REPORT.checks"
}
check lint biome ci --error-on-warnings
check types tsc

# The tests make machines of their own out of namespaces, which takes root. What root leaves in the user's folders is handed back.
as_root() {
  [ "$(id -u)" != 0 ] || { "$@"; return; }
  echo "tests: they make network namespaces, which takes root: sudo $1"
  as_root_code=0
  before=$(mktemp)
  sudo --preserve-env env "PATH=$PATH" "HOME=$HOME" "$@" || as_root_code=$?
  for folder in "$PWD" "${PULUMI_HOME:-$HOME/.pulumi}" "$HOME/.npm" "$HOME/.cache" "$HOME/.local"; do
    [ ! -d "$folder" ] || sudo find "$folder" -xdev -user root -cnewer "$before" -exec chown -h "$(id -u):$(id -g)" {} +
  done
  rm -f "$before"
  return "$as_root_code"
}

code=0
as_root vitest run "$@" || code=$?
if [ -n "$failed" ]; then
  echo "failed before the tests:$failed" >&2
  [ "$code" -ne 0 ] || code=1
fi
exit "$code"
