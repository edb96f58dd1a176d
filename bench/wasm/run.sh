#!/usr/bin/env bash
# Builds the program for WebAssembly and runs it under Node.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v node >/dev/null; then
	echo "the benchmarks in WebAssembly need node" >&2
	exit 1
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
GOOS=js GOARCH=wasm go build -trimpath -ldflags='-s -w' -o "$dir/bench.wasm" .
node "$(go env GOROOT)/lib/wasm/wasm_exec_node.js" "$dir/bench.wasm"
