#!/usr/bin/env bash
# Fuzzes the readers of foreign files: run.sh [TARGET...], FUZZ_SECONDS (600) each, one
# after the other; all targets without arguments.  Needs clang with libFuzzer; without
# it says so and does nothing.  Corpora stay in build/fuzz/corpus/TARGET and grow from
# run to run; inputs that broke a promise are put in build/fuzz/found/TARGET.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-600}
clang=${CLANG:-clang}
dir=build/fuzz
seeds=${SEEDS:-build/release/tests/fuzz/seeds}
all="safetensors torch tokenizer json spec journal dataset"
sanitizers=address,undefined

# What a target is linked from, besides base/.
sources_of() {
	case $1 in
	safetensors) echo model/safetensors.c model/dtype.c model/foreign.c ;;
	torch) echo tests/unit/torch_writer.c model/torch_zip.c model/zip.c model/dtype.c model/foreign.c ;;
	tokenizer) echo model/tokenizer*.c model/spm_*.c model/foreign.c ;;
	json) ;;
	spec) echo harness/run/spec*.c harness/cli/options.c model/config.c model/dtype.c ;;
	journal) echo harness/run/journal.c base/jsondiff.c ;;
	dataset) echo datasets/dataset.c datasets/reader_*.c datasets/walk.c datasets/record.c datasets/options.c \
		datasets/unpack.c datasets/text.c datasets/labelled*.c datasets/index.c datasets/datamanifest.c ;;
	*) echo "run.sh: no target \"$1\": expected one of $all" >&2 && return 1 ;;
	esac
}

mkdir -p "$dir/found"
echo 'int LLVMFuzzerTestOneInput(const unsigned char *p, unsigned long n) { return p[0] == n; }' >"$dir/probe.c"
if ! "$clang" -fsanitize=fuzzer,$sanitizers "$dir/probe.c" -o "$dir/probe" 2>/dev/null; then
	echo "skip fuzz: no clang with libFuzzer (Debian: apt-get install clang libclang-rt-14-dev)"
	exit 0
fi
"$seeds" "$dir/seeds" model/zoo/bpe-2k/tokenizer.model || exit 1

build() {
	local sources
	sources=$(sources_of "$1") || return 1
	# shellcheck disable=SC2086 # a list of files
	"$clang" -std=c11 -D_GNU_SOURCE -I. -g -O1 -fsanitize=fuzzer,$sanitizers -fno-sanitize-recover=all \
		"tests/fuzz/fuzz_$1.c" $sources base/*.c -o "$dir/fuzz_$1" -lcjson -lcsv -lzstd -lz -lm
}

# One line: executions, and how many inputs were found.
fuzz() {
	local log=$dir/$1.log rc=0 runs
	mkdir -p "$dir/corpus/$1" "$dir/found/$1"
	ASAN_OPTIONS=allocator_may_return_null=1 "$dir/fuzz_$1" -max_total_time="$seconds" -timeout=20 \
		-rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -artifact_prefix="$dir/found/$1/" \
		"$dir/corpus/$1" "$dir/seeds/$1" >"$log" 2>&1 || rc=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	if [ "$rc" -eq 0 ]; then
		echo "ok fuzz_$1: ${runs:-0} executions in $seconds s, no finding"
	else
		echo "not ok fuzz_$1: after ${runs:-0} executions: $(grep -m 1 -E 'ERROR|SUMMARY|error:' "$log") ($log, $dir/found/$1)"
	fi
	return "$rc"
}

failed=0
for target in ${*:-$all}; do
	build "$target" && fuzz "$target" || failed=1
done
exit $failed
