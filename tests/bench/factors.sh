#!/usr/bin/env bash
# What skipping and sharing bring, and what filling the memory costs, as ratios of this run.
#
#   tests/bench/factors.sh [MODEL [LONGEST [TRIALS]]]     default: model/zoo/passkey-fot 256k 5
#
# Four figures: one prompt of LONGEST tokens (with and without skipping), the grid 11 depths
# x lengths 2k .. LONGEST x TRIALS (with and without sharing), seconds per token while the
# memory is filled from 16k to 1M tokens, and the peak memory against the foretold one. Quiet
# machine, please: everything is wall-clock time.
set -eu
cd "$(dirname "$0")/../.."
model=${1:-model/zoo/passkey-fot} longest=${2:-256k} trials=${3:-5}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# column NAME FILE: one column of a CSV by its name
column() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }' "$2"; }
total() { column wall_s "$1/passkey.csv" | awk '{ s += $1 } END { printf "%.2f", s }'; }
passkey() { ./fotbench passkey -m "$model" --memory dense -q --progress off "$@"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'; }
same() { cmp <(cut -d, -f1-21 "$1/passkey.csv") <(cut -d, -f1-21 "$2/passkey.csv") && echo "the same answers"; }

passkey --context-lengths "$longest" --depths 0.5 --trials 1 -o "$out/one"
passkey --context-lengths "$longest" --depths 0.5 --trials 1 -o "$out/all" --no-skipping
a=$(total "$out/one") b=$(total "$out/all")
echo "one prompt of $longest: $a s; without skipping $b s: factor $(ratio "$b" "$a"); $(same "$out/one" "$out/all")"

passkey --context-lengths "2k-$longest*2" --trials "$trials" -o "$out/grid"
passkey --context-lengths "2k-$longest*2" --trials "$trials" -o "$out/alone" --no-sharing
a=$(total "$out/grid") b=$(total "$out/alone")
echo "grid of 11 depths, 2k to $longest, $trials trials: $a s; without sharing $b s: factor $(ratio "$b" "$a"); $(same "$out/grid" "$out/alone")"

passkey --context-lengths 16k-1M*4 --depths 0.5 --trials 1 --no-sharing -o "$out/fill"
paste -d' ' <(column context_length "$out/fill/passkey.csv") <(column wall_s "$out/fill/passkey.csv") |
	awk '{ t = $2 / $1 * 1e6; if (NR == 1) first = t; printf "filling and asking %7d tokens: %.2f s, %.2f us per token, %.2f of the first\n", $1, $2, t, t / first }'

passkey --context-lengths 1M --depths 0.5 --trials 1 --no-sharing --dry-run | grep -E '^all|GFLOP'
column peak_rss_bytes "$out/fill/passkey.csv" | tail -n 1 | awk '{ printf "peak memory at 1M tokens: %.1f MiB\n", $1 / 1048576 }'
