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
refuses compare_fewer_lengths 'conditions: .*64.* is missing in NEW' lengths
cp -r base convention && sed -i 's/"stride": "W: windows do not overlap"/"stride": "64"/' convention/manifest.json
refuses compare_other_convention 'conventions differ: stride' convention
cp -r base version && sed -i '/task_versions/,/}/s/"perplexity": 1/"perplexity": 99/' version/manifest.json
refuses compare_other_task_version 'task_versions differ: perplexity' version

# Bad input.
exits compare_no_run 5 'nowhere' "$fotbench" compare base nowhere
cp -r base partial && sed -i 's/"status": "complete"/"status": "partial"/' partial/manifest.json
exits compare_unfinished 5 'status partial: expected a complete run' "$fotbench" compare base partial
exits compare_one_folder 2 'too few arguments' "$fotbench" compare base
exits compare_bad_margin 2 'margin' "$fotbench" compare base again --margin=-1
exits compare_full_disk 6 '' bash -c '"$@" >/dev/full' - "$fotbench" compare base again
