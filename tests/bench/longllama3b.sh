#!/usr/bin/env bash
# A checkpoint of LongLLaMA-3B's shape (random, bf16, three shards): how fast a long prompt is
# read whose last window is scored, in tokens/s and as a share of sgemm's rate in the same run,
# how much memory it takes against what inspect foretold, and how long 256k tokens would take.
#
#   tests/bench/longllama3b.sh [DIR]      DIR keeps the checkpoint (6.4 GiB), build/longllama-3b
#
# TOKENS (16384), THREADS (all processors), SHAPE (further arguments of make_checkpoint, for a
# smaller try).  Wants a quiet machine: two cores need half an hour.
set -eu
cd "$(dirname "$0")/../.."
export LC_ALL=C
fotbench=${FOTBENCH:-build/release/fotbench}
make_checkpoint=build/release/tests/make_checkpoint
dir=${1:-build/longllama-3b}
tokens=${TOKENS:-16384}
threads=${THREADS:-$(nproc)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf '%-34s %s\n' "$1" "$2"; }
now() { date +%s.%N; }
less() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a - b }'; }

# shellcheck disable=SC2086 # several arguments
[ -e "$dir/config.json" ] || "$make_checkpoint" "$dir" shape=longllama-3b ${SHAPE:-}
vocabulary=$(sed -n 's/.*"vocab_size": *\([0-9]*\).*/\1/p' "$dir/config.json")
awk -v n="$tokens" -v v="$vocabulary" 'BEGIN { printf "[[1"; for (i = 1; i < n; i++) printf ",%d", 3 + (i * 7919 + int(i / 97) * 31) % (v - 3); print "]]" }' >"$work/prompt.json"

begin=$(now)
"$fotbench" inspect "$dir" -t "$threads" --context-lengths "$tokens,256k" >"$work/inspect"
loaded=$(less "$(now)" "$begin")
column() { awk -v n="$1" -v c="$2" '$1 == n { print $c }' "$work/inspect"; }
foretold=$(column "$tokens" 2)
work_n=$(column "$tokens" 4)
work_256k=$(column 262144 4)

# One layer of the same width, so that the products have the same shapes.
"$make_checkpoint" "$work/layer" shape=longllama-3b layers=1 mem=0 window=32 last=16 vocab=256 shards=1
"$fotbench" bench -m "$work/layer" -t "$threads" --rounds 3 --tokens 64 >"$work/bench"
sgemm=$(awk '/^sgemm at the model/ { rate = $(NF - 3) } END { print rate }' "$work/bench") # the last: of all threads

begin=$(now)
"$fotbench" score --model "$dir" --tokens "$work/prompt.json" --last-window --out "$work/scores.csv" -t "$threads" 2>"$work/log"
wall=$(less "$(now)" "$begin")
peak=$(sed -n 's/.*peak memory \([0-9]*\) MiB.*/\1/p' "$work/log")
rows=$(($(wc -l <"$work/scores.csv") - 1))

say "processors, threads" "$(nproc), $threads"
say "mapped and inspected in" "$loaded s"
say "prompt" "$tokens tokens, $rows scored"
say "work" "$work_n TFLOP"
say "time" "$wall s"
say "tokens/s" "$(awk -v n="$tokens" -v t="$wall" 'BEGIN { printf "%.2f", n / t }')"
say "rate" "$(awk -v w="$work_n" -v t="$wall" 'BEGIN { printf "%.1f GFLOP/s", 1000 * w / t }')"
say "sgemm at these shapes" "$sgemm GFLOP/s"
say "share of sgemm" "$(awk -v w="$work_n" -v t="$wall" -v s="$sgemm" 'BEGIN { printf "%.2f", 1000 * w / t / s }')"
say "peak memory" "$peak MiB, foretold $foretold ($(awk -v a="$foretold" -v b="$peak" 'BEGIN { printf "%+.1f %%", 100 * (a / b - 1) }'))"
say "256k tokens by work alone" "$work_256k TFLOP, $(awk -v w="$work_256k" -v r="$work_n" -v t="$wall" 'BEGIN { printf "%.1f h", w / r * t / 3600 }'), $(column 262144 2) MiB"
