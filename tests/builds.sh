#!/usr/bin/env bash
# Builds everything (library, program, tests, fuzz targets, the double build) without a warning:
# builds.sh [COMPILER-MACHINE...], such as clang-x86-64-v3; all without arguments. Each stays in
# build/matrix/COMPILER-MACHINE, and VARIANT=matrix/COMPILER-MACHINE tests/run.sh runs its tests.
# CC="ccache gcc" puts ccache before both compilers. The exit status is 1 when one failed.
set -u
cd "$(dirname "$0")/.." || exit 1
machines="x86-64 x86-64-v2 x86-64-v3 x86-64-v4 native"
launcher=
[ "${CC%% *}" = ccache ] && launcher="ccache "

build() { # NAME SUFFIX TARGET
	make --no-print-directory -Otarget VARIANT="matrix/$1$2" CC="$launcher${1%%-*}" OPT="-O3 -march=${1#*-}" WERROR=1 "$3"
}

one() {
	local log=build/matrix/$1.log from=$SECONDS
	if { build "$1" '' test-programs && build "$1" -double grad-programs; } >"$log" 2>&1; then
		echo "ok $1: $((SECONDS - from)) s"
	else
		echo "not ok $1: $(grep -m 1 -E 'error|undefined|not found' "$log") ($log)"
		return 1
	fi
}

all=
for compiler in gcc clang; do
	for machine in $machines; do all="$all $compiler-$machine"; done
done
mkdir -p build/matrix
failed=0
for name in ${*:-$all}; do
	case " $all " in
	*" $name "*) one "$name" || failed=1 ;;
	*) echo "builds.sh: no build \"$name\": expected one of$all" >&2 && failed=1 ;;
	esac
done
exit $failed
