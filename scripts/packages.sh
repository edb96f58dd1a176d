#!/usr/bin/env bash
# Prints the packages of one set that exist, one per line.
#   wasm       what has to compile for the browser
#   wasm-test  what is tested there as well
#   crypto     what holds keys and formats
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
wasm) set -- envelope fieldcrypt officer officer/plan keyring docvault store workspace connector connector/tabular bulk bulk/columns ;;
wasm-test) set -- internal/wire internal/secret internal/pubkey internal/datakey envelope fieldcrypt officer officer/plan keyring docvault store workspace connector/tabular bulk/columns ;;
crypto) set -- internal/wire internal/secret internal/pubkey internal/datakey envelope fieldcrypt officer officer/plan keyring docvault ;;
*)
	echo "usage: packages.sh wasm|wasm-test|crypto" >&2
	exit 2
	;;
esac

found=0
for dir in "$@"; do
	# A folder without Go files is not a package yet.
	if compgen -G "$dir/*.go" >/dev/null; then
		echo "./$dir"
		found=1
	fi
done
[ "$found" -eq 1 ] || {
	echo "packages.sh: none of these packages exists: $*" >&2
	exit 1
}
