#!/usr/bin/env bash
# Searches every state of the models in spec/model, and then of each model with
# one rule broken (MUTANT_…), in which Spin has to find the fault. `make model`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/parts.sh
. scripts/parts.sh

for need in "spin spin" "gcc gcc"; do
	read -r program package <<<"$need"
	have "$program" || {
		missing "$program" "install the package $package; the models in spec/model"
		exit
	}
done

models=$PWD/spec/model
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# search MODEL [-DMUTANT_…]: leaves what pan says in ./out.
search() {
	local model=$1 kind=(-DSAFETY) how=(-m4000000)
	if grep -q '^ltl ' "$models/$model"; then
		kind=(-DNFAIR=4) how=(-m100000 -a -f) # everybody gets their turn
	fi
	spin -a "${@:2}" "$models/$model" >spin.out || {
		cat spin.out >&2
		return 1
	}
	gcc -w -O2 "${kind[@]}" -o pan pan.c
	./pan "${how[@]}" >out
	# A search that was cut off has shown nothing.
	if grep -q 'max search depth too small\|out of memory\|Search not completed' out && grep -q 'errors: 0' out; then
		cat out >&2
		return 1
	fi
}

states() { awk '/states, stored/ { print $1 }' out; }

failed=0
for model in append groups closing authority; do
	search "$model.pml"
	if grep -q 'errors: 0' out; then
		printf '%-10s %-24s %10d states, all properties hold\n' "$model" "" "$(states)"
	else
		failed=1
		printf '%-10s %-24s FAIL: %s\n' "$model" "" "$(grep -m1 '^pan:' out)" >&2
	fi
	files=("$models/$model.pml")
	if [ "$model" = append ]; then files+=("$models/store.pml"); fi
	mutants=$(grep -ho 'MUTANT_[A-Z_]*' "${files[@]}" | sort -u)
	[ -n "$mutants" ] || failed=1
	for mutant in $mutants; do
		search "$model.pml" "-D$mutant"
		if grep -q 'errors: 0' out; then
			failed=1
			printf '%-10s %-24s FAIL: not found\n' "$model" "$mutant" >&2
		else
			printf '%-10s %-24s %10d states, found: %s\n' "$model" "$mutant" "$(states)" \
				"$(grep -m1 -o 'assertion\|acceptance cycle\|invalid end state' out)"
		fi
	done
done
exit "$failed"
