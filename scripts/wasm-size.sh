#!/usr/bin/env bash
# Builds internal/wasmsize for the browser and compares its compressed size
# with the budget: 1.5 MB of brotli.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/parts.sh
. scripts/parts.sh

budget=1500000
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

GOOS=js GOARCH=wasm go build -ldflags='-s -w' -o "$dir/underseal.wasm" ./internal/wasmsize
# What the linker dropped would make a fine small number.
for entry in 'workspace.(*Workspace).Sync' 'fieldcrypt.(*Ring).Open' 'crypto/hpke.NewRecipient'; do
	if ! grep -q -a -F "$entry" "$dir/underseal.wasm"; then
		echo "wasm: $entry is not linked: see internal/wasmsize" >&2
		exit 1
	fi
done
raw=$(wc -c <"$dir/underseal.wasm")
gzipped=$(gzip -9 -c "$dir/underseal.wasm" | wc -c)
echo "wasm: $raw bytes, gzip $gzipped"
if ! have brotli; then
	missing brotli "install brotli; the size of the WebAssembly module"
	exit
fi
compressed=$(brotli -q 11 -w 24 -c "$dir/underseal.wasm" | wc -c)
echo "wasm: brotli $compressed bytes, budget $budget ($((100 * compressed / budget)) %)"
if [ "$compressed" -gt "$budget" ]; then
	echo "wasm: over budget by $((compressed - budget)) bytes" >&2
	exit 1
fi
