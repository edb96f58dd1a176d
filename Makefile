# Two commands are enough on a fresh machine: make demo, make test.
# Each installs what it needs; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
FUZZTIME ?= 30s
BENCH ?= .

.PHONY: help demo demo-csv build man test test-short test-long model lint fmt bench fuzz vectors cover vuln wasm-size cross install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: ## a firm and its (simulated) Clio account: seal, be killed, resume, verify, undo
	@scripts/demo.sh clio

demo-csv: ## seal and open a real file, told as a story
	@scripts/demo.sh csv

build: ## build the programs into bin/
	$(GO) build -trimpath -o bin/ ./cmd/...

man: ## write the manual pages into dist/man
	$(GO) run ./cmd/underseal man dist/man

test: ## install what is missing, then run every test and check
	@scripts/test.sh

test-short: ## the Go tests that take less than two minutes together
	$(GO) test -short ./...

test-long: model ## the models, and the Go tests with ten times the random cases, under the race detector
	UNDERSEAL_LONG=1 RAPID_CHECKS=1000 $(GO) test $$(scripts/raceflags.sh) -count=1 -timeout 120m ./...

model: ## search every state of the models in spec/model (Spin)
	@scripts/model.sh

lint: ## golangci-lint, gofmt, shellcheck, modules
	@scripts/lint.sh

fmt: ## format the Go code
	$(GO) tool -modfile=tools/go.mod golangci-lint fmt

bench: ## benchmarks beside their peers, as one table (BENCH=pattern)
	@scripts/bench.sh '$(BENCH)'

fuzz: ## every fuzz target for FUZZTIME (30s) each
	@scripts/fuzz.sh '$(FUZZTIME)'

vectors: ## write testdata/vectors again
	$(GO) run ./internal/vectors -out testdata/vectors

cover: ## coverage of the packages that hold keys and formats
	@scripts/cover.sh

vuln: ## known vulnerabilities in what is linked; needs the network, no part of test
	@scripts/vuln.sh

wasm-size: ## size of the WebAssembly build against its budget
	@scripts/wasm-size.sh

cross: ## compile for every supported system
	@scripts/cross.sh

install: ## install the programs that some tests need
	@scripts/install.sh

clean: ## remove what the targets built
	rm -rf bin dist coverage.out
