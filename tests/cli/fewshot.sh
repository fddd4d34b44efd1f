#!/usr/bin/env bash
# Few-shot classification through the command line: rows, nested demonstrations, the same
# files however the work is shared, cut or resumed, refusals before the run.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 || exit 1
mkdir trec
for i in $(seq 1 60); do
	echo "NUM:count How many things$i are there ?"
	echo "LOC:city Where is place$i ?"
	echo "HUM:ind Who is person$i ?"
done >trec/train.label
printf 'NUM:count How many x are there ?\nLOC:city Where is y ?\nHUM:ind Who is z ?\nLOC:city Where is  place7 ?\n' >trec/test.label
printf 'HUM:ind Who is that %s ?\n' "$(seq -s' ' 1 80)" >>trec/test.label
mkdir wq
echo '[{"qId":"a","qText":"where","answers":["here","there"]},{"qId":"b","qText":"who","answers":["me"]}]' >wq/train.json
echo '[{"qId":"c","qText":"when","answers":["now"]}]' >wq/test.json
cat >spec.json <<-'EOS'
{ "name": "trial", "seed": 5, "window": 128,
  "models": [ { "path": "tiny", "variant": "fot", "memory": ["none", "dense"] } ],
  "tasks": [ { "task": "fewshot", "datasets": ["./trec"], "context_lengths": [256, "1k"], "shots": [0, 1, 8, "fill"],
               "demo_seeds": 2, "scoring": "content-free", "balanced": true },
             { "task": "fewshot", "datasets": ["./wq"], "context_lengths": [256], "shots": [2], "demo_seeds": 1,
               "answer_tokens": 6 } ] }
EOS
run() { "$fotbench" run spec.json --no-timings -q "$@"; }
files="fewshot.csv summary.csv samples/fewshot.jsonl"
same() { local f; for f in $files; do cmp "$1/$f" "$2/$f" || return 1; done; }
column() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }' "$2"; }
# rows PATTERN NUMBER: lines of one/fewshot.csv that match
rows() { [ "$(grep -cE "$1" one/fewshot.csv)" -eq "$2" ]; }

check fewshot_runs run -o one -t 2
check fewshot_row_for_each_item_and_cell rows ',tiny,fot,.*,fewshot,trec,' $((2 * 2 * 4 * 2 * 5))
check fewshot_baselines_once_for_all_memories rows ',(chance,chance|commonest,commonest|bow,bow),none,0,fewshot,trec,' $((3 * 2 * 4 * 2 * 5))
check fewshot_baselines_need_labels rows ',(chance|bow),.*,wq,' 0
check fewshot_answers_have_rows rows ',fewshot,wq,256,2,0,c,.*,ok,' 2
check fewshot_long_questions_are_skipped rows ',tiny,.*,skipped_long,' $((2 * 2 * 4 * 2))
check fewshot_baselines_skip_them_too rows ',bow,.*,skipped_long,' $((2 * 4 * 2))
fits() { paste -d' ' <(column context_length one/fewshot.csv) <(column n_tokens_prompt one/fewshot.csv) |
	awk '$2 > $1 || $2 == 0 && NF > 1 { exit 1 }'; }
check fewshot_prompts_fit_the_length fits
fill() { paste -d' ' <(column dataset one/fewshot.csv) <(column n_shots_fitted one/fewshot.csv) | sort -u | grep -c trec |
	awk '{ exit !($1 >= 5) }'; } # 0, 1, 8 and two numbers that fill the lengths
check fewshot_fill_takes_what_fits fill
filled() { paste -d' ' <(column shots_asked one/fewshot.csv) <(column n_shots one/fewshot.csv) <(column n_shots_fitted one/fewshot.csv) \
	<(column model_variant one/fewshot.csv) <(column memory_mode one/fewshot.csv) |
	awk '$1 == "fill" { n++; if ($4 $5 != "fotnone" && $2 != $3) exit 1 } $1 != "fill" && $1 != $2 { exit 1 } END { exit n != 100 }'; }
