#!/bin/sh
# `npm run test:long`: the tests that try the same things far more often than `npm test` does, and at the end what they tried.
# Arguments go to vitest. The table of docs/trust.md is filled from what this prints.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/env.sh

# The firewalls of others need packages that are fetched: where they cannot be had, the rest is run.
: "${LINUXNET_FIREWALLS:=$HOME/.cache/linuxnet-firewalls}"
: "${LINUXNET_DOCKER:=$HOME/.cache/linuxnet-docker}"
[ "$(id -u)" = 0 ] || { echo "they make network namespaces, which takes root: sudo npm run test:long" >&2; exit 1; }
if LINUXNET_FIREWALLS=$LINUXNET_FIREWALLS sh scripts/firewalls.sh && LINUXNET_DOCKER=$LINUXNET_DOCKER sh scripts/docker.sh; then
  export LINUXNET_FIREWALLS LINUXNET_DOCKER
else
  unset LINUXNET_FIREWALLS LINUXNET_DOCKER
fi
said=$(mktemp)
trap 'rm -f "$said"' EXIT
code=0
LINUXNET_LONG=1 NO_COLOR=1 vitest run test/unit/hostile.test.ts test/kernel/hostile.test.ts test/kernel/attacks-*.test.ts test/kernel/forged-source.test.ts \
  test/kernel/trouble.test.ts test/kernel/histories-*.test.ts \
  test/kernel/boundaries.test.ts test/ssh/boundaries.test.ts \
  test/e2e/stacks-*.test.ts test/e2e/explain*.test.ts test/e2e/cli-view-lost.test.ts test/e2e/cli-trace-hosts.test.ts test/kernel/trace-ipv6.test.ts test/kernel/firewalls.test.ts test/firewalls "$@" 2>&1 | tee "$said" || code=$?
grep -q 'Failed Tests\|Test Files .*failed\|^ *× \|^failed: ' "$said" && code=1
echo
echo "commit $(git rev-parse --short HEAD)"
sed -n 's/^tried: //p' "$said" | sort
# What a test leaves behind fails it.
[ "$code" != 0 ] || echo "left over: nothing"
# A table with an empty cell is a failure; of a part of the tests there is none.
if grep -q '^covered: .*"ssh"' "$said" && grep -q '^covered: .*"local"' "$said"; then
  node test/support/boundary-table.ts "$said" "$(git rev-parse --short HEAD)" >docs/trust-coverage.md || code=1
  biome check --write docs/trust-coverage.md >/dev/null || :
fi
exit "$code"
