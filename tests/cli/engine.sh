#!/usr/bin/env bash
# --engine: what is said of it, what it changes and what not; the program with CUDA is built.
. "$(dirname "$0")/common.bash"
make_experiment
run() { "$fotbench" run "$1" --no-timings -q -t 1 -o "${@:2}"; }

check engine_default_runs run spec.json plain
check engine_cpu_said_runs run spec.json said --engine cpu
check engine_cpu_is_the_default cmp plain/perplexity.csv said/perplexity.csv
check engine_cpu_in_the_manifest grep -qE '^\s*"engine": *"cpu"' plain/manifest.json
# The column stands where a later one does; behind it are keys_read, keys_scored and memory_bytes.
engines() { awk -F, 'NR == 1 { if ($(NF - 3) != "engine") exit 1; next } { print $(NF - 3) }' "$1/perplexity.csv" | sort -u; }
check engine_cpu_in_no_cell [ -z "$(engines plain)" ]

check engine_twin_runs run spec.json twin --engine twin
check engine_twin_in_the_column [ "$(engines twin)" = twin ]
check engine_twin_in_the_manifest bash -c '[ "$(grep -c "\"engine\": *\"twin\"" twin/manifest.json)" -eq 2 ]'
check engine_twin_has_another_run_id bash -c '[ "$(sed -n "2s/,.*//p" plain/perplexity.csv)" != "$(sed -n "2s/,.*//p" twin/perplexity.csv)" ]'
sed 's/"seed": 3,/"seed": 3, "engine": "twin",/' spec.json >twin.json
check engine_key_runs run twin.json key
check engine_key_is_the_flag cmp twin/perplexity.csv key/perplexity.csv
said() { "$fotbench" compare plain twin 2>&1 | grep -q 'by the engine cpu there, twin here'; }
check engine_compare_says_so said

printf '[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]]' >ids.json
score() { "$fotbench" score -m tiny --tokens ids.json --out "$1" -t 1 "${@:2}"; }
check engine_score_cpu score a.csv
check engine_score_twin score b.csv --engine twin
near() { paste -d, a.csv b.csv | awk -F, 'NR > 1 { d = $5 - $11; if (d < 0) d = -d; if (d > 1e-4 || $6 != $12) exit 1; n++ } END { exit n != 15 }'; }
check engine_score_is_near near
exits engine_unknown_word 2 'engine: expected one of cpu, cuda, twin, got "gpu"' "$fotbench" score -m tiny --tokens ids.json --out x.csv --engine gpu
exits engine_refuses_a_memory 2 "memory: a device's engine serves none, dense, knn and xl, got recent" \
	"$fotbench" score -m tiny --tokens ids.json --out x.csv --engine twin --memory recent:8

# Without CUDA in the program, or without a device, one line, and nothing is written.
if "$fotbench" --version | grep -q '^engines: *cpu, cuda$'; then
	reason='cuda: there is no device on this machine'
else
	reason='cuda is not built into this program: build it with make CUDA=1'
	prints engine_version '^engines: *cpu, no cuda in this program \(make CUDA=1\)$' "$fotbench" --version
fi
if ! ls /dev/nvidia0 >/dev/null 2>&1; then
	exits engine_cuda_is_refused_by_score 2 "engine: $reason" "$fotbench" score -m tiny --tokens ids.json --out x.csv --engine cuda
	exits engine_cuda_is_refused_by_run 2 "engine: $reason" "$fotbench" run spec.json -q -o nothing --engine cuda
	check engine_nothing_is_written bash -c '[ ! -e x.csv ] && [ ! -e nothing ]'
fi

# The program with CUDA, of this build's objects: it links, and says what it is.
nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
if [ -z "$nvcc" ]; then
	echo "skip engine_cuda_builds: no nvcc"
	exit 0
elif [ "$variant" != release ]; then
	echo "skip engine_cuda_builds: of the release variant alone"
	exit 0
fi
# As in the Makefile: nvcc may be a script that stands elsewhere than its toolkit.
home=$("$nvcc" --dryrun -x cu /dev/null 2>&1 | sed -n 's/^#\$ TOP=//p')
if ! echo 'int main(void) { return 0; }' | ${CC:-gcc} -x c - -o "$work/links" -L"$home/lib64" -lcublasLt -lcudart 2>/dev/null; then
	echo "skip engine_cuda_builds: nvcc without cuBLAS"
	exit 0
fi
object=$root/build/release/cuda/device_cuda.o
build_cuda() (
	cd "$root" || return 1
	if [ ! -e "$object" ] || [ -n "$(find model/device_cuda.cu model/device.h model/kernel*.h model/dtypes.h -newer "$object")" ]; then
		object=$work/device_cuda.o
		"$nvcc" -std=c++17 -O1 -arch=sm_90 -Xcompiler -Wall,-Werror -I. -c model/device_cuda.cu -o "$object" || return 1
	fi
	# shellcheck disable=SC2046 # a list
	${CC:-gcc} -fopenmp build/release/harness/cli/main.o "$object" build/release/libfotbench.a -o "$work/with_cuda" \
		-L"$home/lib64" -Wl,-rpath,"$home/lib64" -lcublasLt -lcudart -lstdc++ $(sed -n 's/^LIBS := //p' Makefile)
)
check engine_cuda_builds build_cuda
prints engine_cuda_says_so '^engines: *cpu, cuda$' "$work/with_cuda" --version
if ! ls /dev/nvidia0 >/dev/null 2>&1; then
	exits engine_cuda_without_a_device 2 'engine: cuda: there is no device on this machine' \
		"$work/with_cuda" score -m tiny --tokens ids.json --out x.csv --engine cuda
fi
