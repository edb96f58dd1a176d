#!/usr/bin/env bash
# Runs the benchmarks beside their peers and prints one table. They are a
# module of their own, so that the peers stay out of the product's go.mod.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ ! -e bench/go.mod ]; then
	echo "there are no benchmarks yet: bench/go.mod is missing" >&2
	exit 1
fi
cd bench
if [ -e table.sh ]; then
	exec ./table.sh "${1:-.}"
fi
exec go test -run '^$' -bench "${1:-.}" -benchmem -timeout 120m ./...
