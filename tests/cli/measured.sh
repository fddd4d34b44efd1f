#!/usr/bin/env bash
# What a run measured is never lost, and what it did not measure is said: numbers beyond a double, documents
# that are too short, copies of a text, windows that are too small, targets of other runs.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 || exit 1
"$make_checkpoint" tiny2 seed=2 || exit 1
p() { "$fotbench" perplexity -m tiny --memory dense --no-timings "$@"; }
# column NAME FILE
column() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }' "$2"; }
# summary FOLDER METRIC: value,status,n_items,n_clusters,n_skipped of the first such row
summary() { paste -d, <(column metric "$1/summary.csv") <(column value "$1/summary.csv") <(column status "$1/summary.csv") \
	<(column n_items "$1/summary.csv") <(column n_clusters "$1/summary.csv") <(column n_skipped "$1/summary.csv") | grep -m1 "^$2,"; }
# is NAME EXPECTED GOT
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "expected '$2', got '$3'"; fi; }

# Words of 450 bytes: exp(nll per word) is beyond a double; the other metric and dataset stand.
mkdir cjk docs
for i in 0 1 2; do
	for line in 1 2 3 4; do for n in $(seq 1 50); do printf '日本語%d' $(((n * 7 + i + line) % 10)); done; echo; done >cjk/d$i.txt
	head -c $((2000 + 300 * i)) "$root/LICENSE" | tail -c +$((i * 101 + 1)) >docs/e$i.txt
done
exits measured_words_without_blanks 0 '' p -d ./cjk,./docs --context-lengths 64,128 --target-tokens 512 -o words -q
is measured_value_beyond_a_double 'word_perplexity,,out of range,3,3,0' "$(summary words word_perplexity)"
# Two datasets, two lengths, two metrics, and the change of each dataset's perplexity with the length.
is measured_other_metrics_stand 10 "$(paste -d, <(column dataset words/summary.csv) <(column metric words/summary.csv) <(column status words/summary.csv) | grep -cE '^(cjk|docs),(perplexity|byte_perplexity),ok$')"
check measured_no_nan bash -c '! grep -qiE "(^|,)-?(nan|inf)(,|$)" words/*.csv'
check measured_manifest_complete grep -q '"status": "complete"' words/manifest.json
cp -r words again && echo damaged >again/summary.csv
exits measured_resumed 0 '' p -d ./cjk,./docs --context-lengths 64,128 --target-tokens 512 -o again -q --resume
check measured_resumed_is_the_same cmp words/summary.csv again/summary.csv
check measured_words_plot "$fotbench" plot words
prints measured_words_report '^\| tiny \| dense \|' "$fotbench" report words
prints measured_words_compare '^identical$' "$fotbench" compare words again

# Nothing is long enough: refused before the run, by run, --dry-run and validate.
need='dataset docs: no document is long enough: the longest, e2, has [0-9]+ tokens, context length 65536 with a window of 32 needs 65537'
exits measured_too_short 5 "$need" p -d ./docs --context-lengths 64,64k -o short -q
exits measured_too_short_dry 5 "$need" p -d ./docs --context-lengths 64,64k --dry-run
echo '{ "name": "s", "models": [{ "path": "tiny", "memory": ["dense"] }], "tasks": [{ "task": "perplexity", "datasets": ["./docs"], "context_lengths": ["64k"] }] }' >short.json
exits measured_too_short_validate 5 "$need" "$fotbench" validate short.json
check measured_too_short_wrote_nothing test ! -e short
exits measured_distraction_too_short 5 'no document is long enough: .* distraction with a window of 4096 needs 8192' \
	"$fotbench" distraction -m tiny --memory dense -d ./docs --window 4096 -o short
exits measured_distraction_too_few_others 2 'n_contexts 500: dataset docs has at most [0-9]+ windows of 32 tokens in other documents' \
	"$fotbench" distraction -m tiny --memory dense -d ./docs --n-contexts 500,600 -o short

# Some are long enough: the others are counted.
mkdir mixed && cp docs/e*.txt mixed && head -c 60 "$root/LICENSE" >mixed/short.txt
exits measured_some_short 0 'perplexity on mixed: 1 of 4 documents too short' p -d ./mixed --context-lengths 64 -o mixed.out
is measured_some_short_summary 'perplexity,ok,3,3,1' "$(summary mixed.out perplexity | cut -d, -f1,3-)"
head -n 1 mixed.out/perplexity.csv >none.csv && grep skipped_short mixed.out/perplexity.csv >>none.csv
mkdir none && mv none.csv none/perplexity.csv
exits measured_report_of_nothing 5 'none: the run has measured nothing' "$fotbench" report none

# By its bytes the other document might have had a window: what measured nothing is no success.
mkdir edge && cp docs/e0.txt edge/a.txt && head -c 30 "$root/LICENSE" >edge/b.txt
edge() { "$fotbench" distraction -m tiny --memory dense -d ./edge --n-contexts 2 -o edge.out -q "$@"; }
exits measured_nothing 4 'distraction on edge: nothing was measured under 1 of 1 conditions' edge
exits measured_nothing_resumed 4 'distraction on edge: nothing was measured' edge --resume
check measured_nothing_is_written test -s edge.out/distraction.csv -a -s edge.out/summary.csv
check measured_nothing_is_partial grep -q '"status": "partial"' edge.out/manifest.json
exits measured_nothing_to_plot 5 'nothing to draw: the run has measured nothing' "$fotbench" plot edge.out
exits measured_nothing_to_report 5 'edge.out: the run has measured nothing' "$fotbench" report edge.out

