#!/bin/sh
# `npm run bench`: what others take for the same lab, and what we take. Needs root. docs/bench/README.md says how it is measured.
# Arguments go to test/bench/main.ts: `npm run bench -- --peer docker --n 10,50 --runs 3`.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/env.sh
[ "$(id -u)" = 0 ] || { echo "bench: it makes network namespaces, which takes root: sudo npm run bench" >&2; exit 1; }
exec node test/bench/main.ts "$@"
