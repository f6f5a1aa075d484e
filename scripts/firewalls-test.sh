#!/bin/sh
# `npm run test:firewalls`: labs behind ufw, firewalld and Docker, the real programs of Debian's packages, which are unpacked
# and not installed. Not part of `npm test`. Arguments go to vitest.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/env.sh
: "${LINUXNET_FIREWALLS:=$HOME/.cache/linuxnet-firewalls}"
: "${LINUXNET_DOCKER:=$HOME/.cache/linuxnet-docker}"
export LINUXNET_FIREWALLS LINUXNET_DOCKER
sh scripts/firewalls.sh
sh scripts/docker.sh
exec env LINUXNET_LONG=1 vitest run --project firewalls --project kernel test/firewalls test/kernel/firewalls.test.ts "$@"
