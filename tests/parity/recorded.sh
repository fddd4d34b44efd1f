#!/usr/bin/env bash
# Recorded outputs of the released LongLLaMA code: logits and greedy ids of every case
# under FOTBENCH_SHARED (../shared), with 1 and 2 threads and two BLAS kernels, and by the device's engine (FOTBENCH_ENGINE:
# twin, cuda).
shared=${FOTBENCH_SHARED:-$(dirname "$0")/../../../shared}
shared=$(cd "$shared" 2>/dev/null && pwd)
. "$(dirname "$0")/../cli/common.bash"
compare=$root/build/$variant/tests/compare_case
if [ -z "$shared" ] || [ ! -d "$shared/reference/cases" ]; then
	echo "skip recorded_cases: no recorded cases (FOTBENCH_SHARED)"
	exit 0
fi
kernels=Haswell
if grep -qw avx512f /proc/cpuinfo; then
	kernels="Haswell SkylakeX"
fi

# one_case DIR KERNEL THREADS [ENGINE]
one_case() {
	local name steps engine=${4:-cpu} tolerance="1e-4 1e-5"
	name=$(basename "$1")_$2_$3${4:+_$4}
	grep -q '"mem_layers": *\[\]' "$1/config.json" || grep -q '"mem_dtype": *"float32"' "$1/config.json" ||
		tolerance="5e-3 1e-4"
	steps=$(grep -o '"greedy_steps": *[0-9]*' "$1/input_ids.json" | grep -o '[0-9]*$')
	export OPENBLAS_CORETYPE=$2
	"$fotbench" score --model "$1" --tokens "$1/input_ids.json" --out s.csv --logits s.safetensors --all-logits -t "$3" --engine "$engine"
	# shellcheck disable=SC2086 # two numbers
	check "recorded_logits_$name" "$compare" "$1/expected.safetensors" s.safetensors $tolerance
	if [ -n "$steps" ]; then
		"$fotbench" generate --model "$1" --tokens "$1/input_ids.json" --max-new "$steps" --ignore-eos -t "$3" --engine "$engine" >g.jsonl
		check "recorded_greedy_$name" "$compare" "$1/expected.safetensors" g.jsonl
	fi
	rm -f s.safetensors g.jsonl
}

for case in "$shared"/reference/cases/*/; do
	for kernel in $kernels; do
		for threads in 1 2; do
			one_case "${case%/}" "$kernel" "$threads"
		done
	done
	one_case "${case%/}" Haswell 2 "${FOTBENCH_ENGINE:-twin}"
done
