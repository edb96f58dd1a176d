#!/usr/bin/env bash
# Every test and check but the linter. `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf dist/report
# shellcheck source=scripts/parts.sh
. scripts/parts.sh
parts_begin test

# What is not there yet would verify without a look.
modules_pinned() {
	go mod download
	go mod verify
}

# The race detector needs a C compiler.
go_tests() {
	local flags=(-json -count=1 -timeout 30m)
	if have gcc || have cc || have clang; then
		local race
		race=$(scripts/raceflags.sh)
		# shellcheck disable=SC2206 # a list of words
		flags+=($race)
	else
		missing "a C compiler" "install gcc; the tests run without the race detector"
	fi
	go test "${flags[@]}" ./... | tee "$report/go-test.json" | "$report/testreport" live
}

# The packages that hold keys and formats, once more as they run in a browser.
wasm_tests() {
	if ! have node; then
		missing node "install Node.js 20 or newer; tests in WebAssembly"
		return
	fi
	local packages
	packages=$(scripts/packages.sh wasm-test)
	# shellcheck disable=SC2086 # a list of words
	# Fewer random cases: they run some ten times slower there.
	RAPID_CHECKS=20 GOOS=js GOARCH=wasm go test -json -count=1 -short -timeout 30m \
		-exec "$(go env GOROOT)/lib/wasm/go_js_wasm_exec" $packages |
		tee "$report/wasm-test.json" | "$report/testreport" live
}

wasm_compile() {
	local packages
	packages=$(scripts/packages.sh wasm)
	# shellcheck disable=SC2086 # a list of words
	GOOS=js GOARCH=wasm go build $packages
}

node_readers() {
	if ! have node || ! have npm; then
		missing "node and npm" "install Node.js 20 or newer; the reader in testdata/readers"
		return
	fi
	npm --prefix testdata/readers/node ci --no-audit --no-fund
	NODE_OPTIONS=--test-reporter=spec npm --prefix testdata/readers/node test 2>&1 |
		tee "$report/node-readers.txt" | sed '/^ *✔/d'
}

# The benchmarks are a module of their own; here they only have to work.
bench_tests() {
	go -C bench vet ./...
	go -C bench test -json -count=1 ./... | tee "$report/bench-test.json" | "$report/testreport" live
}

vectors_unchanged() {
	local dir
	dir=$(mktemp -d)
	go run ./internal/vectors -out "$dir"
	diff -r --exclude=README.md "$dir" testdata/vectors
	rm -rf "$dir"
}

# A part "tests: …" leaves a report with counts in $report.
part "install" scripts/install.sh
part "modules are as pinned" modules_pinned
part "build" go build ./...
part "vet" go vet ./...
go build -o "$report/testreport" ./internal/testreport
part "tests: go" go_tests
part "compile for js/wasm" wasm_compile
part "tests: go in js/wasm" wasm_tests
part "tests: go in bench" bench_tests
part "cross compile" scripts/cross.sh
part "wasm size" scripts/wasm-size.sh
part "demo" scripts/demo.sh clio
part "demo of a file" scripts/demo.sh csv
part "vectors are as generated" vectors_unchanged
part "tests: reader in another language" node_readers

failed=0
parts_end || failed=1
echo
"$report/testreport" summary "$report" || failed=1
exit "$failed"
