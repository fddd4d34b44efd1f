#!/usr/bin/env bash
# compare: three tiers, planted changes, refusals.
. "$(dirname "$0")/common.bash"
make_experiment
run() { "$fotbench" run "$1" --no-timings -q -t 1 -o "$2"; }
compare() { "$fotbench" compare "$@"; }

check compare_base_run run spec.json base
check compare_again_run run spec.json again
prints compare_same_model_is_identical '^identical$' compare base again
prints compare_identical_rows ' identical$' compare base base
prints compare_json '"verdict": "identical"' compare base again --json
json_rows() { [ "$(compare base again --json | grep -c '"tier": "identical"')" -eq 15 ]; }
check compare_json_has_all_rows json_rows

# The weights of one layer times 1.001: found, or stated to be too small to find.
mv tiny tiny.kept
"$make_checkpoint" tiny seed=1 scale=1.001 only=layers.1.
check compare_scaled_run run spec.json scaled
planted() {
	local rc=0
	compare base scaled >planted.txt || rc=$?
	! grep -q ' identical$' <(grep -E ' (local|vanilla) ' planted.txt) || return 1
	if [ $rc -eq 3 ]; then grep -q ' worse$' planted.txt; else
		[ $rc -eq 0 ] && grep -qE 'below the detectable difference of [0-9.e-]+$| better$' planted.txt
	fi
}
check compare_one_layer_scaled planted
prints compare_untouched_model_identical ' fot .* identical$' bash -c '"$@"; [ $? -eq 0 -o $? -eq 3 ]' - "$fotbench" compare base scaled
# The output layer times 3: much worse in every document.
"$make_checkpoint" tiny seed=1 scale=3 only=lm_head
check compare_worse_run run spec.json worse
code() { local want=$1 rc=0; shift; "$@" >out.txt 2>err.txt || rc=$?; [ $rc -eq "$want" ]; }
check compare_regression_code code 3 compare base worse
check compare_regression_says_how_many grep -qE '^regression: 9 of 15 rows are worse' out.txt
check compare_regression_is_not_called_near bash -c '! grep -q "rows are within" out.txt && grep -qE "^the largest difference of a document or item from base is [0-9.]+ nats per token" out.txt'
check compare_regression_bits code 3 compare base worse --metric bits_per_byte
check compare_improvement_is_none code 0 compare worse base
check compare_improvement_says_so grep -q ' better$' out.txt
check compare_margin_tolerates code 0 compare base worse --margin 1e9
check compare_margin_says_so grep -q ' within margin$' out.txt
check compare_regression_json code 3 compare base worse --json
check compare_json_counts grep -q '"regressions": 9' out.txt
check compare_csv code 3 compare base worse -o rows.csv
check compare_csv_rows bash -c '[ "$(wc -l <rows.csv)" -eq 16 ] && [ "$(grep -c ",worse," rows.csv)" -eq 9 ]'
rm -r tiny && mv tiny.kept tiny

# A last bit, and a difference below 1e-6 per token.
cp -r base nudged
awk -F, -v OFS=, 'NR > 1 && $17 != "" { $17 = sprintf("%.17g", $17 * 1.0000001) } 1' base/perplexity.csv >nudged/perplexity.csv
prints compare_equal_within_1e_6 '^equal$' compare base nudged
prints compare_says_how_near '^all 15 rows are within [0-9.]+e-07 nats per token of base, document' compare base nudged
prints compare_same_bits_said '^all 15 rows have the same bits as in base$' compare base again
prints compare_quiet '^identical$' compare base again --quiet
check compare_quiet_has_no_table bash -c '[ "$(wc -l <.out)" -eq 2 ]'

# Worse by less than the default margin is none; what --margin 0 calls worse has digits.
times() { # FACTOR DIR
	rm -rf "$2" && cp -r base "$2"
	awk -F, -v OFS=, -v f="$1" 'NR > 1 && $17 != "" { $17 = sprintf("%.17g", $17 * f) } 1' base/perplexity.csv >"$2/perplexity.csv"
}
times 1.000001 little
prints compare_default_margin ' within margin$' compare base little
check compare_little_is_worse code 3 compare base little --margin 0
check compare_worse_has_digits bash -c 'grep -q " worse$" out.txt && ! grep " worse$" out.txt | grep -q "+0\.0* "'
check compare_percent_tolerates code 0 compare base little --margin 1%
check compare_percent_too_small code 3 compare base little --margin 0.00001%
check compare_percent_is_said grep -q 'margin of 1e-07 of BASE' out.txt
prints compare_percent_json '"relative_margin": 0.01' compare base little --margin 1% --json
for bad in % 1%% x -1%; do exits "compare_bad_percent_$bad" 2 'expected a number from 0 to 1000000000, or one with %' "$fotbench" compare base little "--margin=$bad"; done
prints compare_help_states_margin '0\.0001 of BASE' compare --help

