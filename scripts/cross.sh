#!/usr/bin/env bash
# Compiles everything for each supported system, and type-checks the tests
# where the operating system differs.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

for os in linux darwin windows; do
	for arch in amd64 arm64; do
		echo "$os/$arch"
		GOOS=$os GOARCH=$arch go build -trimpath ./...
	done
	GOOS=$os GOARCH=amd64 go vet ./...
done
