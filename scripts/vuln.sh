#!/usr/bin/env bash
# Looks up known vulnerabilities in what the programs link. It asks a database
# on the network, so its answer changes without a change here: it stands apart
# from the tests and a run that could not ask is an error, never a pass.
set -euo pipefail
cd "$(dirname "$0")/.."
exec go run golang.org/x/vuln/cmd/govulncheck@v1.8.0 ./...
