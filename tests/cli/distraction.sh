#!/usr/bin/env bash
# Distraction through the command line: rows, the same bits however the work is shared, cut or
# resumed, sets of too few documents, refusals; what follows from its rows.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 hidden=24 heads=2 layers=4 mem=2 window=32 || exit 1
"$make_checkpoint" digits seed=3 vocab=64 tokenizer=none window=32 || exit 1
mkdir docs few alone
for i in 1 2 3 4; do tail -c +$((i * 991)) "$root/LICENSE" | head -c $((200 + 150 * i)) >"docs/d$i.txt"; done
head -c 40 "$root/LICENSE" >docs/short.txt
cp docs/d1.txt docs/d2.txt few && cp docs/d4.txt alone
cat >spec.json <<-'EOS'
{ "name": "trial", "seed": 5,
  "models": [ { "path": "tiny", "variant": "vanilla", "memory": ["dense", "knn:8"] },
              { "path": "tiny", "variant": "fot", "mem_layers": [1, 3], "memory": [{ "mode": "dense", "mem_dtype": "bf16" }] } ],
  "tasks": [ { "task": "distraction", "datasets": ["./docs", "./few", "./alone"], "n_contexts": [8, 1, "2", 64],
               "target_tokens": 100 } ] }
EOS
run() { "$fotbench" run spec.json --no-timings -q "$@"; }
files="distraction.csv summary.csv summary.md summary.tex"
same() { local f; for f in $files; do cmp "$1/$f" "$2/$f" || return 1; done; }
column() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }' "$2"; }
# rows PATTERN NUMBER: lines of one/distraction.csv that match
rows() { [ "$(grep -cE "$1" one/distraction.csv)" -eq "$2" ] || { grep -cE "$1" one/distraction.csv; return 1; }; }