check fewshot_fill_says_how_many filled
# Without memory a window of 128 tokens is all there is, however many demonstrations the prompt holds.
seen() { awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	$at["metric"] == "accuracy" && $at["dataset"] == "trec" && !$at["comparison"] && $at["model_variant"] == "fot" {
		printf "%s:%s:%s:%s ", $at["memory_mode"], $at["context_length"], $at["shots_asked"], $at["n_shots_fitted"] }' one/summary.csv; }
seen_wanted='none:256:fill:1 none:256:0: none:256:1: none:256:8:1 none:1024:fill:1 none:1024:0: none:1024:1: none:1024:8:1 '"\
"'dense:256:fill: dense:256:0: dense:256:1: dense:256:8:4 dense:1024:fill: dense:1024:0: dense:1024:1: dense:1024:8: '
check fewshot_without_memory_the_window_counts test "$(seen)" = "$seen_wanted"
gold() { ! paste -d' ' <(column label_gold one/fewshot.csv) <(column status one/fewshot.csv) | grep -q '^ '; }
check fewshot_right_label_in_every_row gold
# The rows of different seeds are one cell, beside the numbers asked for.
cells() { [ "$(grep -cE ',accuracy,.*,fill(,|$)' one/summary.csv)" -ge 4 ] && grep -q 'as many as fit' one/summary.md; }
check fewshot_fill_is_one_cell cells
# Of 64 demonstrations 4 fit 256 tokens and 20 fit 1k; 0 and, in 1k, 8 of them fit all. A warning says so, once.
short() {
	"$fotbench" fewshot -m tiny -d ./trec --shots 0,8,64 --memory dense --context-lengths 256,1k --window 128 --demo-seeds 2 \
		--no-baselines --progress off --no-timings -o short >short.txt 2>short.err &&
		[ "$(grep -c '^warning' short.err)" -eq 1 ] &&
		grep -qF 'warning: fewshot: of 64 demonstrations 4 fit (trec, 256 tokens, memory dense); in 3 of 6 cells not all do' short.err &&
		[ "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["metric"] == "accuracy" && !$at["comparison"] {
			printf "%s:%s:%s ", $at["context_length"], $at["n_shots"], $at["n_shots_fitted"] }' short/summary.csv)" = \
			'256:0: 256:8:4 256:64:4 1024:0: 1024:8: 1024:64:20 ' ] &&
		grep -qE '^\| tiny \| dense \| 1k \| [^|]*top [0-9]+\) \| [^|]*top [0-9]+\) \| [^|]*top [0-9]+, 20 fit\) \|$' <("$fotbench" report short) &&
		grep -qF ' fit: so many demonstrations are in the prompt, ' short.txt && ! grep -q 'seen: ' short.txt
}
check fewshot_says_where_not_all_demonstrations_fit short
# Of 47 tokens a demonstration, 128 a window: a memory of the last tokens, or of the first and last ones, leaves those in them; one
# that forgets leaves a bound, unless all has room.
reach() {
	"$fotbench" fewshot -m tiny -d ./trec --shots 0,8 --memory dense,recent:64,recent:300,sinks:100,recent:64,knorm:64,knorm:2048,recent:2048 \
		--context-lengths 1k --window 128 --demo-seeds 2 --no-baselines --progress off --no-timings -o reach >reach.txt 2>reach.err &&
		[ "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["metric"] == "accuracy" && !$at["comparison"] && $at["n_shots"] > 0 {
			printf "%s:%s:%s ", $at["memory_mode"], $at["n_shots_fitted"], $at["shots_seen"] }' <(sed 's/"[^"]*"/text/g' reach/summary.csv))" = \
			'dense:: recent:1:in reach recent:6:in reach sinks:3:in reach knorm:8:at most knorm:: recent:: ' ] &&
		grep -qF 'of 8 demonstrations 1 can be seen (trec, 1024 tokens, memory recent); in 3 of 14 cells not all do' reach.err &&
		grep -qE '^tiny +knorm:64 .*, at most 8 seen\)$' reach.txt && grep -qE '^tiny +recent:64 .*, 1 seen\)$' reach.txt &&
		grep -qF ' seen: so many are in what the memory reads (recent:B; sinks:S,recent:B). at most: the memory forgets; which tokens stay is not known.' reach.txt &&
		! grep -qF ' fit: ' reach.txt
}
check fewshot_counts_what_a_memory_leaves reach
levels() { paste -d' ' <(column chance_level one/fewshot.csv) <(column majority_level one/fewshot.csv) |
	awk 'NF == 2 { n++; if (($1 - 1 / 3)^2 > 1e-20 || ($2 - 0.4)^2 > 1e-20) exit 1 } END { exit n != 400 }'; }
