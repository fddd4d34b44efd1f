#!/usr/bin/env bash
# What a run spends around its items: journal, rows, statistics, files. CSV, a line for each task.
#
#   tests/bench/overhead.sh [ITEMS]        default: 200
#
# A run of ITEMS short items and one of twice as many, on one thread: of the difference, the time that is not the items'
# own (column wall_s: prompt, session, answer) is what an item costs beside. Opening models, the plan and whatever
# does not grow falls out. Three times; the median by share. A busy machine changes both times alike.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD n=${1:-200} work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fotbench=$root/build/release/fotbench

spec() { # TASK ITEMS
	local model=passkey-fot task="\"task\": \"passkey\", \"context_lengths\": [512], \"depths\": [0.5], \"trials\": $2"
	if [ "$1" = perplexity ]; then
		model=lm-fot
		task="\"task\": \"perplexity\", \"context_lengths\": [512], \"target_tokens\": 256, \"datasets\": [\"$work/texts.jsonl\"], \"split\": \"all\", \"documents\": $2"
	fi
	echo "{ \"name\": \"overhead\", \"seed\": 1, \"models\": [ { \"path\": \"$root/model/zoo/$model\", \"variant\": \"fot\", \"memory\": [\"dense\"] } ], \"tasks\": [ { $task } ] }"
}
awk -v n="$((2 * n))" '{ gsub(/["\\\t]/, " "); text = text " " $0 } END { for (i = 0; i < n; i++) printf "{\"text\": \"%d %s\"}\n", i, substr(text, 1 + 37 * i % 20000, 4000) }' LICENSE >"$work/texts.jsonl"
# run TASK ITEMS: seconds of the whole and of the items
run() {
	spec "$1" "$2" >"$work/spec.json"
	"$fotbench" run "$work/spec.json" -o "$work/out" --overwrite -q -t 1 >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
	sed -n 's/.*"wall_s": *\([0-9.e-]*\),*$/\1/p' "$work/out/manifest.json" | head -n 1 | tr '\n' ' '
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "wall_s") back = NF - i; next } { s += $(NF - back) } END { printf "%.6f\n", s }' "$work/out/$1.csv"
}
echo "task,items,ms_per_item,beside_us_per_item,share"
for task in passkey perplexity; do
	for _ in 1 2 3; do
		echo "$(run $task "$n") $(run $task "$((2 * n))")"
	done | awk -v t="$task" -v n="$n" '{ whole = $3 - $1; beside = whole - ($4 - $2); printf "%s,%d,%.2f,%.0f,%.4f\n", t, n, 1e3 * whole / n, 1e6 * beside / n, beside / whole }' |
		sort -t, -k5g | sed -n 2p
done
