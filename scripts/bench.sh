#!/usr/bin/env bash
# Runs the benchmarks beside their peers and prints one table. They are a
# module of their own, so that the peers stay out of the product's go.mod.
set -euo pipefail
cd "$(dirname "$0")/.."
exec bench/table.sh "${1:-.}"
