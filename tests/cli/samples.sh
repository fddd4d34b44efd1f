#!/usr/bin/env bash
# Retrieval samples: files, determinism, chosen positions, text that is markup elsewhere, refusals.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 hidden=24 heads=2 layers=4 mem=2 window=32 || exit 1
"$make_checkpoint" digits seed=3 vocab=64 tokenizer=none window=32 || exit 1
mkdir docs
head -c 900 "$root/LICENSE" >docs/a.txt
head -c 60 "$root/LICENSE" >docs/b.txt
{ for i in $(seq 40); do printf '| <b>%d</b> `x` *y* _z_ [l](u) caf\303\251 \342\202\254\n\t=1+1,"q"' "$i"; done; } >docs/c.txt
smp() { "$fotbench" samples -m tiny -d ./docs --context-length 128 "$@"; }
same() { cmp "$1/samples.csv" "$2/samples.csv" && cmp "$1/samples.md" "$2/samples.md"; }

exits samples_run 0 'results in one$' smp --memory knn --top-k 5 -o one -t 2 # no figures: nothing to draw
exits samples_are_not_compared 5 'one: no rows to compare: no perplexity.csv, ... there' "$fotbench" compare one one
# 2 documents (b is too short), 4 queries, 2 heads, 3 keys
queries() { [ "$(grep -c '^## Document' one/samples.md)" -eq 8 ] && [ "$(grep -cE '^\| [0-9]* ?\|.*\| [0-9]+ \| [01]\.[0-9]{3} \| [01]\.[0-9]{3} \|$' one/samples.md)" -eq $((8 * 2 * 3)) ]; }
check samples_rows_for_queries_heads_and_keys queries
check samples_one_thread smp --memory knn --top-k 5 -o two -t 1
check samples_threads_change_no_byte same one two
exits samples_never_over_a_run 2 "" smp --memory knn --top-k 5 -o two
check samples_again_over_the_same_folder smp --memory knn --top-k 5 -o two --overwrite
check samples_again_same same one two
check samples_seed smp --memory knn --top-k 5 -o three --seed 2
check samples_seed_draws_others bash -c '! cmp -s one/samples.csv three/samples.csv'
check samples_dense smp --memory dense --positions 200,100 --documents 1 --retrieved 2 -o dense
positions() { [ "$(grep -o 'Document a, token [0-9]*' dense/samples.md | tr '\n' ' ')" = 'Document a, token 100 Document a, token 200 ' ] &&
	grep -q ',dense,,bf16,32,128,docs,a,100,' dense/samples.csv && ! grep -q 'Document c' dense/samples.md; }
check samples_chosen_positions positions
check samples_several_memory_layers smp --mem-layers 1,3 --memory dense --positions 64 --mem-dtype bf16 -o layers
layers() { grep -q '^| 1 | 1 |' layers/samples.md && grep -q '^| 3 | 0 |' layers/samples.md; }
check samples_layers_and_heads_are_named layers
# A line of the table has seven cells, whatever the document holds.
cells() { ! sed '/^# Against/,$d' "$1" | grep '^|' | sed 's/\\\\//g; s/\\|//g' | awk -F'|' 'NF != 9 { bad = 1 } END { exit !bad }'; }
check samples_tables_are_not_broken cells one/samples.md
markup() { ! sed '/^# Against/,$d; s/\\.//g' one/samples.md | sed '1,/^## /d' | grep -qE '<[^b/]|</[^b]|`|\*|\[|_z'; }
check samples_text_is_not_markup markup
check samples_text_is_utf8 iconv -f UTF-8 -t UTF-8 one/samples.md -o /dev/null
check samples_csv_is_utf8 iconv -f UTF-8 -t UTF-8 one/samples.csv -o /dev/null
exits samples_without_output 2 'output DIR is missing' smp --memory dense
"$fotbench" samples -m tiny -d ./docs --context-length 128 --memory dense -o js --json -q >js.json 2>js.err
check samples_json bash -c '[ ! -s js.err ] && grep -q "\"output\":.*\"js\"" js.json'

