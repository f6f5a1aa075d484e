#!/bin/sh
# `npm start`: the quickstart lab on this machine. Arguments go to `pulumi up`: `npm start -- --config port=8081`.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh run
. scripts/env.sh

pulumi stack select dev --create >/dev/null
if ! pulumi up --stack dev --yes --skip-preview "$@"; then
  echo "Another port of the host, or another subnet: npm start -- --config port=8081 --config subnet=10.88.99.0/24" >&2
  exit 1
fi
node examples/quickstart/status.ts
