#!/bin/sh
# `npm run test:mutation`: Stryker changes the code of provider/lifecycle and provider/resources in one place at a time, and the
# tests of test/mutation/vitest.config.ts have to notice. Takes hours: it runs at the lowest priority, one change after the other, and
# what it has found is kept for the next run in .tmp-e2e. Arguments go to Stryker: `npm run test:mutation -- -m provider/lifecycle/check.ts`.
# LINUXNET_MUTATION_TESTS names other tests.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/env.sh

[ "$(id -u)" = 0 ] || { echo "they make network namespaces, which takes root: sudo npm run test:mutation" >&2; exit 1; }
# Stryker brings more packages than all else together: it is installed where it is asked for only.
[ test/mutation/node_modules/.package-lock.json -nt test/mutation/package-lock.json ] ||
  (cd test/mutation && npm ci --ignore-scripts)
exec nice -n 19 test/mutation/node_modules/.bin/stryker run test/mutation/stryker.json "$@"
