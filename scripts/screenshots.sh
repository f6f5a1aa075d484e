#!/bin/sh
# `npm run screenshots`: the pictures in docs/pictures, made anew. Not part of `npm test`.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/env.sh
[ "$(id -u)" = 0 ] || { echo "it makes network namespaces, which takes root: sudo npm run screenshots" >&2; exit 1; }
exec node test/pictures/main.ts
