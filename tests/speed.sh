#!/usr/bin/env bash
# What too many threads, a busy core and a second run cost: seconds of a run and of a training, as ratios to the same with
# two threads alone, the least of ROUNDS. Wants a machine on which nothing else runs, and a minute a round on two cores.
#
#   tests/speed.sh [ROUNDS]
#   expected on two cores: 16 threads 1.0, beside a busy core at most 1.5, side by side at most 2.0
set -u
fotbench=$(realpath "${FOTBENCH:-./fotbench}")
rounds=${1:-3}
work=$(mktemp -d) || exit 1
busy=
trap '[ -z "$busy" ] || kill "$busy"; rm -rf "$work"' EXIT
cat >"$work/spec.json" <<'END'
{ "name": "speed", "models": [{ "path": "model/zoo/lookup-fot", "memory": ["dense", "knn:32"] }],
  "tasks": [{ "task": "lookup", "context_lengths": ["4k", "16k"], "trials": 8, "question_tokens": 256 }] }
END

run_of() { "$fotbench" run "$work/spec.json" -q --no-timings --overwrite "$@"; }
training_of() { "$fotbench" train lookup-fot --stop-after 8 -q --overwrite "$@"; }
both() { "$1_of" -t 2 -o "$work/left" & "$1_of" -t 2 -o "$work/right" && wait $!; }
beside() {
	while :; do :; done &
	busy=$!
	"$1_of" -t 2 -o "$work/out"
	kill "$busy" && wait "$busy" 2>/dev/null
	busy=
}
alone() { "$1_of" -t 2 -o "$work/out"; }
one() { "$1_of" -t 1 -o "$work/out"; }
many() { "$1_of" -t 16 -o "$work/out"; }

# least HOW WHAT: its seconds in the best of the rounds
least() {
	local begun best= now
	for ((i = 0; i < rounds; i++)); do
		begun=$EPOCHREALTIME
		"$1" "$2" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
		now=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
		best=$(awk -v a="${best:-$now}" -v b="$now" 'BEGIN { print a < b ? a : b }')
	done
	echo "$best"
}

for what in run training; do
	base=$(least alone $what) || exit 1
	for how in one many beside both; do
		case $how in
		one) name='1 thread' ;; many) name='16 threads' ;; beside) name='2 beside a busy core' ;; both) name='2 and 2 side by side' ;;
		esac
		seconds=$(least "$how" "$what") || exit 1
		awk -v w="$what" -v n="$name" -v s="$seconds" -v b="$base" 'BEGIN { printf "%-10s %-24s %6.2f s %6.2f\n", w, n, s, s / b }'
	done
done
