#!/usr/bin/env bash
# Builds the program and tells the demo's story with it.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v go >/dev/null; then
	echo "needs Go 1.26 or newer: https://go.dev/dl/" >&2
	exit 1
fi
export GOFLAGS="${GOFLAGS:-} -buildvcs=false -trimpath"
mkdir -p bin
echo "building bin/underseal …"
go build -o bin/underseal ./cmd/underseal
go run ./internal/demo "$PWD/bin/underseal" testdata/legislators.csv
