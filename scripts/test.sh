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

code=0
vitest run "$@" || code=$?
if [ -n "$failed" ]; then
  echo "failed before the tests:$failed" >&2
  [ "$code" -ne 0 ] || code=1
fi
exit "$code"
