#!/bin/sh
# `npm run coverage`: the branches of all schemas, and of what reads them, that the unit tests run. Fails under 100 %.
set -eu
cd "$(dirname "$0")/.."
. scripts/env.sh
include=
for file in provider/lifecycle/check.ts provider/kernel/schema.ts provider/kernel/*-schema.ts provider/kernel/*-shape.ts \
  provider/kernel/dictionary.ts provider/kernel/connection.ts provider/kernel/duration.ts provider/kernel/addresses.ts \
  provider/resources/lab/shape.ts; do
  include="$include --coverage.include=$file"
done
# shellcheck disable=SC2086
exec vitest run --project unit test/unit/hostile.test.ts test/unit/lifecycle test/unit/kernel test/unit/resources --coverage.enabled \
  --coverage.provider=v8 --coverage.thresholds.branches=100 --coverage.reporter=text --coverage.reportsDirectory="${TMPDIR:-/tmp}/linuxnet-coverage" $include "$@"