prints distraction_dry_run '^all \(memory: the most\) +24 ' "$fotbench" run spec.json --dry-run
# A worker keeps the tokens of all documents: 4 MiB of text more are 16 MiB, and of two workers 32.
kept() {
	local now
	mkdir many && cp docs/* many && sed 's|"./docs", "./few", "./alone"|"./many"|; s/, 64\]/]/' spec.json >many.json
	peak() { "$fotbench" run many.json --dry-run -t "$1" | awk '/^all/ { printf "%.0f\n", $NF }'; }
	now=$(peak 1) && two=$(peak 2) && yes 'the same words' | head -c 4194304 >many/long.txt &&
		[ "$(peak 1)" -ge $((now + 15)) ] && [ "$(peak 1)" -le $((now + 17)) ] &&
		{ [ "$(nproc)" -lt 2 ] || [ "$(peak 2)" -ge $((two + 31)) ]; }
}
check distraction_dry_run_counts_the_documents kept
check distraction_runs run -o one -t 2
# 8 documents, 4 d, mean and 2 heads: two conditions of one layer, one of two
check distraction_row_for_each_document_layer_head_and_d rows ',distraction,' $((8 * 4 * 3 * (1 + 1 + 2)))
check distraction_short_document rows ',short,,0,skipped_short,' $((4 * 3 * 4))
# few: the other document holds 10 or 15 windows, enough for 8; docs: 45 and fewer; alone: none at all
check distraction_too_few_others_for_64 rows ',64,[0-9]+,[01]?,d[1-4],,0,skipped_few,' $((7 * 3 * 4))
check distraction_alone_serves_one_only rows ',alone,.*,skipped_few,' $((3 * 3 * 4))
masses() { paste -d' ' <(column n_contexts one/distraction.csv) <(column status one/distraction.csv) <(column positive_mass one/distraction.csv) <(column n_queries one/distraction.csv) |
	awk '$2 != "ok" { next } $1 == 1 && $3 != 1 { exit 1 } $3 <= 0 || $3 > 1 || $4 != 96 { exit 1 } $1 == 8 && $3 < 0.9 { n++ } END { exit n == 0 }'; }
check distraction_masses_are_shares masses
check distraction_no_nan bash -c '! grep -qiE "(^|,)-?(nan|inf)" one/*.csv'
check distraction_summary_has_lines_for_layers grep -q 'layer' one/summary.md
check distraction_one_thread run -o two -t 1
check distraction_threads_change_no_byte same one two
check distraction_without_sharing run -o two --overwrite --no-sharing --no-skipping
check distraction_sharing_changes_no_byte same one two
resumed() { rm -rf cut && mkdir cut && head -n 9 one/journal.jsonl >cut/journal.jsonl && run -o cut --resume && same one cut; }
check distraction_resumed_is_the_same resumed
sharded() {
	local i
	for i in 1 2 3; do run -o "s$i" --shard "$i/3" || return 1; done
	"$fotbench" merge s1 s2 s3 -o merged --no-timings -q && same one merged
}
check distraction_shards_merge_to_the_same sharded
# Flags and file are the same spec; a d alone has the bits that it has among others.
values() { grep -aE "$2" "$1/distraction.csv" | cut -d, -f9-15; }
flags() {
	"$fotbench" distraction -m tiny --variant vanilla -d ./docs --memory dense --n-contexts 8 --target-tokens 100 --seed 5 \
		-o flags --no-timings -q && diff <(values flags ',docs,') <(values one ',vanilla,dense,.*,docs,288,8,')
}
check distraction_one_d_from_flags_has_the_same_bits flags
seeded() {
	"$fotbench" distraction -m tiny -d ./docs --memory dense --n-contexts 8 --target-tokens 100 --seed 6 -o seed6 --no-timings -q &&
		! diff -q <(values seed6 ',ok,') <(values flags ',ok,')
}
check distraction_seed_draws_others seeded
prints distraction_report 'd = 8|n_contexts' "$fotbench" report one --format csv
check distraction_plot "$fotbench" plot one
check distraction_compares_with_itself "$fotbench" compare one one
defaults() { "$fotbench" distraction -m tiny -d ./alone --memory knn -o def --no-timings -q && [ "$(column n_contexts def/distraction.csv | sort -nu | paste -sd' ')" = '1 2 4 8 16 32 64' ]; }
check distraction_default_contexts defaults

exits distraction_needs_a_memory 2 'distraction: expected memory dense or knn, got none' \
	"$fotbench" distraction -m tiny -d ./docs --memory none -o bad
exits distraction_contexts_twice 2 'n_contexts: 4 stands twice' \
	"$fotbench" distraction -m tiny -d ./docs --memory dense --n-contexts 4,1,4 -o bad
for d in 0 -1 x 1.5 1, 1e9; do
	exits "distraction_contexts_$d" 2 'n_contexts: expected numbers from 1 to 100000' \
		"$fotbench" distraction -m tiny -d ./docs --memory dense --n-contexts "$d" -o bad
done
"$make_checkpoint" wide seed=1 hidden=512 heads=2 window=32 || exit 1
exits distraction_memory_that_does_not_fit 2 'a memory of [0-9]+ tokens needs [0-9]+ MiB' \
	"$fotbench" distraction -m wide -d ./docs --memory dense --mem-dtype f32 --n-contexts 1,100000 --window 400 -o bad
exits distraction_needs_a_tokenizer 5 'no tokenizer, which distraction needs' \
	"$fotbench" distraction -m digits -d ./docs --memory dense -o bad
exits distraction_empty_split 5 'dataset docs: 0 documents in split valid; all splits hold [0-9]+ \(--split\)$' \
	"$fotbench" distraction -m tiny -d ./docs --split valid --memory dense -o bad
exits distraction_no_such_key 2 'did you mean "n_contexts"' bash -c \
	'sed "s/n_contexts/n_context/" spec.json >typo.json; "$0" run typo.json -o bad' "$fotbench"
check distraction_refused_before_the_run test ! -e bad
