#!/usr/bin/env bash
# The engine "cuda" on a device, in at most four minutes: it is built, held against the recorded cases and the CPU's engine, and
# measured with LongLLaMA-3B's shape.  A step that fails is a row that says so, and the next one begins.
#
#   tests/bench/cuda.sh --prepare    without a device: build/gpu has what a bare machine lacks (objects for x86-64-v3, and the
#                                    shared libraries but the C library's and CUDA's); take it along with the sources
#   tests/bench/cuda.sh [DIR]        with one: DIR/cuda.csv (results/runs/cuda), DIR/log
#
# On the device: gcc, nvcc and cuBLAS.  FOTBENCH_SHARED (shared): the recorded cases.  For a try elsewhere ENGINE=twin,
# SHAPE (further arguments of make_checkpoint), LENGTHS (16384 65536 262144), RATE_N (8192), PASSKEY (256k), TEXT_BYTES (8000).
set -u
cd "$(dirname "$0")/../.." || exit 1
export LC_ALL=C OMP_WAIT_POLICY=passive
engine=${ENGINE:-cuda}
lengths=${LENGTHS:-16384 65536 262144}
shared=${FOTBENCH_SHARED:-shared}
gpu=build/gpu
objects="harness/cli/main.o tests/make_checkpoint.o tests/compare_case.o tests/device_rate.o"
cuda=${CUDA_HOME:-/usr/local/cuda}

