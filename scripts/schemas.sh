#!/bin/sh
# `npm run test:schemas`: the tests of the schemas, and which branches of these they take; fails when it is not all of them.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/env.sh

exec vitest run --config test/schemas/vitest.config.ts --root . --coverage "$@"
