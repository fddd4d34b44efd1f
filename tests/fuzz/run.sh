#!/usr/bin/env bash
# Fuzzes the readers of foreign files: run.sh [TARGET...], FUZZ_SECONDS (600) each, one
# after the other; all targets (tests/fuzz/fuzz_*.c) without arguments.  Needs clang with
# libFuzzer and OpenMP; without it says so and does nothing.  A target that does not build
# is a failure, and the others go on.  Corpora stay in build/fuzz/corpus/TARGET and grow from
# run to run; inputs that broke a promise are put in build/fuzz/found/TARGET.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-600}
clang=${CLANG:-clang}
case ${CC:-} in ccache*) clang="ccache $clang" ;; esac
dir=build/fuzz
seeds=${SEEDS:-build/release/tests/fuzz/seeds}
all=$(for file in tests/fuzz/fuzz_*.c; do basename "${file#*/fuzz_}" .c; done)

mkdir -p "$dir/found"
{
	echo '#include <omp.h>'
	echo 'int LLVMFuzzerTestOneInput(const unsigned char *p, unsigned long n) { return p[0] == n + omp_get_num_threads(); }'
} >"$dir/probe.c"
if ! $clang -fopenmp -fsanitize=fuzzer,address,undefined "$dir/probe.c" -o "$dir/probe" 2>"$dir/probe.log"; then
	echo "skip fuzz: no clang with libFuzzer and OpenMP (Debian: apt-get install clang libclang-rt-14-dev libomp-14-dev; $dir/probe.log)"
	exit 0
fi
"$seeds" "$dir/seeds" model/zoo/bpe-2k/tokenizer.model tests/tokenizers || exit 1

# One line: executions, and how many inputs were found.
fuzz() {
	local log=$dir/$1.log rc=0 runs seeds=$dir/seeds/$1
	[ ! -d "tests/$1" ] || seeds=tests/$1 # files of that kind which the tests have
	mkdir -p "$dir/corpus/$1" "$dir/found/$1"
	ASAN_OPTIONS=allocator_may_return_null=1 "$dir/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=20 \
		-rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -artifact_prefix="$dir/found/$1/" \
		"$dir/corpus/$1" "$seeds" >"$log" 2>&1 || rc=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	if [ "$rc" -eq 0 ]; then
		echo "ok fuzz_$1: ${runs:-0} executions in $seconds s, no finding"
	else
		echo "not ok fuzz_$1: after ${runs:-0} executions: $(grep -m 1 -E 'ERROR|SUMMARY|error:' "$log") ($log, $dir/found/$1)"
	fi
	return "$rc"
}

build() {
	[ -e "tests/fuzz/fuzz_$1.c" ] || { echo "run.sh: no target \"$1\": expected one of" $all >&2 && return 1; }
	make --no-print-directory -Otarget VARIANT=fuzz CC="$clang" "$dir/tests/fuzz/fuzz_$1" >"$dir/build.log" 2>&1 && return 0
	echo "not ok fuzz_$1: does not build: $(grep -m 1 -E 'error|undefined' "$dir/build.log") ($dir/build.log)"
	return 1
}

failed=0
for target in ${*:-$all}; do
	build "$target" && fuzz "$target" || failed=1
done
exit $failed
