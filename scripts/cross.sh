#!/usr/bin/env bash
# Compiles the program for each supported system, and type-checks everything,
# tests included, where the operating system differs.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/parts.sh
. scripts/parts.sh
export CGO_ENABLED=0

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for os in linux darwin windows; do
	for arch in amd64 arm64; do
		echo "$os/$arch"
		GOOS=$os GOARCH=$arch go build -o "$dir/underseal" ./cmd/underseal
	done
	GOOS=$os GOARCH=amd64 go vet ./...
done
