#!/usr/bin/env bash
# Random bf16 checkpoints of shapes that people have: perplexity of a real document with a memory and without, in
# tokens/s and as a share of sgemm's rate at that shape, and the peak memory against what --dry-run foretold. CSV:
#
#   shape,context_length,window,memory,tokens,tflop,wall_s,tokens_per_s,gflop_per_s,sgemm_gflop_per_s,share_of_sgemm,peak_mib,foretold_mib,foretold_over_peak
#
#   tests/bench/shapes.sh [DIR]     DIR keeps the checkpoints (7.5 GiB in all), build/shapes
#
# SHAPES (all five), LENGTHS ("2048 8192"), MEMORIES (none knn:128 dense), TARGETS (512 scored tokens), THREADS (all
# processors).  The window is the model's, or half of the length where that is less, so that there is a memory; its layers are
# those at a third and two thirds.  tokens: all that are computed.  Wants a quiet machine: an hour or two on two cores.
set -eu
cd "$(dirname "$0")/../.."
export LC_ALL=C
fotbench=${FOTBENCH:-build/release/fotbench}
make_checkpoint=build/release/tests/make_checkpoint
dir=${1:-build/shapes}
threads=${THREADS:-$(nproc)}
targets=${TARGETS:-512}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$dir"
cat README.md docs/*.md >"$work/text.txt" # some 100,000 tokens

key() { sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p" "$1/config.json"; }
# The condition's line of a dry run, which may be two: label, items, tokens, shared, flop, peak MiB.
foretold() { awk -v k="$1" '/^all / { exit } NF > 4 { line = $0 } END { n = split(line, f, " "); print f[n - k] }' "$work/dry"; }

# The rate of sgemm at a shape: one layer of it, so that the products are as large.
sgemm_rate() {
	"$make_checkpoint" "$work/layer" "shape=$1" layers=1 vocab=512 window=32 last=16 shards=1
	"$fotbench" bench -m "$work/layer" -t "$threads" --rounds 3 --tokens 64 | awk '/^sgemm at the model/ { rate = $(NF - 3) } END { print rate }'
	rm -rf "$work/layer"
}

measure() { # SHAPE LENGTH WINDOW MEMORY LAYERS SGEMM
	local memory=$4
	[ "$memory" = none ] || memory="$memory,layers=$5"
	set -- "$@" -m "$dir/$1" -d "$work/text.txt" --context-lengths "$2" --window "$3" --target-tokens "$targets" --memory "$memory" -t "$threads"
	"$fotbench" perplexity "${@:7}" --dry-run >"$work/dry"
	"$fotbench" perplexity "${@:7}" -o "$work/out" --overwrite -q
	awk -F, -v shape="$1" -v window="$3" -v memory="$4" -v sgemm="$6" -v tokens="$(foretold 3)" -v flop="$(foretold 1)" -v told="$(foretold 0)" '
		NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		{ wall += $c["wall_s"]; peak = $c["peak_rss_bytes"] / 1048576; n = $c["context_length"] }
		END { printf "%s,%d,%d,%s,%d,%.3f,%.2f,%.1f,%.1f,%s,%.2f,%.1f,%s,%.3f\n", shape, n, window, memory, tokens, flop / 1e12, wall,
			tokens / wall, flop / wall / 1e9, sgemm, flop / wall / 1e9 / sgemm, peak, told, told / peak }' "$work/out/perplexity.csv"
}

echo "shape,context_length,window,memory,tokens,tflop,wall_s,tokens_per_s,gflop_per_s,sgemm_gflop_per_s,share_of_sgemm,peak_mib,foretold_mib,foretold_over_peak"
for shape in ${SHAPES:-tinyllama-1.1b smollm2-360m llama-3.2-1b qwen2.5-0.5b qwen3-0.6b}; do
	[ -e "$dir/$shape/tokenizer.model" ] || {
		"$make_checkpoint" "$dir/$shape" "shape=$shape" tokenizer=spm
		cp model/zoo/bpe-2k/tokenizer.model "$dir/$shape/"
	}
	layers=$(key "$dir/$shape" num_hidden_layers)
	own=$("$fotbench" inspect "$dir/$shape" --context-lengths 1k --memory none | awk '$1 == "window" { print $2 + 0 }')
	rate=$(sgemm_rate "$shape")
	for length in ${LENGTHS:-2048 8192}; do
		window=$((own < length / 2 ? own : length / 2))
		for memory in ${MEMORIES:-none knn:128 dense}; do
			measure "$shape" "$length" "$window" "$memory" "$((layers / 3))+$((2 * layers / 3))" "$rate"
		done
	done
done
