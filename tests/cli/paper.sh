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

prints paper_named_tables '^paper-two: [0-9]+ s; left:' tables one two
check paper_says_what_begins bash -c 'head -n 1 .out | grep -qE "^make paper: 2 to run, [0-9]+ at a time: paper-one paper-two$"'
check paper_says_what_is_left grep -qE '^paper-(one|two): [0-9]+ s; left: none$' .out
check paper_only_those test ! -e runs/paper-three
prints paper_all_tables '^paper-three: [0-9]+ s; left:' tables
for name in one two three; do
	check paper_"$name"_complete grep -q '"status": "complete"' runs/paper-$name/manifest.json
	check paper_"$name"_plotted test -s runs/paper-$name/plots/perplexity.svg
done
check paper_report_holds_all grep -q 'paper-three' runs/paper/report.csv
check paper_page_of_all grep -q "<h1>" runs/paper/report.html

# Specs beside the paper's: only where their models are there.
cp specs/paper-one.json specs/decay.json
sed "s|$work/tiny2|$work/gone|" specs/paper-one.json >specs/long.json
rm specs/paper-three.json
prints paper_others_too '^decay: [0-9]+ s; left:' tables
check paper_others_need_their_models test ! -e runs/long
check paper_others_are_in_the_report grep -q '^decay,' runs/paper/report.csv
prints paper_others_by_name '^make paper: 1 to run, [0-9]+ at a time: decay$' tables decay
rm specs/decay.json specs/long.json

# Stopped: the finished items are not done again.
head -n 5 runs/paper-one/journal.jsonl >kept && mv kept runs/paper-one/journal.jsonl
sed -i 's/"status": "complete"/"status": "partial"/' runs/paper-one/manifest.json
check paper_goes_on tables one
check paper_went_on grep -q '"resumed": 4' runs/paper-one/manifest.json

rm -r tiny2 runs
sed -i '/tiny2/d; s/"knn:8"\] },/"knn:8"] } ],/' specs/paper-two.json
exits paper_one_fails 1 "tiny2: " tables two one
check paper_failed_says_so grep -q '^paper-one: failed; left:' .out
check paper_others_are_judged grep -q 'paper-two' runs/paper/report.csv
