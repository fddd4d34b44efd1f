#!/bin/sh
# Installs the Debian packages that building, testing and drawing need, where
# they are missing.  Says nothing when all is there.
set -eu

packages="gcc libc6-dev make libgsl-dev libcjson-dev libopenblas-dev libcsv-dev libzip-dev zlib1g-dev libzstd-dev libsnappy-dev libpcre2-dev libutf8proc-dev libcmocka-dev dpkg apt gzip xz-utils"

have() {
	status=$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null) || return 1
	case $status in
	?i*) return 0 ;;
	esac
	return 1
}

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "setup: this is not a Debian system (no dpkg-query); install by hand: $packages gnuplot" >&2
	exit 1
fi

missing=
for p in $packages; do
	have "$p" || missing="$missing $p"
done
# libopenblas-dev is content with the serial build, which must not be called
# from several threads at once; one of the threaded ones has to be there.
have libopenblas0-pthread && have libopenblas-pthread-dev ||
	{ have libopenblas0-openmp && have libopenblas-openmp-dev; } ||
	missing="$missing libopenblas-pthread-dev"
command -v gnuplot >/dev/null 2>&1 || missing="$missing gnuplot-nox"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	as_root=
elif command -v sudo >/dev/null 2>&1; then
	as_root=sudo
else
	echo "setup: packages are missing and this is neither root nor is there sudo; as root run: apt-get install$missing" >&2
	exit 1
fi

echo "setup: installing$missing"
# shellcheck disable=SC2086 # word splitting is wanted
if ! { $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive \
	apt-get install -q -y --no-install-recommends $missing; }; then
	echo "setup: apt-get could not install:$missing" >&2
	exit 1
fi
