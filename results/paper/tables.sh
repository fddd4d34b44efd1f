#!/usr/bin/env bash
# Runs the specs of the paper's tables, one process per core, draws their figures, and judges the paper's claims
# by all of them together.
#
#   results/paper/tables.sh [NAME...]     NAME: fft1, multidoc, ..., decay, long
#
# NAME is harness/specs/paper-NAME.json or harness/specs/NAME.json; without one all of harness/specs/paper-*.json, decay
# (older keys weigh less), and long (many own windows in training) where its fine-tuning stands in the zoo. A run that
# stands there finished is computed again; one that is not goes on. FOTBENCH picks the program, SPECS and RUNS
# the folders of specs and results. Exit status: 0, or 1 when a spec failed; the claims are judged by the others then.
set -u
export fotbench=${FOTBENCH:-./fotbench} specs=${SPECS:-harness/specs} runs=${RUNS:-results/runs}

# The spec's name: paper-fft1, decay.
spec_of() {
	if [ -e "$specs/paper-$1.json" ]; then echo "paper-$1"; else echo "$1"; fi
}

# Has the zoo every model of a spec?
has_models() {
	local model

	for model in $(sed -n 's/.*"path" *: *"\([^"]*\)".*/\1/p' "$1" | sort -u); do
		[ -e "$model/config.json" ] || return 1
	done
}

if [ $# -eq 0 ]; then
	# Those that take longest first, so that no process ends long before the other.
	for name in paper-fewshot paper-lookup paper-gate-joint paper-fft1; do
		[ -e "$specs/$name.json" ] && set -- "$@" $name
	done
	for spec in "$specs"/paper-*.json; do
		name=$(basename "$spec" .json)
		case " $* " in *" $name "*) ;; *) set -- "$@" "$name" ;; esac
	done
	for name in decay long; do
		if [ -e "$specs/$name.json" ] && has_models "$specs/$name.json"; then set -- "$@" $name; fi
	done
else
	for name in "$@"; do shift && set -- "$@" "$(spec_of "$name")"; done
fi
mkdir -p "$runs" || exit 6
state=$(mktemp -d) || exit 6
trap 'rm -rf "$state"' EXIT
export state names="$*"

# Which are not over yet.
left() {
	local name left=

	for name in $names; do [ -e "$state/$name" ] || left="$left $name"; done
	echo "${left:- none}"
}

# One thread each: two such processes take less time than two threads, one spec after the other.
table() {
	local name=$1 out=$runs/$1 began=$SECONDS how=--overwrite rc=0

	grep -qs '"status": "\(started\|partial\)"' "$out/manifest.json" && how=--resume
	echo "$name: begins"
	"$fotbench" run "$specs/$name.json" -o "$out" $how -t 1 --quiet --progress on 2> >(tell "$name") &&
		"$fotbench" plot "$out" >/dev/null || rc=1
	: >"$state/$name"
	echo "$name: $([ $rc -eq 0 ] && echo "$((SECONDS - began)) s" || echo failed); left:$(left)"
	return $rc
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
export -f table left tell

echo "make paper: $# to run, $(nproc) at a time: $names"
failed=0
printf '%s\n' "$@" | xargs -P "$(nproc)" -I {} bash -c 'table {}' || failed=1
done=()
for name in "$@"; do
	grep -qs '"status": "complete"' "$runs/$name/manifest.json" && done+=("$runs/$name")
done
[ ${#done[@]} -eq 0 ] || "$fotbench" report "${done[@]}" -o "$runs/paper" --html || failed=1
exit $failed
