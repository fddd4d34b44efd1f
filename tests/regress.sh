#!/usr/bin/env bash
# Scores a few fixed texts with the models of the zoo, and compares the results with those kept in results/reference/regress: no
# document may differ by more than 1e-6 nats per token.  On any processor with FMA they have the same bits.
#
#   tests/regress.sh [--update] [SPEC [REFERENCE [OUT]]]
#
# --update writes the reference instead; commit it on its own and say why the
# numbers moved.  OUT gets junit.xml and benchmark.json (docs/ci.md); in a workflow of GitHub its annotations
# stand on stdout, too.  FOTBENCH picks the program.  Exit status: 0 equal, else that
# of what failed (3 changed, 5 something is missing, 7 not comparable).
set -u
update=0
if [ "${1:-}" = --update ]; then
	update=1
	shift
fi
spec=${1:-harness/specs/regress.json}
reference=${2:-results/reference/regress}
out=${3:-results/runs/regress}
fotbench=${FOTBENCH:-./fotbench}

missing() {
	echo "error: regress: $1" >&2
	exit 5
}

[ -f "$spec" ] || missing "$spec: no such spec"
for model in $(sed -n 's/.*"path" *: *"\([^"]*\)".*/\1/p' "$spec" | sort -u); do
	[ -f "$model/config.json" ] ||
		missing "$model: no such model; train it: fotbench train model/train/recipes/$(basename "$model").json"
done
[ $update -eq 1 ] || [ -f "$reference/perplexity.csv" ] ||
	missing "$reference: no reference yet; 'make regress-update' writes it"

mkdir -p "$(dirname "$out")" || exit 6
"$fotbench" run "$spec" -o "$out" --overwrite --no-timings --quiet || exit
if [ $update -eq 1 ]; then
	mkdir -p "$reference" || exit 6
	cp "$out"/perplexity.csv "$out"/summary.csv "$out"/summary.md "$reference"/ || exit 6
	sed "s|\"$PWD/|\"|" "$out"/manifest.json >"$reference"/manifest.json || exit 6 # no path of this machine
	echo "$reference: written; commit it on its own and say why the numbers moved"
else
	"$fotbench" compare "$reference" "$out" --exact --junit "$out/junit.xml" --benchmark "$out/benchmark.json" \
		${GITHUB_ACTIONS:+--github}
fi
