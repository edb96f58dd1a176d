#!/usr/bin/env bash
# What can be said about the code without running it. `make lint`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/parts.sh
. scripts/parts.sh
parts_begin lint

# Other modules of the tree, each linted where it lies.
modules=(. bench)

golangci() {
	local dir
	# Built here because a tool runs in the folder it is called from.
	go build -modfile=tools/go.mod -o "$report/golangci-lint" \
		github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	for dir in "${modules[@]}"; do
		(cd "$dir" && "$OLDPWD/$report/golangci-lint" run ./...)
	done
}

formatted() {
	local files
	files=$(git -c safe.directory='*' ls-files -z -- '*.go' | xargs -0 gofmt -l)
	if [ -n "$files" ]; then
		printf 'not formatted by gofmt:\n%s\n' "$files" >&2
		return 1
	fi
}

scripts_checked() {
	if ! have shellcheck; then
		missing shellcheck "install shellcheck; the check of the scripts"
		return
	fi
	git -c safe.directory='*' ls-files -z -- '*.sh' .ci/run | xargs -0 shellcheck -x
}

modules_tidy() {
	local dir
	for dir in "${modules[@]}" tools; do
		(cd "$dir" && go mod tidy -diff)
	done
}

part "gofmt" formatted
part "modules are tidy" modules_tidy
part "shellcheck" scripts_checked
part "golangci-lint" golangci
parts_end
