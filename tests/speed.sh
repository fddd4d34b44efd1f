#!/usr/bin/env bash
# What a busy core and too many threads cost: tokens/s of fotbench bench with two threads, as ratios of one run. Wants a
# machine on which nothing else runs.
#
#   tests/speed.sh [ROUNDS]
set -u
fotbench=${FOTBENCH:-./fotbench}
rounds=${1:-3}
work=$(mktemp -d) || exit 1
busy=
trap '[ -z "$busy" ] || kill "$busy"; rm -rf "$work"' EXIT

# rates THREADS: lines "ROW<tab>TOKENS/S" of a run with so many threads
rates() {
	"$fotbench" bench -t "$1" --rounds "$rounds" --json -q |
		sed -n 's/.*"measured":"\([^"]*\)","threads":'"$1"',.*"tokens_per_s":\([0-9.e+]*\).*/\1\t\2/p'
}
# ratios WHAT FILE: FILE over the run with two threads alone
ratios() {
	awk -F'\t' -v what="$1" 'NR == FNR { alone[$1] = $2; next }
		$2 > 0 { printf "%-28s %-32s %5.2f\n", $1, what, $2 / alone[$1] }' "$work/alone" "$2"
}

rates 2 >"$work/alone"
rates 16 >"$work/many"
while :; do :; done &
busy=$!
rates 2 >"$work/busy"
ratios '16 threads / 2' "$work/many"
ratios 'beside a busy core / alone' "$work/busy"
