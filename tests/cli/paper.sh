#!/usr/bin/env bash
# make paper on small models: all specs of a folder, those named, one that fails, one that was stopped.
. "$(dirname "$0")/common.bash"
make_experiment
mkdir specs
for name in one two three; do
	sed "s/\"trial\"/\"$name\"/; s|\"tiny|\"$work/tiny|; s|\"\./docs|\"$work/docs|" spec.json >specs/paper-$name.json
done
export FOTBENCH=$fotbench SPECS=$work/specs RUNS=$work/runs
tables() { (cd "$root" && results/paper/tables.sh "$@"); }

prints paper_named_tables '^paper-two: [0-9]+ s$' tables one two
check paper_only_those test ! -e runs/paper-three
prints paper_all_tables '^paper-three: [0-9]+ s$' tables
for name in one two three; do
	check paper_"$name"_complete grep -q '"status": "complete"' runs/paper-$name/manifest.json
	check paper_"$name"_plotted test -s runs/paper-$name/plots/perplexity.svg
done
check paper_report_holds_all grep -q 'paper-three' runs/paper/report.csv

# Stopped: the finished items are not done again.
head -n 5 runs/paper-one/journal.jsonl >kept && mv kept runs/paper-one/journal.jsonl
sed -i 's/"status": "complete"/"status": "partial"/' runs/paper-one/manifest.json
check paper_goes_on tables one
check paper_went_on grep -q '"resumed": 4' runs/paper-one/manifest.json

rm -r tiny2 runs
sed -i '/tiny2/d; s/"knn:8"\] },/"knn:8"] } ],/' specs/paper-two.json
exits paper_one_fails 1 "tiny2: " tables two three
check paper_others_are_judged grep -q 'paper-two' runs/paper/report.csv
