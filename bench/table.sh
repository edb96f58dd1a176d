#!/usr/bin/env bash
# Prints the table of measurements and budgets; the argument chooses groups by
# a pattern (field, wasm, …). See table/main.go.
set -euo pipefail
cd "$(dirname "$0")"
exec go run ./table -groups "${1:-.}"
