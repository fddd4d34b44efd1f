#!/usr/bin/env bash
# How each step of a run grows with the number of items: seconds and peak memory, as CSV.
#
#   tests/bench/growth.sh [SHARDS [ITEMS...]]        default: 64 10000 100000 1000000
#
# No model runs but in the dry run's measurement of a moment: tests/make_shards.c makes up the shards' results.
# Needs /usr/bin/time (Debian: time). 1,000,000 items take 6 GB of disk in $TMPDIR.
#
#   plan       fotbench validate: items, identities
#   dry-run    the same, with the order of the items and what they cost
#   append     plan, division into shards, and their journals written: one line of about 1.5 KB an item
#   merge      64 journals read and checked, one written, statistics, all files
#   resume     run --resume of what is complete: the journal read, statistics, all files anew
#   status, report, page (report --html), compare (with itself), export
#
#   passkey      two conditions, one length, five depths, ITEMS / 10 trials
#   perplexity   two conditions, three lengths, ITEMS / 6 documents: an item has a row for each length
set -eu
cd "$(dirname "$0")/../.."
root=$PWD shards=${1:-64}
[ $# -gt 0 ] && shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fotbench=$root/build/release/fotbench

spec() { # TASK ITEMS
	local task="\"task\": \"passkey\", \"context_lengths\": [\"2k\"], \"depths\": [0, 0.25, 0.5, 0.75, 1], \"trials\": $(($2 / 10))"
	[ "$1" = passkey ] || task="\"task\": \"perplexity\", \"context_lengths\": [512, 1024, 2048], \"target_tokens\": 512, \"datasets\": [\"$work/texts.jsonl\"], \"split\": \"all\", \"documents\": $(($2 / 2))"
	echo "{ \"name\": \"growth\", \"seed\": 1, \"models\": [ { \"path\": \"$root/model/zoo/passkey-fot\", \"variant\": \"fot\", \"memory\": [\"dense\", \"knn:32\"] } ], \"tasks\": [ { $task } ] }"
}
measured() { # TASK ITEMS WHAT COMMAND...
	local task=$1 items=$2 what=$3
	shift 3
	/usr/bin/time -o "$work/time" -f '%e %U %S %M' "$@" >"$work/said" 2>"$work/err" || { cat "$work/err" >&2; exit 1; }
	awk -v OFS=, -v t="$task" -v n="$items" -v s="$shards" -v w="$what" \
		'{ printf "%s,%d,%d,%s,%s,%.2f,%.0f,%.1f\n", t, n, s, w, $1, $2 + $3, $4 / 1024, 1e6 * ($2 + $3) / n }' "$work/time"
}
echo "task,items,shards,what,wall_s,cpu_s,peak_mib,cpu_us_per_item"
for items in "${@:-10000}" $([ $# -gt 0 ] || echo 100000 1000000); do
	for task in ${TASKS:-passkey}; do
		rm -rf "$work/shards" "$work/merged" "$work/export"
		spec "$task" "$items" >"$work/spec.json"
		if [ "$task" = perplexity ]; then
			awk -v n="$((items / 2))" 'BEGIN { for (i = 0; i < n; i++) { printf "{\"text\": \"%d", i; for (k = 0; k < 400; k++) printf " word %d", k % 10; print "\"}" } }' >"$work/texts.jsonl"
		fi
		step() { measured "$task" "$items" "$@"; }
		step plan "$fotbench" validate "$work/spec.json"
		[ -n "${NO_DRY_RUN:-}" ] || step dry-run "$fotbench" run "$work/spec.json" --dry-run -t 1
		step append build/release/tests/make_shards "$work/spec.json" "$work/shards" "$shards"
		step merge "$fotbench" merge "$work/shards" -o "$work/merged" --no-timings -q -t 1
		rm -r "$work/shards"
		step resume "$fotbench" run "$work/spec.json" -o "$work/merged" --resume --no-timings -q -t 1
		step status "$fotbench" status "$work/merged"
		step report "$fotbench" report "$work/merged"
		step page "$fotbench" report --html="$work/page.html" "$work/merged"
		step compare "$fotbench" compare "$work/merged" "$work/merged"
		step export "$fotbench" export "$work/merged" -o "$work/export"
	done
done