# Sums made otherwise are named in every tier, and blamed for nothing that they cannot do.
other_sums() { sed -i 's/"sums": "[^"]*"/"sums": "other"/' "$1/manifest.json"; }
other_sums again && other_sums nudged && other_sums little
prints compare_core_identical 'same bits as in base; sums made otherwise \([a-z]+ there, other here\)$' compare base again
prints compare_core_equal '; sums made otherwise \([a-z]+ there, other here\)$' compare base nudged
prints compare_core_not_blamed 'at most 1e-05 .* and 1e-06 in others, not the change of [0-9]+ rows$' compare base little
awk -F, -v OFS=, 'NR > 1 && $4 == "knn" && $17 != "" { $17 = sprintf("%.17g", $17 * 1.000001) } 1' base/perplexity.csv >little/perplexity.csv
prints compare_core_blamed 'sums made otherwise \([a-z]+ there, other here\): a knn memory may keep another key' compare base little
times 1.00001 little && other_sums little
awk -F, -v OFS=, 'NR > 1 && $4 == "knn" && $17 != "" { $17 = sprintf("%.17g", $17 * 1.00001) } 1' base/perplexity.csv >little/perplexity.csv
prints compare_core_too_much 'not the change of 6 rows$' compare base little --margin 1

# Two names, two memories.
prints compare_pair_of_memories '^docs .* vanilla=vanilla +dense=knn:8 ' compare base base --pair vanilla/dense=vanilla/knn:8 --margin 1e9
check compare_pair_alone bash -c '[ "$(grep -c ^docs .out)" -eq 3 ]'
prints compare_pair_of_variants '^docs .* vanilla=fot +knn:8 ' compare base base --pair vanilla/knn:8=fot/knn:8 --pair vanilla/dense=fot/knn:8 --margin 1e9
check compare_pairs_of_variants bash -c '[ "$(grep -c "vanilla=fot  *knn:8 " .out) $(grep -c "dense=knn:8" .out)" = "3 3" ]'
same_value() { # of a pair and of its two conditions
	local a b
	a=$(compare base base --pair vanilla/dense=fot/knn:8 --margin 1e9 | awk '$3 == 256 { print $7, $8 }')
	b=$(compare base base | awk '$3 == 256 && $4 == "vanilla" && $5 == "dense" { print $7 } $3 == 256 && $4 == "fot" && $5 == "knn:8,f32" { print $7 }' | xargs)
	[ -n "$a" ] && [ "$a" = "$b" ]
}
check compare_pair_values same_value
prints compare_pair_json '"new_memory": "knn:8"' compare base base --pair vanilla=vanilla --json
# Without a memory against one, as a whole run too; options of a memory hold = and commas.
settings() { "$fotbench" perplexity -m tiny -d docs --window 32 --context-lengths 32,128 --target-tokens 64 --memory "$2" -o "$1" -q --no-timings; }
all_settings() { settings none none && settings layers dense,layers=0 && settings factor knn:8,scale=1.5; }
check compare_settings_run all_settings
exits compare_suggests_a_pair 7 'only in BASE, and 1 more; with what NEW has there it is compared by --pair tiny/none=tiny/dense,layers=0$' "$fotbench" compare none layers
prints compare_pair_none_with_memory ' 128 tiny=tiny +none=dense,layers=0 +6 ' compare none layers --pair tiny/none=tiny/dense,layers=0 --margin 1e9
prints compare_pair_memory_with_none ' 128 tiny=tiny +dense,layers=0=none +6 ' compare layers none --pair tiny/dense=tiny/none --margin 1e9
prints compare_pair_with_options ' 128 tiny=tiny +dense,layers=0=knn:8,scale=1.5 +6 ' compare layers factor --pair tiny/dense,layers=0=tiny/knn:8,scale=1.5 --margin 1e9
prints compare_pair_same_options ' 128 tiny=tiny +dense,layers=0 +6 .* identical$' compare layers layers --pair tiny/dense,layers=0=tiny/dense,layers=0
exits compare_pair_other_options 7 'NEW has no tiny/dense,layers=9; it has tiny/dense,layers=0$' "$fotbench" compare none layers --pair tiny/none=tiny/dense,layers=9
exits compare_pair_missing 7 'conditions: perplexity: NEW has no nobody; it has local/none, ' "$fotbench" compare base base --pair vanilla=nobody
exits compare_pair_in_neither 7 'neither run has --pair a=b' "$fotbench" compare base base --pair a=b
exits compare_pair_bad_memory 2 'expected none, dense, knn, knn:K, xl, recent:B, sinks:S,recent:B, random:K, moba:B,K, quest:B,K, ivf:K,probe=P.*, infllm:B,K,R, shared:K, knorm:B, keydiff:B, snapkv:B, tova:B, got "top-8"' "$fotbench" compare base base --pair fot/top-8=fot/dense
exits compare_pair_one_memory 2 'expected VARIANT=VARIANT or VARIANT/MEMORY=VARIANT/MEMORY' "$fotbench" compare base base --pair fot=fot/dense

