#!/usr/bin/env bash
# Prints the flags, one per line, with which the Go tests run under the race
# detector. It watches everything but arithmetic: scrypt, curves, ML-KEM and
# Keccak compute on memory of one call, which no goroutine shares, and take up
# to twenty times as long when each of their reads is noted. What calls them is
# watched: a message that changes while it is signed is found as before.
set -euo pipefail

echo -race
for package in golang.org/x/crypto/scrypt filippo.io/edwards25519/... \
	crypto/internal/fips140/edwards25519/... crypto/internal/fips140/mlkem crypto/internal/fips140/sha3; do
	echo "-gcflags=$package=-race=false"
done
