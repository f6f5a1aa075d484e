#!/bin/sh
# Runs the engine in this checkout's environment: `npm run pulumi -- preview --diff`.
set -eu
cd "$(dirname "$0")/.."
. scripts/env.sh
cd "${INIT_CWD:-.}"
exec pulumi "$@"
