#!/usr/bin/env bash
# Coverage of the packages that hold keys and formats: for each, the share of
# its statements that the tests of all of them together run.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=$(scripts/packages.sh crypto)
# shellcheck disable=SC2086 # a list of words
go test -short -coverprofile=coverage.out -coverpkg="$(echo $packages | tr ' ' ',')" $packages
# A block is listed once for every test program: file:from,to statements runs.
awk '
	NR == 1 { next }
	{ size[$1] = $2; if ($3 > runs[$1]) runs[$1] = $3 }
	END {
		for (block in size) {
			name = block
			sub(/\/[^\/]*$/, "", name)
			all[name] += size[block]
			if (runs[block] > 0) run[name] += size[block]
		}
		for (name in all) printf "%6.1f %%  %s\n", 100 * run[name] / all[name], name
	}' coverage.out | sort -k3
echo "what is never run: go tool cover -html=coverage.out"
