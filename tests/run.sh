#!/usr/bin/env bash
# Runs the tests that the Makefile has built and adds them up.
#
#   tests/run.sh [--list] [NAME]     NAME: part of a file's or a test's name
#
# VARIANT (release) picks build/VARIANT, FOTBENCH the program the scripts call,
# TEST_GROUPS which groups run (unit grad cli bad web parity faults),
# TEST_TIMEOUT the seconds one file may take (1800).
# Scripts print one line per test on stdout: "ok NAME", "not ok NAME: why" or
# "skip NAME: why"; unit tests are cmocka programs.  What crashes, hangs, fails
# to start or reports nothing counts as one failure.
# The last line is "N passed, N failed, N skipped"; the exit status is the
# number of failures, at most 125.
set -u
cd "$(dirname "$0")/.." || exit 125
export LC_ALL=C

variant=${VARIANT:-release}
groups=${TEST_GROUPS:-unit grad cli bad web parity faults}
limit=${TEST_TIMEOUT:-1800}
if [ -z "${FOTBENCH:-}" ]; then
	FOTBENCH=$PWD/build/$variant/fotbench
fi
export FOTBENCH
# As the program itself has it: threads that wait sleep. The unit tests' programs would spin, and where the machine
# has other work a test of a second takes a minute.
[ -n "${OMP_WAIT_POLICY:-}${GOMP_SPINCOUNT:-}${KMP_BLOCKTIME:-}" ] || export OMP_WAIT_POLICY=passive
list=0
if [ "${1:-}" = --list ]; then
	list=1
	shift
fi
filter=${1:-}

work=$(mktemp -d) || exit 125
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
: >"$work/failures"

# The test files of a group: sources for programs, scripts themselves.
files_of() {
	case $1 in
	unit | grad) ls "tests/$1"/test_*.c 2>/dev/null ;;
	*) find "tests/$1" -maxdepth 1 -name '*.sh' -perm -u+x 2>/dev/null | sort ;;
	esac
}

program_of() {
	case $1 in
	tests/unit/*) echo "build/$variant/${1%.c}" ;;
	tests/grad/*) echo "build/double/${1%.c}" ;;
	*) echo "./$1" ;;
	esac
}

# Names of the tests a file holds, as far as its text tells.
names_in() {
	case $1 in
	*.c) grep -oE '\btest_[A-Za-z0-9_]+\(void \*\*' "$1" | sed 's/(.*//' ;;
	esac
}

# A cmocka report in subunit form -> lines of the scripts' contract.
from_subunit() {
	awk '
	function end(line) { print line; open = "" }
	open == "" && /^test: / { open = substr($0, 7); next }
	open == "" { next }
	/^test: / { end("not ok " open ": ended without a result"); open = substr($0, 7); next }
	{
		# A test may have printed text without a newline before its result.
		if (ends($0, "success: " open)) end("ok " open)
		else if (ends($0, "skip: " open)) end("skip " open ": skipped")
		else if (ends($0, "failure: " open " [")) { why = open; open = ""; getline; end("not ok " why ": " $0) }
		else if (ends($0, "error: " open " [")) { why = open; open = ""; getline; end("not ok " why ": " $0) }
	}
	function ends(line, tail) {
		return length(line) >= length(tail) && substr(line, length(line) - length(tail) + 1) == tail
	}
	END { if (open != "") print "not ok " open ": ended without a result" }' "$1"
}

# Run one file; its results as contract lines in $work/results.
run_file() {
	local file=$1 program rc=0
	program=$(program_of "$file")
	: >"$work/out"
	: >"$work/err"
	if [ ! -x "$program" ]; then
		echo "not ok $file: $program is not built" >"$work/results"
		return
	fi
	# The braces swallow the shell's own word on a program that was killed.
	{
		CMOCKA_MESSAGE_OUTPUT=SUBUNIT timeout -k 10 "$limit" "$program" \
			>"$work/out" 2>"$work/err" </dev/null || rc=$?
	} 2>/dev/null
	case $file in
	*.c) from_subunit "$work/out" >"$work/results" ;;
	*) grep -aE '^(ok|not ok|skip) ' "$work/out" >"$work/results" ;;
	esac
	if [ $rc -eq 124 ] || [ $rc -eq 137 ]; then
		echo "not ok $file: no end after $limit s" >>"$work/results"
	elif [ $rc -ne 0 ] && ! grep -qa '^not ok ' "$work/results"; then
		echo "not ok $file: exit status $rc" >>"$work/results"
	elif [ ! -s "$work/results" ]; then
		echo "not ok $file: reported no test" >"$work/results"
	fi
}

count() {
	grep -caE "^$1 " "$work/results"
}

tally() {
	local file=$1 p f s
	p=$(count ok) f=$(count 'not ok') s=$(count skip)
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-44s %4d passed, %d failed, %d skipped\n' "$file" "$p" "$f" "$s"
	grep -aE '^skip ' "$work/results" | sed 's/^/    /'
	[ "$f" -gt 0 ] || return 0
	grep -aE '^not ok ' "$work/results" | sed 's/^/    /'
	{
		echo "==== $file"
		grep -aE '^not ok ' "$work/results"
		echo "---- standard output"
		cat "$work/out"
		echo "---- standard error"
		cat "$work/err"
	} >>"$work/failures"
}

# Does the filter name this file, or else tests in it?
chosen_by() {
	local file=$1
	case $file in
	*"$filter"*) return 0 ;;
	*.c) names_in "$file" | grep -qF -- "$filter" ;;
	*) grep -qaF -- "$filter" "$file" ;;
	esac
}

for group in $groups; do
	while read -r file; do
		[ -n "$file" ] || continue
		chosen_by "$file" || continue
		if [ $list = 1 ]; then
			echo "$file"
			names_in "$file" | sed 's/^/    /'
			continue
		fi
		run_file "$file"
		# Chosen for some of its tests only: drop the others' results.
		if [ "${file#*"$filter"}" = "$file" ] && [ -n "$filter" ]; then
			grep -aF -- "$filter" "$work/results" >"$work/some"
			grep -a "^not ok $file:" "$work/results" >>"$work/some"
			mv "$work/some" "$work/results"
			[ -s "$work/results" ] || continue
		fi
		tally "$file"
	done < <(files_of "$group")
done
[ $list = 0 ] || exit 0

if [ -s "$work/failures" ]; then
	echo
	echo "Failures in full:"
	cat "$work/failures"
	echo
fi
if [ $((passed + failed + skipped)) -eq 0 ]; then
	echo "no test matches '$filter'"
	failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
exit $((failed > 125 ? 125 : failed))