exits samples_without_memory 2 'memory: expected dense or knn' smp --memory none -o bad
exits samples_context_in_a_window 2 'context_length: expected more than the local window of 32' \
	"$fotbench" samples -m tiny -d ./docs --memory dense --context-length 32 -o bad
exits samples_first_window 2 'token 31 is in the first window' smp --memory dense --positions 31,99 -o bad
exits samples_position_twice 2 'positions: 99 stands twice' smp --memory dense --positions 99,50,99 -o bad
for list in 5, x -7 1.5; do
	exits "samples_positions_$list" 2 "positions: expected numbers from 1" smp --memory dense --positions="$list" -o bad
done
exits samples_position_behind_all 5 'no document is long enough: .* needs 5001' smp --memory dense --positions 5000 -o bad
exits samples_documents_too_short 5 'no document is long enough: .* needs 65505' \
	"$fotbench" samples -m tiny -d ./docs --memory dense --context-length 64k -o bad
exits samples_no_tokenizer 5 'no tokenizer' "$fotbench" samples -m digits -d ./docs --memory dense -o bad
exits samples_no_dataset 5 'nowhere.jsonl' "$fotbench" samples -m tiny -d ./nowhere.jsonl --memory dense -o bad
exits samples_last_context 2 'last-context' smp --memory dense --last-context 16 -o bad
exits samples_output_is_a_file 6 'docs/a.txt' smp --memory dense -o docs/a.txt
check samples_nothing_written test ! -e bad

# A task as any other: shards give the same files, several memories are one run, and there is a spec for it.
check samples_first_shard smp --memory knn --top-k 5 -o s1 --shard 1/2
check samples_second_shard smp --memory knn --top-k 5 -o s2 --shard 2/2
check samples_merge "$fotbench" merge s1 s2 -o merged
check samples_merged_shards_are_the_run same one merged
printf '{ "name": "both", "models": [{ "path": "tiny", "memory": ["dense", { "mode": "knn", "top_k": 5 }] }],
	"tasks": [{ "task": "samples", "datasets": ["./docs"], "context_length": 128 }] }' >spec.json
check samples_spec "$fotbench" run spec.json -o both
check samples_title_for_each_memory [ "$(grep -c '^# What' both/samples.md)" = 2 ]

# What kinds lose against all of the memory: nothing where all is read; exact top-k has all that it counts.
printf '{ "name": "kinds", "models": [{ "path": "tiny", "memory": ["dense", "knn:999", "knn:8", "recent:8", "random:8", "moba:4,2", "ivf:8,probe=1,lists=4"] }],
	"tasks": [{ "task": "samples", "datasets": ["./docs"], "context_length": 128, "queries": 40 }] }' >kinds.json
check samples_kinds "$fotbench" run kinds.json -o kinds
lost() { sed -n "s/^| $1 | all | all |//p" kinds/samples.md; }
against() { [ "$(grep -c '^# Against all of the memory$' kinds/samples.md)" = 1 ] && [ "$(grep -cE '^\| [a-z].* \| all \| all \|' kinds/samples.md)" = 7 ] &&
	lost dense | grep -qE '^ ?[0-9]+ \| 1.000 \| 1.000 .* \| 0.000 .* \| 0.000 \| 0.000 \| [0-9.]+ \|  \|$' && [ "$(lost dense)" = "$(lost knn.:999)" ] &&
	lost knn.:8 | grep -q '^ 8 | 1.000 | ' && ! lost recent.:8 | grep -q '^ 8 | 1.000 | ' && lost recent.:8 | grep -q '^ 8 |'; }
check samples_tell_what_kinds_lose against
check samples_page_is_in_the_manifest grep -q '"samples.md"' both/manifest.json
