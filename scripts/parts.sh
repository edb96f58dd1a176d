# shellcheck shell=bash
# Runs the parts of a check one after the other, keeps how long each took, and
# carries on after a failure so that one run shows everything that is wrong.
# Sourced by the other scripts, after they went to the root of the checkout.

if ! command -v go >/dev/null; then
	echo "needs Go 1.26 or newer: https://go.dev/dl/" >&2
	exit 1
fi
# A checkout may belong to another user than the one who tests it, from which
# git refuses to tell the revision. And everything is compiled as a release is,
# so that no part compiles again what another did otherwise.
export GOFLAGS="${GOFLAGS:-} -buildvcs=false -trimpath"

report=dist/report
mkdir -p "$report"

# parts_begin NAME: start a list of parts, kept in $report/NAME.parts.
parts_begin() {
	parts_file=$report/$1.parts
	parts_failed=0
	: >"$parts_file"
}

# part NAME COMMAND...: run one part. It never stops the script.
part() {
	local name=$1 start=$SECONDS status=ok
	shift
	printf '\n== %s\n' "$name"
	# A child shell, so that a part may change directory or variables; errexit
	# has to be set inside because a tested command runs without it.
	set +e
	(
		set -euo pipefail
		"$@"
	)
	local code=$?
	set -e
	if [ "$code" -ne 0 ]; then
		status=FAIL
		parts_failed=$((parts_failed + 1))
		printf '== %s: FAIL (exit %d)\n' "$name" "$code"
	fi
	printf '%s\t%d\t%s\n' "$name" $((SECONDS - start)) "$status" >>"$parts_file"
}

# parts_end: print the minutes of each part; fails if one failed.
parts_end() {
	printf '\n%-36s %8s  %s\n' "part" "minutes" "result"
	awk -F '\t' '{ printf "%-36s %8.1f  %s\n", $1, $2 / 60, $3 }' "$parts_file"
	[ "$parts_failed" -eq 0 ]
}

# have COMMAND: whether it is installed.
have() { command -v "$1" >/dev/null 2>&1; }

# in_ci: whether something missing is a failure rather than a skip.
in_ci() { [ "${CI:-}" = true ] || [ "${UNDERSEAL_REQUIRE:-}" = all ]; }

# missing WHAT HOW: a part cannot run here. Fails in CI.
missing() {
	if in_ci; then
		printf 'needs %s: %s\n' "$1" "$2" >&2
		return 1
	fi
	printf 'skipped: needs %s: %s\n' "$1" "$2" >&2
	printf '%s\t%s\n' "$1" "$2" >>"$report/skipped.tsv"
}