check fewshot_chance_and_majority levels
# Where, which order, how many demonstrations, which question, right label and status of each row on trec without memory.
columns="model_variant memory_mode dataset context_length demo_seed shots_asked item_id label_gold status"
for c in $columns; do column $c one/fewshot.csv >"asked.$c"; done
paste -d' ' $(printf 'asked.%s ' $columns) | grep -E '^[a-z]+ none trec ' >asked
asked() { awk -v v="$1" '$1 == v' asked | cut -d' ' -f3-; }
same_questions() { [ "$(asked bow | wc -l)" -eq 80 ] && for v in chance commonest bow; do cmp <(asked fot) <(asked $v) || return 1; done; }
check fewshot_baselines_answer_the_same_questions same_questions
without() { sed 's/"balanced": true/"balanced": true, "no_baselines": true/' spec.json >without.json &&
	"$fotbench" run without.json --no-timings -q -o without && cmp <(cut -d, -f2- without/fewshot.csv) <(grep -vE ',(chance|commonest|bow),none,' one/fewshot.csv | cut -d, -f2-); }
check fewshot_without_baselines_the_same_rows without
# Demonstrations of other sets between those of the task: the same ones, in the same order, at any number.
cat >between.json <<-'EOS'
{ "name": "between", "seed": 5, "window": 128, "models": [ { "path": "tiny", "variant": "fot", "memory": ["dense"] } ],
  "tasks": [ { "task": "fewshot", "datasets": ["./trec"], "context_lengths": ["1k"], "shots": [0, 2, 8], "demo_seeds": 2,
               "distractor_sets": ["./wq", "./signs.csv"], "distractors": [0, 1, 7] } ] }
EOS
printf 'text,label\n1 + 3,plus\n4 - 3,minus\n5 - 3,minus\n' >signs.csv
between() { "$fotbench" run between.json --no-timings -q "$@"; }
check fewshot_distractors between -o between -t 2
counted() { paste -d' ' <(column distractors between/fewshot.csv) <(column n_shots_fitted between/fewshot.csv) <(column n_distractors between/fewshot.csv) |
	awk '{ d = NF == 3 ? $1 : 0; if (NF != 3 && NF != 1) exit 1; if (NF == 3 && $3 != $1 * $2) exit 1; n[d]++ } END { exit n[0] != 120 || n[1] != 120 || n[7] != 120 }'; }
check fewshot_distractors_are_counted counted
mixed() { grep '0/8+1"' between/samples/fewshot.jsonl | head -n 1 | grep -q 'Q: .*nA: .*Type: .* -> '; }
check fewshot_distractors_in_their_own_words mixed
alone() { sed 's/"demo_seeds": 2,/"demo_seeds": 2 } ] }/; /distractor_sets/d' between.json >alone.json && "$fotbench" run alone.json --no-timings -q -o alone &&
	cmp <(cut -d, -f2-31 alone/fewshot.csv | sort) <(grep -E ',(tiny|chance|commonest|bow),' between/fewshot.csv | awk -F, -v OFS=, 'NF { if ($(NF - 5) == "") print }' | cut -d, -f2-31 | cat <(head -n 1 between/fewshot.csv | cut -d, -f2-31) - | sort); }
