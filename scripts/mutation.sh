#!/bin/sh
# `npm run test:mutation`: Stryker changes the code of provider/lifecycle and provider/resources in one place at a time, and the
# tests of test/mutation/vitest.config.ts have to notice. It runs at the lowest priority, one change after the other, and what it has
# found is kept in .tmp-e2e: the next run tries what has changed since. Arguments go to Stryker:
# `npm run test:mutation -- -m provider/lifecycle/check.ts`. LINUXNET_MUTATION_TESTS names other tests.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/env.sh

# Stryker brings more packages than all else together: it is installed where it is asked for only.
[ test/mutation/node_modules/.package-lock.json -nt test/mutation/package-lock.json ] ||
  (cd test/mutation && npm ci --ignore-scripts)

stryker() { nice -n 19 test/mutation/node_modules/.bin/stryker run test/mutation/stryker.json "$@"; }

# First what acts while a test runs: the code stays loaded, and a change takes a tenth of a second. Then, loaded anew for each change, what
# acts while the code is loaded ("static"), and resource.ts, which keeps what it has worked out for a kind. What the first has found is kept.
case " $* " in
  *resources/resource.ts*) ;;
  *) stryker --ignoreStatic --reporters progress-append-only,json "$@" ;;
esac
export LINUXNET_MUTATION_COLD=1
stryker -m 'provider/lifecycle/*.ts,provider/resources/**/*.ts' "$@"
exec node test/mutation/score.ts .tmp-e2e/mutation.json
