#!/usr/bin/env bash
# Runs the specs of the paper's tables, one process per core, draws their figures, and judges the paper's claims
# by all of them together.
#
#   results/paper/tables.sh [NAME...]     NAME: fft1, multidoc, ... [all of harness/specs/paper-*.json]
#
# A run that stands there finished is computed again; one that is not goes on. FOTBENCH picks the program, SPECS and RUNS
# the folders of specs and results. Exit status: 0, or 1 when a spec failed; the claims are judged by the others then.
set -u
export fotbench=${FOTBENCH:-./fotbench} specs=${SPECS:-harness/specs} runs=${RUNS:-results/runs}
[ $# -gt 0 ] || set -- $(ls "$specs"/paper-*.json | sed 's|.*/paper-||; s|\.json$||')
mkdir -p "$runs" || exit 6

# One thread each: two such processes take less time than two threads, one spec after the other.
table() {
	local spec=$specs/paper-$1.json out=$runs/paper-$1 began=$SECONDS how=--overwrite

	grep -qs '"status": "\(started\|partial\)"' "$out/manifest.json" && how=--resume
	echo "paper-$1: begins"
	"$fotbench" run "$spec" -o "$out" $how -t 1 --quiet --progress on 2> >(tell "paper-$1") && "$fotbench" plot "$out" >/dev/null &&
		echo "paper-$1: $((SECONDS - began)) s"
}
# What a run says; of the lines on progress the first and then one a minute, with the run's name.
tell() {
	local line last=-60

	while IFS= read -r line; do
		if [[ $line =~ ^[0-9]+' of '[0-9]+' items, ' ]]; then
			[ $((SECONDS - last)) -ge 60 ] || continue
			last=$SECONDS line="$1: $line"
		fi
		echo "$line" >&2
	done
}
export -f table tell

failed=0
printf '%s\n' "$@" | xargs -P "$(nproc)" -I {} bash -c 'table {}' || failed=1
done=()
for name in "$@"; do
	grep -qs '"status": "complete"' "$runs/paper-$name/manifest.json" && done+=("$runs/paper-$name")
done
[ ${#done[@]} -eq 0 ] || "$fotbench" report "${done[@]}" -o "$runs/paper" || failed=1
exit $failed