check fewshot_distractors_change_no_other_row alone
check fewshot_distractors_without_sharing between -o between2 --no-sharing -t 1
check fewshot_distractors_sharing_changes_no_byte same between between2
cut_short() { rm -rf cut2 && mkdir cut2 && head -n 9 between/journal.jsonl >cut2/journal.jsonl && between -o cut2 --resume && same between cut2; }
check fewshot_distractors_resumed_is_the_same cut_short
check fewshot_distractors_make_lines grep -qE '^\| fot \| dense \| 7 \| ' between/summary.md
# The figures: numbers of demonstrations without distractors; numbers of distractors, a panel for each number of demonstrations.
drawn() { "$fotbench" plot between --format svg && [ "$(ls between/plots/*.svg)" = "between/plots/distractors.svg
between/plots/fewshot.svg" ] && cut -d, -f3,8 between/plots/distractors_data.csv | sort -u | tr '\n' ' ' | grep -qF '0,trec: 2 shots 0,trec: 8 shots 1,trec: 2 shots 1,trec: 8 shots 7,trec: 2 shots 7,trec: 8 shots ' &&
	cut -d, -f3,9 between/plots/fewshot_data.csv | sort -u | tr '\n' ' ' | grep -qF '0,bow (bag of words) 0,fot (dense memory) 2,bow (bag of words) 2,fot (dense memory) 8,bow (bag of words) 8,fot (dense memory) '; }
check fewshot_figures drawn
cat >claims.json <<-'EOS'
{ "claims": [
  { "id": "best", "claim": "best", "source": "s", "task": "fewshot", "metric": "accuracy", "a": { "variant": "bow", "n_shots": 8 },
    "b": { "variant": "commonest" }, "expect": "above" },
  { "id": "balanced", "claim": "balanced", "source": "s", "task": "fewshot", "metric": "balanced_accuracy",
    "a": { "variant": "commonest", "n_shots": 8 }, "b": "chance", "expect": "equal", "margin": 1e-9 },
  { "id": "cost", "claim": "cost", "source": "s", "task": "fewshot", "metric": "accuracy",
    "a": { "variant": "fot", "n_shots": 8, "distractors": [1, 7] }, "b": { "variant": "bow", "memory": "none" },
    "gain_from": { "distractors": 0 }, "expect": "not-above" } ] }
EOS
judged() { "$fotbench" report between --claims claims.json -o judged && [ "$(cut -d, -f1 judged/claims.csv | tr '\n' ' ')" = "claim_id best balanced cost cost " ] &&
	grep -q '^balanced,.*,balanced_accuracy,trec,' judged/claims.csv && grep -q '^Expected: A not above B; A and B are changes, in points, from the same condition.s accuracy at distractors 0' judged/claims.md &&
	[ "$(grep -c '^cost,.*distractors [17].*distractors [17]' judged/claims.csv)" -eq 2 ]; }
check fewshot_claims judged
sampled() { grep -q 'Question: Where is y ?.nType:' one/samples/fewshot.jsonl && ! grep -q 'place7 ?.nType: LOC' one/samples/fewshot.jsonl; }
check fewshot_samples_show_prompts sampled
manifest() { grep -q '"given_away_by_training_items": 1' one/manifest.json && grep -q '"template_sha256"' one/manifest.json; }
check fewshot_manifest_names_sets manifest
"$make_checkpoint" layers seed=1 mem=1+2
shots="fewshot -m layers -d ./trec --window 128 --memory dense --context-lengths 256,1k --shots 0,1,8,fill --demo-seeds 2"
"$fotbench" $shots -o read -q
# What a stem has beyond its whole windows is read again where a longer question follows a shorter one.
near() { awk -v a="${1% *}" -v b="$2" 'BEGIN { print a, b; exit !(a > 0 && a <= b && b < 1.05 * a) }'; }
check fewshot_foretells_what_is_read near "$(foretold $shots)" "$(total n_tokens_read read/fewshot.csv)"
sums() { for i in $(seq 0 9); do echo "$i + 3,plus"; echo "$i - 3,minus"; done >>sums.csv && echo '1 + 3,plus' >>sums.csv; }
echo text,label >sums.csv && sums
check fewshot_of_signs "$fotbench" fewshot -m tiny --window 128 --context-lengths 512 -o signs --shots 12 --balanced --demo-seeds 1 --items 2 --memory dense -d ./sums.csv
cp .check signs.err
both() { [ "$(head -n 1 signs/samples/fewshot.jsonl | grep -o -- '-> plus' | wc -l)" -eq 6 ] && [ "$(head -n 1 signs/samples/fewshot.jsonl | grep -o -- '-> minus' | wc -l)" -eq 6 ]; }
check fewshot_signs_tell_texts_apart both
check fewshot_says_what_repeats grep -q 'sums: training items that repeat a text .*: 1 of ' signs.err
# other tables: the same rows, the same answers
sed 's/,/\t/' sums.csv >tab.tsv && sed 1d tab.tsv >bare.tsv && sed 's/,/;/' sums.csv >semi.csv
sed 1d sums.csv | sed 's/\(.*\),plus/{"text":"\1","label":false}/; s/\(.*\),minus/{"text":"\1","label":true}/' >bool.jsonl
few() { "$fotbench" fewshot -m tiny --window 128 --context-lengths 512 -o "$2" --shots 8 --demo-seeds 1 --items 2 --memory dense -d "$1" -q --no-timings >/dev/null; }
told() { local c; for c in item_sha256 label_gold label_pred n_tokens_prompt score_gold_nats; do column $c "$1/fewshot.csv"; done; }
tables() {
	few ./sums.csv t0 && few './tab.tsv?name=sums' t1 && few './bare.tsv?name=sums&columns=text%2Clabel' t2 && few './semi.csv?name=sums' t3 || return 1
	for i in 1 2 3; do cmp <(told t0) <(told t$i) || return 1; done
}
check fewshot_tables_with_any_separator tables
check fewshot_labels_true_and_false few ./bool.jsonl t4
check fewshot_without_sharing run -o two --no-sharing -t 1
check fewshot_sharing_changes_no_byte same one two
resumed() {
	rm -rf cut && mkdir cut && head -n 9 one/journal.jsonl >cut/journal.jsonl && run -o cut --resume && same one cut
}
check fewshot_resumed_is_the_same resumed

few() { "$fotbench" fewshot -m tiny --window 128 --context-lengths 256 -o out --overwrite "$@"; }
prints fewshot_from_flags 'trec-fine' few -d 'trec?labels=fine' --shots 0,4 --demo-seeds 2 --items 3 --scoring per-token --memory dense
exits fewshot_too_few_demonstrations 5 'expected 200 demonstrations, there are 179 different ones' few -d trec --shots 200
exits fewshot_too_few_demonstrations_beside_fill 5 'expected 9999 demonstrations, there are 179 different ones' few -d trec --shots 9999,fill
exits fewshot_answer_tokens_with_labels 2 'answer_tokens 5: the sets have labels' few -d trec --shots 1 --answer-tokens 5
exits fewshot_scoring_with_answers 2 'scoring "per-token": the sets have answers' few -d wq --shots 1 --scoring per-token
check fewshot_round_again few -d trec --shots 200 --repeat-demos --demo-seeds 1 --items 1
exits fewshot_bad_shots 2 'shots: expected numbers from 0 to 16777216' few -d trec --shots many
exits fewshot_bad_scoring 2 'did you mean "raw"' few -d trec --scoring rw
exits fewshot_distractors_of_no_set 2 'distractors: expected distractor_sets beside it' few -d trec --shots 1 --distractors 2
exits fewshot_distractors_of_the_same_set 2 "trec: expected another set for distractors, got the task's own" few -d trec --shots 1 --distractor-sets trec
exits fewshot_distractors_missing 5 'is no labelled set' few -d trec --shots 1 --distractor-sets nowhere
exits fewshot_no_set 5 'is no labelled set' few -d nowhere
exits fewshot_needs_a_set 2 'dataset' few
{ printf '{"format": "fotbench-template-1", "demonstration": "{text} {label}\\n", "instruction": "'; seq -s" " 1 100; printf '"}'; } | tr -d "\n" >long.json
exits fewshot_length_too_short 2 'more than the context length' "$fotbench" fewshot -m tiny --window 128 -d trec --context-lengths 128 \
	--template long.json -o out --overwrite
echo 'NUM:count' >>trec/test.label
exits fewshot_bad_row 5 'test.label:6: expected .COARSE:fine question' few -d trec
check fewshot_bad_row_left_out few -d 'trec?skip_bad=1' --shots 1 --demo-seeds 1 --items 2
printf '{"text": "a", "label": "x"}\n{"text": "b", "label": "x"}\n' >one.jsonl
exits fewshot_one_label 5 'expected two labels or more' few -d ./one.jsonl
printf 'text,label\n"a,x\n' >bad.csv
exits fewshot_open_quote 5 'bad.csv:2: a quote that opens' few -d ./bad.csv

# A spec is the same from every folder; what its files hold is not.
mkdir -p home/sets && cp -r trec home/sets/ && cp -r tiny home/
printf '{"format": "fotbench-template-1", "demonstration": "{text} is {label}\\n", "instruction": "Say."}' >home/mine.json
sed -i '$d' home/sets/trec/test.label
cat >home/few.json <<-'EOS'
{ "window": 128, "models": [ { "path": "tiny", "memory": ["dense"] } ],
  "tasks": [ { "task": "fewshot", "datasets": ["sets/trec"], "template": "mine.json", "context_lengths": [256], "shots": [1],
               "demo_seeds": 1, "test_items": 2 } ] }
EOS
mv tiny elsewhere
identity() { grep -oE '"(run_id|spec_sha256)": "[0-9a-f]*"' "$1/manifest.json"; }
there() { (cd home && "$fotbench" run few.json -o ../there -q --no-timings); }
check spec_paths_beside_it there
check spec_paths_from_elsewhere "$fotbench" run home/few.json -o from -q --no-timings
check spec_hash_from_elsewhere_is_the_same cmp <(identity there) <(identity from)
check spec_rows_from_elsewhere_are_the_same cmp there/fewshot.csv from/fewshot.csv
check spec_as_written grep -q '"sets/trec"' from/manifest.json
shards() {
	local i
	for i in 1 2; do "$fotbench" run home/few.json -o "f$i" -q --no-timings --shard "$i/2" || return 1; done
	"$fotbench" merge f1 f2 -o joined -q --no-timings && cmp from/fewshot.csv joined/fewshot.csv
}
check spec_merge_finds_the_paths shards
sed -i 's/ is / was /' home/mine.json
exits resume_other_template 2 'labelled\[0\].template_sha256' "$fotbench" run home/few.json -o from -q --resume
sed -i 's/ was / is /' home/mine.json
echo 'HUM:ind Who else ?' >>home/sets/trec/test.label
exits resume_other_set 2 'labelled\[0\].sha256' "$fotbench" run home/few.json -o from -q --resume
sed -i '$d' home/sets/trec/test.label
check resume_same_inputs "$fotbench" run home/few.json -o from -q --no-timings --resume
mv elsewhere tiny
