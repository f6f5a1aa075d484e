#!/bin/sh
# `npm run test:vm`: the tests that need real machines, on two Debian VMs in software emulation; takes some minutes, the first
# time some more. Not part of `npm test`. Arguments go to vitest.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/env.sh
: "${LINUXNET_VM:=$HOME/.cache/linuxnet-vm}"
export LINUXNET_VM
sh scripts/vm.sh
# No other run builds the image anew as long as this one uses it.
exec 9<"$LINUXNET_VM/lock"
flock -s 9
exec vitest run --project vm "$@"
