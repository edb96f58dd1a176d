#!/usr/bin/env bash
# Builds the programs and tells one of the demo's stories with them:
# scripts/demo.sh [clio|csv]
set -euo pipefail
cd "$(dirname "$0")/.."
story=${1:-clio}
if ! command -v go >/dev/null; then
	echo "needs Go 1.26 or newer: https://go.dev/dl/" >&2
	exit 1
fi
export GOFLAGS="${GOFLAGS:-} -buildvcs=false -trimpath"
mkdir -p bin
echo "building bin/underseal and bin/underseal-cliosim …"
go build -o bin/ ./cmd/underseal ./cmd/underseal-cliosim
case $story in
clio) go run ./internal/demo clio "$PWD/bin/underseal" "$PWD/bin/underseal-cliosim" ;;
csv) go run ./internal/demo csv "$PWD/bin/underseal" testdata/legislators.csv ;;
*)
	echo "no such story: $story" >&2
	exit 2
	;;
esac