# The question must fit a window, before the run.
window='passkey: a local window of 32 tokens cannot hold the question and its answer: at least 43'
for how in --dry-run -q; do
	exits "measured_passkey_window_$how" 2 "$window" \
		"$fotbench" passkey -m tiny --memory dense --context-lengths 512 --trials 1 -o window $how
done
check measured_passkey_window_wrote_nothing test ! -e window
exits measured_passkey_no_prose 5 'dataset docs: 0 documents in split valid' "$fotbench" passkey -m tiny --window 64 \
	--memory dense --context-lengths 512 --prompt-styles text -d ./docs --split valid -o window

# Copies of a text are one cluster.
mkdir copies && for i in 1 2 3 4 5 6 7 8; do cp docs/e0.txt copies/c$i.txt; done
both() { "$fotbench" perplexity -m tiny -m tiny2 --variant A --variant B -d "$1" --documents 20 --context-lengths 32 --target-tokens 64 \
	--memory dense -o "$2" --no-timings; }
prints measured_copies_warning '^Warning: 8 documents hold 1 different text: .* One text: no interval\.$' both ./copies copies.out
is measured_copies_one_cluster 'perplexity,one cluster,8,1,0' "$(summary copies.out perplexity | cut -d, -f1,3-)"
check measured_copies_in_summary_md grep -q '^Warning: 8 documents hold 1 different text:' copies.out/summary.md
prints measured_copies_in_report 'Warning: some documents hold the same text \(1 different text\)' "$fotbench" report copies.out
"$fotbench" report copies.out >report.md 2>/dev/null
check measured_copies_no_interval bash -c '! grep -qE "\[|\*\*" <(grep "^| [AB]" report.md)'
cp docs/e1.txt docs/e2.txt copies
both ./copies three.out >/dev/null 2>&1
is measured_three_texts 'perplexity,ok,10,3,0' "$(summary three.out perplexity | cut -d, -f1,3-)"
prints measured_copies_compare '10' "$fotbench" compare three.out three.out

# The longest context places the targets; --targets-from does in its stead.
p -d ./docs --context-lengths 64,512,1k --target-tokens 256 -o long -q
p -d ./docs --context-lengths 64,512 --target-tokens 256 -o near -q
p -d ./docs --context-lengths 64,512 --target-tokens 256 --targets-from 1k -o far -q
nll() { paste -d, <(column context_length "$1/perplexity.csv") <(column doc_id "$1/perplexity.csv") \
	<(column target_start "$1/perplexity.csv") <(column nll_nats "$1/perplexity.csv") | grep -v '^1024,'; }
check measured_targets_from_same_bits diff <(nll long) <(nll far)
is measured_targets_elsewhere '481 993' "$(echo $(column target_start near/perplexity.csv | sort -u) $(column target_start far/perplexity.csv | sort -u))"
exits measured_targets_not_comparable 7 'target_start 481 in BASE and 993 in NEW' "$fotbench" compare near far
prints measured_targets_shown '^\| near \| tiny \| dense \| 481 \|' "$fotbench" report near far
prints measured_targets_said 'but not in lines of another first target' "$fotbench" report near far
check measured_targets_alike_not_shown bash -c '! "$0" report far long | grep -q "first target"' "$fotbench"
exits measured_targets_from_too_near 2 'targets_from: expected at least the longest context length, 512, got 256' \
	p -d ./docs --context-lengths 64,512 --targets-from 256 -o bad
exits measured_targets_from_multidoc 2 'targets_from: not with own_tokens' \
	p -d ./docs --context-lengths 64,128 --own-tokens 32 --targets-from 256 -o bad
check measured_targets_in_spec grep -q '"targets_from": 1024' far/manifest.json
check measured_targets_absent_from_spec bash -c '! grep -q targets_from near/manifest.json'

# train --dry-run opens what it would read.
cat >recipe.json <<-'EOS'
{"name": "r", "seed": 3, "tokenizer": "byte",
 "model": {"vocab_size": 258, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
  "num_attention_heads": 2, "max_position_embeddings": 32, "rope_theta": 100, "bos_token_id": 256,
  "eos_token_id": 257, "pad_token_id": 0, "mem_layers": [1], "mem_positionals": false,
  "mem_dtype": "float32", "fot": {"cut": "blocks", "qk_norm": true, "tokenizer": "byte"}},
 "datasets": [{"name": "./text", "weight": 1}],
 "stages": [{"method": "standard", "steps": 2, "window": 32, "batch": 2, "lr": 0.003}]}
EOS
mkdir -p text/train && cp docs/e0.txt text/train
exits measured_train_dry 0 '' "$fotbench" train recipe.json -o trained --dry-run
mv text away
exits measured_train_dry_without_texts 5 'text' "$fotbench" train recipe.json -o trained --dry-run
check measured_train_dry_wrote_nothing test ! -e trained
