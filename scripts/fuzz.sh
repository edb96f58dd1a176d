#!/usr/bin/env bash
# Runs every fuzz target for the given time. Fails where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
fuzztime=${1:-30s}

count=0
packages=$(go list ./...)
for package in $packages; do
	# The list ends with a line about the package.
	targets=$(go test -list '^Fuzz' "$package")
	for target in $(grep '^Fuzz' <<<"$targets" || true); do
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
