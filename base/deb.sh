#!/bin/sh
# Makes FOLDER/fotbench_VERSION_ARCH.deb:
#
#   base/deb.sh FOLDER MACHINE...
#
# The first MACHINE, as gcc's -march has it, is what the package needs; the program starts the best of the others that
# the processor can run (harness/plan/place.c). "release" is the build for this machine, and needs one like it.
# CC and MAKE are the compiler and make.
set -eu
umask 022
[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 2; }
for tool in dpkg-deb dpkg-shlibdeps strip; do
	command -v $tool >/dev/null || { echo "deb: no $tool; apt-get install dpkg-dev binutils" >&2 && exit 1; }
done
folder=$(mkdir -p "$1" && cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/fotbench
mkdir -p "$stage/DEBIAN" "$work/debian"

build_of() {
	case $1 in
	release) echo release ;;
	*) echo "matrix/deb-$1" ;;
	esac
}
first=$1 programs=
for machine; do
	set -- PREFIX=/usr VARIANT="$(build_of "$machine")"
	[ "$machine" = release ] || set -- "$@" OPT="-O3 -march=$machine"
	${MAKE:-make} --no-print-directory CC="${CC:-gcc}" "$@" installed
	built=build/$(build_of "$machine")/installed/fotbench
	if [ "$machine" = "$first" ]; then
		base/install.sh "$stage/usr" "$built"
		packed=$stage/usr/bin/fotbench
	else
		packed=$stage/usr/lib/fotbench/$machine/fotbench
		install -D "$built" "$packed"
	fi
	strip --strip-unneeded "$packed"
	programs="$programs $packed"
done

# Debian's ways: no list of ours, pages and change log packed, the licence as copyright.
rm "$stage/usr/share/fotbench/installed"
gzip -9n "$stage"/usr/share/man/man1/*.1
mkdir -p "$stage/usr/share/zsh/vendor-completions"
mv "$stage/usr/share/zsh/site-functions/_fotbench" "$stage/usr/share/zsh/vendor-completions/"
rmdir "$stage/usr/share/zsh/site-functions"
cat >"$stage/usr/share/doc/fotbench/copyright" <<EOS
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: fotbench

Files: *
Copyright: the authors of fotbench
License: GPL-3.0-or-later
 On Debian systems the text is in /usr/share/common-licenses/GPL-3.
EOS
rm "$stage/usr/share/doc/fotbench/LICENSE"

version=$(sed -n 's/^#define FOT_VERSION "\(.*\)"$/\1/p' harness/run/manifest.h)
commit=$(git log -1 --date=format:%Y%m%d%H%M%S --format=+git%cd.%h 2>/dev/null || :)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH
arch=$(dpkg --print-architecture)
printf 'Source: fotbench\n\nPackage: fotbench\nArchitecture: any\n' >"$work/debian/control"
# shellcheck disable=SC2086 # word splitting is wanted
depends=$(cd "$work" && dpkg-shlibdeps -O $programs | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "deb: dpkg-shlibdeps named no libraries" >&2 && exit 1; }
cat >"$stage/DEBIAN/control" <<EOS
Package: fotbench
Version: $version$commit
Architecture: $arch
Maintainer: the authors of fotbench <fotbench@localhost>
Section: science
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$stage" | cut -f 1)
Depends: $depends, libopenblas0-pthread | libopenblas0-openmp
Recommends: gnuplot-nox | gnuplot
Description: long-context benchmarks of language models with memory
 fotbench measures what a long-context memory is worth to a language model. It
 reads checkpoints of Focused Transformers (LongLLaMA) and their rivals, and
 writes tidy CSV with statistics, tables and figures. Small trained models,
 experiments and published figures come with it.
EOS
(cd "$stage" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$stage/DEBIAN/md5sums"
chmod 644 "$stage/DEBIAN/md5sums" "$stage/DEBIAN/control"
deb=$folder/fotbench_$version${commit}_$arch.deb
dpkg-deb -Zgzip --root-owner-group --build "$stage" "$deb" >/dev/null
echo "deb: $deb: $(($(wc -c <"$deb") / 1024)) KiB"
