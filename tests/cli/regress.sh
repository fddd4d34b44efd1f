#!/usr/bin/env bash
# make regress on small models: missing parts, no change, a planted change.
. "$(dirname "$0")/common.bash"
make_experiment
export FOTBENCH=$fotbench
unset GITHUB_ACTIONS GITHUB_STEP_SUMMARY
regress() { "$root/tests/regress.sh" "$@" spec.json reference out/regress; }

exits regress_no_reference 5 "reference: no reference yet; 'make regress-update'" regress
check regress_update regress --update
check regress_reference_has_manifest grep -q '"status": "complete"' reference/manifest.json
prints regress_unchanged '^identical$' regress
cp reference/perplexity.csv kept.csv
nudge() { awk -F, -v OFS=, -v f="$1" 'NR == 9 && $17 != "" { $17 = sprintf("%.17g", $17 * f) } 1' kept.csv >reference/perplexity.csv; }
check regress_junit grep -q '<testsuites name="fotbench" tests="15" failures="0" errors="0"' out/regress/junit.xml
check regress_benchmark bash -c '[ "$(grep -c "\"unit\": \"perplexity\"" out/regress/benchmark.json)" -eq 15 ]'
GITHUB_ACTIONS=true prints regress_on_github '^::notice title=fotbench compare%3A identical::all 15 rows' regress
nudge 1.0000001
prints regress_below_1e_6 '^equal$' regress
nudge 1.00001
exits regress_one_document_changed 3 'changed by more than 1e-06' regress
sed -i.kept 's/"sums": "[^"]*"/"sums": "other"/' reference/manifest.json
exits regress_other_sums 3 'changed by more than 1e-06' regress
check regress_sums_are_named grep -q 'sums made otherwise (other there, ' .out
check regress_sums_are_not_blamed bash -c 'grep -q "not the change of 1 row" .out && ! grep -q "another key" .out'
check regress_change_is_not_called_none bash -c 'grep -qx changed .out && ! grep -q "no regression" .out'
mv reference/manifest.json.kept reference/manifest.json
regress >.plain 2>&1
check regress_same_sums_are_not_named sh -c '! grep -q kernels .plain'
nudge 0.99999
exits regress_better_is_a_change_too 3 'changed by more than 1e-06' regress
cp kept.csv reference/perplexity.csv
mv tiny2 away
exits regress_model_missing 5 'tiny2: no such model; train it' regress
"$make_checkpoint" tiny2 seed=2 scale=1.001 only=layers.0.
exits regress_one_layer_scaled 3 'changed by more than 1e-06' regress
rm -r tiny2 && mv away tiny2
echo x >>docs/d1.txt
exits regress_text_edited 7 'not comparable: data' regress
