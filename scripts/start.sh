#!/bin/sh
# `npm start`: the quickstart lab on this machine. Arguments go to `pulumi up`: `npm start -- --config port=8081`.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh run
. scripts/env.sh

pulumi stack select dev --create >/dev/null
pulumi up --stack dev --yes --skip-preview "$@"
node examples/quickstart/status.ts
