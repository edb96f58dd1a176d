#!/usr/bin/env bash
# Runs every fuzz target for the given time. Fails where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
fuzztime=${1:-30s}

count=0
for package in $(go list ./...); do
	# Piped through awk because the list ends with a line about the package.
	for target in $(go test -list '^Fuzz' "$package" | awk '/^Fuzz/'); do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" "$package"
		count=$((count + 1))
	done
done
if [ "$count" -eq 0 ]; then
	echo "no fuzz target found" >&2
	exit 1
fi
echo "$count fuzz targets, $fuzztime each"
