#!/bin/sh
# `npm run test:conformance`: the same lab made by Docker and by this package, and the same probes on both. Not part of `npm test`.
# Arguments go to vitest.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/env.sh
: "${LINUXNET_DOCKER:=$HOME/.cache/linuxnet-docker}"
export LINUXNET_DOCKER
sh scripts/docker.sh
exec vitest run --project conformance "$@"
