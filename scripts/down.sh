#!/bin/sh
# `npm run down`: removes the quickstart lab, its stack and the state. Arguments go to `pulumi destroy`.
set -eu
cd "$(dirname "$0")/.."

if [ -z "${PULUMI_BACKEND_URL:-}" ] && [ ! -d .pulumi-state ]; then
  echo "Nothing is up."
  exit 0
fi
sh scripts/setup.sh run
. scripts/env.sh

if pulumi stack select dev >/dev/null 2>&1; then
  pulumi destroy --stack dev --yes --skip-preview --remove "$@"
else
  echo "Nothing is up."
fi

# The engine leaves folders and backups behind; other stacks of this checkout stay.
state=$PWD/.pulumi-state
if [ "${PULUMI_BACKEND_URL%%[?]*}" = "file://$state" ] && [ -d "$state" ] &&
  [ -z "$(find "$state" -path '*/stacks/*' -name '*.json')" ]; then
  rm -rf "$state"
fi