prepare() {
	local from=build/matrix/gpu object
	make VARIANT=matrix/gpu OPT="-O3 -march=x86-64-v3" CC="${CC:-gcc}" all $from/tests/make_checkpoint \
		$from/tests/compare_case $from/tests/device_rate || return 1
	mkdir -p $gpu/lib
	cp $from/libfotbench.a $gpu/
	for object in $objects; do
		cp "$from/$object" $gpu/ || return 1
	done
	strip -g $gpu/*.o $gpu/libfotbench.a
	ldd $from/fotbench | awk '$3 ~ /^\// { print $3 }' | grep -vE '/(libc|libm|ld-linux[^/]*)\.so' | xargs cp -L -t $gpu/lib
	du -sh $gpu
}
if [ "${1:-}" = --prepare ]; then
	prepare
	exit
fi

out=${1:-results/runs/cuda}
mkdir -p "$out" || exit 6
out=$(cd "$out" && pwd)
csv=$out/cuda.csv log=$out/log
work=$(mktemp -d) || exit 1
trap 'kill "${watch:-}" "${maker:-}" 2>/dev/null; rm -rf "$work"' EXIT
begun=$(date +%s)
echo "step,name,value,unit,status" >"$csv"
: >"$log"
row() { # STEP NAME VALUE UNIT STATUS
	printf '%s,%s,%s,%s,%s\n' "$@" | tee -a "$csv"
}
now() { date +%s.%N; }
calc() { awk "BEGIN { printf \"%.4g\", $1 }"; }
# Seconds that are left of four minutes, at most $1.
left() { local s=$((240 - $(date +%s) + begun)); [ $s -lt 1 ] && s=1; [ $s -gt "$1" ] && s=$1; echo $s; }
# limited SECONDS COMMAND...: its stderr goes to the log
limited() {
	echo "+ ${*:2}" >>"$log"
	timeout -k 5 "$(left "$1")" "${@:2}" 2>>"$log"
}

# ---- the programs: of build/gpu if it is there, else made here ----

link() { # OBJECT PROGRAM DEVICE_OBJECT
	# shellcheck disable=SC2086 # lists
	gcc -fopenmp "$gpu/$1" $3 $gpu/libfotbench.a -o "$2" $(ls $gpu/lib/*.so*) -Wl,-rpath-link,$gpu/lib \
		-Wl,-rpath,"$PWD/$gpu/lib:$cuda/lib64" ${3:+-L$cuda/lib64 -lcublasLt -lcudart} -lm
}
build() {
	local device=""
	if [ "$engine" = cuda ]; then
		device=$work/device_cuda.o
		"$cuda/bin/nvcc" -std=c++17 -O3 -arch="${CUDA_ARCH:-sm_90}" -I. -c model/device_cuda.cu -o "$device" || return 1
	fi
	if [ -d $gpu/lib ]; then
		link main.o "$work/fotbench" "$device" && link device_rate.o "$work/device_rate" "$device" &&
			link compare_case.o "$work/compare_case" "" || return 1
	else # with the libraries of base/setup.sh
		make -j CC=gcc all build/release/tests/compare_case build/release/tests/device_rate || return 1
		for program in harness/cli/main.o:fotbench tests/device_rate.o:device_rate tests/compare_case.o:compare_case; do
			# shellcheck disable=SC2046,SC2086 # lists
			gcc -fopenmp build/release/${program%:*} $device build/release/libfotbench.a -o "$work/${program#*:}" \
				${device:+-L$cuda/lib64 -Wl,-rpath,$cuda/lib64 -lcublasLt -lcudart -lstdc++} $(sed -n 's/^LIBS := //p' Makefile) || return 1
		done
	fi
}
# The checkpoint takes half a minute of one core: meanwhile everything else is built.
make_model() {
	local maker=build/release/tests/make_checkpoint
	if [ -d $gpu/lib ]; then
		link make_checkpoint.o "$work/make_checkpoint" "" || return 1
		maker=$work/make_checkpoint
	fi
	[ -x "$maker" ] || make CC=gcc "$maker" || return 1
	# shellcheck disable=SC2086 # several arguments
	"$maker" "$work/3b" shape=longllama-3b ${SHAPE:-} && touch "$work/3b.made"
}
if [ -d $gpu/lib ]; then
	make_model >>"$log" 2>&1 &
	maker=$!
fi
start=$(now)
if build >>"$log" 2>&1; then
	row build seconds "$(calc "$(now) - $start")" s ok
else
	row build seconds "" s failed
	tail -n 20 "$log" >&2
	exit 1
fi
if [ -z "${maker:-}" ]; then
	make_model >>"$log" 2>&1 &
	maker=$!
fi
fotbench=$work/fotbench
row device name "$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | tr -d ,)" "" ok
row device commit "$(git rev-parse --short HEAD 2>/dev/null)" "" ok

# ---- the device's rate ----

for type in bf16 f32; do
	kind=$engine
	[ "$engine" = twin ] && kind=host
	rate=$(limited 20 "$work/device_rate" $kind $type "${RATE_N:-8192}")
	row rate $type "$rate" TFLOP/s "$([ -n "$rate" ] && echo ok || echo failed)"
	[ $type = bf16 ] && bf16_rate=$rate
done

# ---- the recorded cases ----

one_case() { # DIR
	local steps tolerance="1e-3 1e-3"
	grep -q '"mem_layers": *\[\]' "$1/config.json" || grep -q '"mem_dtype": *"float32"' "$1/config.json" || tolerance="5e-3 1e-3"
	limited 15 "$fotbench" score --model "$1" --tokens "$1/input_ids.json" --out "$work/s.csv" --logits "$work/s.safetensors" \
		--all-logits --engine "$engine" >>"$log" || return 1
	# shellcheck disable=SC2086 # two numbers
	limited 10 "$work/compare_case" "$1/expected.safetensors" "$work/s.safetensors" $tolerance >>"$log" || return 1
	steps=$(grep -o '"greedy_steps": *[0-9]*' "$1/input_ids.json" | grep -o '[0-9]*$')
	[ -z "$steps" ] && return 0
	limited 15 "$fotbench" generate --model "$1" --tokens "$1/input_ids.json" --max-new "$steps" --ignore-eos --engine "$engine" \
		>"$work/g.jsonl" || return 1
	limited 10 "$work/compare_case" "$1/expected.safetensors" "$work/g.jsonl" >>"$log"
}
for case in "$shared"/reference/cases/*/; do
	if [ ! -d "$case" ]; then
		row recorded none "" "" skipped
		break
	fi
	row recorded "$(basename "$case")" "" "" "$(one_case "${case%/}" && echo ok || echo failed)"
done

# ---- the zoo against the CPU's engine ----

# scores MODEL ENGINE COMPUTE OUT
head -c "${TEXT_BYTES:-8000}" tests/regress/notes.txt >"$work/notes.txt"
scores() { limited 20 "$fotbench" score --model "$1" --text "$work/notes.txt" --engine "$2" --compute "$3" --out "$4" >>"$log"; }
# apart A B: the mean and the largest difference of a token's nll. A token where the model is ill-conditioned differs by 5e-3
# between two CPU programs too: the mean decides.
apart() {
	paste -d, "$1" "$2" | awk -F, 'NR > 1 { d = $5 - $11; if (d < 0) d = -d; if (!(d <= m)) m = d; s += d; n++ }
		END { if (n == 0) exit 1; printf "%.3g %.3g", s / n, m }'
}
for model in model/zoo/{lm,passkey}-{fot,local,memorizing,xl}; do
	[ -e "$model/config.json" ] || continue
	for type in f32 bf16; do
		status=failed
		mean="" far=""
		scores "$model" cpu $type "$work/a.csv" && scores "$model" "$engine" $type "$work/b.csv" &&
			read -r mean far <<<"$(apart "$work/a.csv" "$work/b.csv")" && [ -n "$far" ] && status=ok
		[ $type = f32 ] && [ $status = ok ] && awk -v d="$mean" -v m="$far" 'BEGIN { exit d <= 1e-4 && m <= 2e-2 }' && status=failed
		row "zoo_${type}_mean" "$(basename "$model")" "$mean" nats $status
		row "zoo_${type}_largest" "$(basename "$model")" "$far" nats $status
	done
done
again() { scores model/zoo/lm-fot "$engine" f32 "$work/b.csv" && scores model/zoo/lm-fot "$engine" f32 "$work/c.csv" && cmp -s "$work/b.csv" "$work/c.csv"; }
row same_bits lm-fot "" "" "$(again && echo ok || echo failed)"

# ---- LongLLaMA-3B's shape ----

wait "$maker" 2>/dev/null
if command -v nvidia-smi >/dev/null; then
	(while :; do nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits >>"$work/used" 2>/dev/null; sleep 0.2; done) &
	watch=$!
fi
vocabulary=$(sed -n 's/.*"vocab_size": *\([0-9]*\).*/\1/p' "$work/3b/config.json" 2>/dev/null)
prompt() { awk -v n="$1" -v v="$vocabulary" 'BEGIN { printf "[[1"; for (i = 1; i < n; i++) printf ",%d", 3 + (i * 7919 + int(i / 97) * 31) % (v - 3); print "]]" }'; }
# read_prompt LENGTH SECONDS OUT: prints the seconds it took; memory dense, as the released code reads
read_prompt() {
	local start
	prompt "$1" >"$work/prompt.json"
	start=$(now)
	limited "$2" "$fotbench" score --model "$work/3b" --tokens "$work/prompt.json" --last-window --memory dense --mem-dtype bf16 \
		--compute bf16 --engine "$engine" --out "$3" >>"$log" || return 1
	calc "$(now) - $start"
}
loading=""
if [ -e "$work/3b.made" ]; then
	read_prompt 32 40 "$work/warm.csv" >/dev/null # the files come into memory
	loading=$(read_prompt 32 40 "$work/short.csv")
	row longllama3b load_s "$loading" s "$([ -n "$loading" ] && echo ok || echo failed)"
else
	row longllama3b checkpoint "" "" failed
fi
for n in $lengths; do
	[ -n "$loading" ] || break
	: >"$work/used"
	seconds=$(read_prompt "$n" 100 "$work/long_$n.csv")
	if [ -z "$seconds" ]; then
		row longllama3b "$n" "" s failed
		continue
	fi
	work_n=$("$fotbench" inspect "$work/3b" --context-lengths "$n" 2>>"$log" | awk -v n="$n" '/^reading with/ { kind = $4 } $1 == n && kind == "dense" { print $4 }')
	row longllama3b "${n}_wall" "$seconds" s ok
	row longllama3b "${n}_tokens_per_s" "$(calc "$n / ($seconds - $loading)")" 1/s ok
	row longllama3b "${n}_rate" "$(calc "${work_n:-0} / ($seconds - $loading)")" TFLOP/s ok
	row longllama3b "${n}_share_of_bf16" "$(calc "${work_n:-0} / ($seconds - $loading) / ${bf16_rate:-0}" 2>/dev/null)" "" ok
	row longllama3b "${n}_device_memory" "$(sort -n "$work/used" | tail -n 1)" MiB ok
done
set -- $lengths
twice() { read_prompt "$1" 40 "$work/again.csv" >/dev/null && cmp -s "$work/again.csv" "$work/long_$1.csv"; }
[ -n "$loading" ] && row same_bits "longllama3b_$1" "" "" "$(twice "$1" && echo ok || echo failed)"

# ---- a pass key ----

pass() { limited 60 "$fotbench" passkey -m model/zoo/passkey-fot --context-lengths "${PASSKEY:-256k}" --depths 0.5 --trials 2 --engine "$engine" -q -o "$work/pass" >>"$log"; }
start=$(now)
if pass; then
	right=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "exact_match") c = i } NR > 1 { n++; s += $c } END { if (n) print s / n }' "$work/pass/passkey.csv")
	row passkey "accuracy_${PASSKEY:-256k}" "$right" "" ok
	row passkey "wall_${PASSKEY:-256k}" "$(calc "$(now) - $start")" s ok
else
	row passkey "accuracy_${PASSKEY:-256k}" "" "" failed
fi
row training tokens_per_s "" 1/s "not on a device"
row all seconds $(($(date +%s) - begun)) s ok
