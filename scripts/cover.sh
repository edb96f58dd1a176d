#!/usr/bin/env bash
# Coverage of the packages that hold keys and formats, each by every test of
# theirs together.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=$(scripts/packages.sh crypto)
# shellcheck disable=SC2086 # a list of words
go test -coverprofile=coverage.out -coverpkg="$(echo $packages | tr ' ' ',')" $packages
go tool cover -func=coverage.out | awk '
	/^total:/ { total = $NF; next }
	{
		split($1, at, ":"); path = at[1]; sub(/\/[^\/]*$/, "", path)
		sub(/%/, "", $NF); sum[path] += $NF; n[path]++
		if ($NF == 0) print "never run: " $1 " " $2
	}
	END { print "statements covered, all together: " total }'