# What is not the same measurement.
refuses() { # NAME PATTERN NEW
	exits "$1" 7 "$2" "$fotbench" compare base "$3"
}
"$make_checkpoint" tok vocab=2048 tokenizer=spm seed=1 && cp "$root/model/zoo/bpe-2k/tokenizer.model" tok/
sed 's/"tiny2"/"tok"/; s/"tiny"/"tok"/' spec.json >tok.json
check compare_other_tokenizer_run run tok.json tokens
refuses compare_other_tokenizer 'not comparable: tokenizer: .*tokenizer_sha256' tokens
exits compare_bits_across_tokenizers 0 '' bash -c '"$@" >/dev/null || [ $? -eq 3 ]' - "$fotbench" compare base tokens --metric bits_per_byte
cp docs/d1.txt kept.txt && tr e E <kept.txt >docs/d1.txt
check compare_other_text_run run spec.json text
refuses compare_other_text 'not comparable: data: .*d1.* doc_sha256' text
cp kept.txt docs/d1.txt && mv docs/d6.txt .
check compare_fewer_documents_run run spec.json fewer
refuses compare_fewer_documents 'd6.* is missing in NEW' fewer
exits compare_more_documents 7 'd6.* is missing in BASE' "$fotbench" compare fewer base
mv d6.txt docs/
sed 's/"target_tokens": 512/"target_tokens": 256/' spec.json >targets.json
check compare_other_targets_run run targets.json targets
refuses compare_other_targets 'not comparable: convention: .* n_tokens_scored 512 in BASE and 256 in NEW' targets
sed 's/"window"/"w"/; s/"32, 64/"32/; s/\[32, 64, /[32, /' spec.json >lengths.json
check compare_fewer_lengths_run run lengths.json lengths
refuses compare_fewer_lengths 'conditions: perplexity: local none 64 on docs: only in BASE, and 4 more$' lengths
check compare_refusal_json code 7 compare base lengths --json
check compare_refusal_json_says grep -q '"verdict": "not comparable"' out.txt
check compare_refusal_json_why grep -q '"error": "not comparable: conditions: .*only in BASE' out.txt
cp -r base convention && sed -i 's/"stride": "W: windows do not overlap"/"stride": "64"/' convention/manifest.json
refuses compare_other_convention 'conventions differ: stride' convention
cp -r base version && sed -i '/task_versions/,/}/s/"perplexity": 1/"perplexity": 99/' version/manifest.json
refuses compare_other_task_version 'task_versions differ: perplexity' version

# Bad input.
check compare_no_run_json code 5 compare base nowhere --json
check compare_no_run_json_says grep -q '"verdict": "failed"' out.txt
check compare_no_run_json_code grep -q '"exit_code": 5' out.txt
exits compare_no_run 5 'nowhere' "$fotbench" compare base nowhere
cp -r base partial && sed -i 's/"status": "complete"/"status": "partial"/' partial/manifest.json
exits compare_unfinished 5 'status partial: expected a complete run' "$fotbench" compare base partial
exits compare_one_folder 2 'too few arguments' "$fotbench" compare base
exits compare_bad_margin 2 'margin' "$fotbench" compare base again --margin=-1
refused() { code 2 compare base again --json "${@:2}" && [ "$(cat out.txt)" = "{\"error\":\"$1\",\"exit_code\":2}" ]; } # ERROR ARGS...
check compare_bad_margin_json refused '--margin: expected a number from 0 to 1000000000, or one with %, got \"x\"' --margin x --junit j.xml
check compare_refused_writes_nothing test ! -e j.xml
check compare_spares_runs_json refused 'base/summary.csv: is a file of a run; expected another one to write' -o base/summary.csv
check compare_two_outputs_in_one_file refused './t.csv: expected different files for --output, --junit and --benchmark' -o t.csv --junit ./t.csv
exits compare_full_disk 6 '' bash -c '"$@" >/dev/full' - "$fotbench" compare base again
