#!/usr/bin/env bash
# Installs the programs that tests need: by apt-get where this is root on a
# Debian, otherwise it says which tests need what and leaves the rest alone.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/parts.sh
. scripts/parts.sh

# program, Debian package, what needs it
tools=(
	"gcc gcc the race detector"
	"dbus-run-session dbus-daemon the tests of the operating system's keyring"
	"gnome-keyring-daemon gnome-keyring the tests of the operating system's keyring"
	"age age the tests that open our files with the stock age program"
	"pdftoppm poppler-utils the tests that look at the paper kit as a picture"
	"zbarimg zbar-tools the tests that read the paper kit's QR code"
	"aiosmtpd python3-aiosmtpd the tests that send invitations by mail"
	"brotli brotli the size of the WebAssembly module"
	"node nodejs the reader of the formats in another language, and tests in WebAssembly"
	"npm npm the reader of the formats in another language"
	"runuser util-linux the tests of read-only stores, when run as root"
	"spin spin the models in spec/model"
	"shellcheck shellcheck the check of the scripts"
)

packages=()
for tool in "${tools[@]}"; do
	read -r program package _ <<<"$tool"
	have "$program" || packages+=("$package")
done
if [ ${#packages[@]} -eq 0 ]; then
	echo "everything that the tests need is installed"
	exit 0
fi

if [ "$(id -u)" -eq 0 ] && [ -e /etc/debian_version ] && have apt-get; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update
	apt-get -q install -y --no-install-recommends "${packages[@]}"
fi

lacking=0
for tool in "${tools[@]}"; do
	read -r program package need <<<"$tool"
	have "$program" && continue
	lacking=$((lacking + 1))
	printf 'missing: %-22s (Debian package %s) for %s\n' "$program" "$package" "$need" >&2
done
if [ "$lacking" -gt 0 ] && in_ci; then
	exit 1
fi
