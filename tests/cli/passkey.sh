#!/usr/bin/env bash
# Pass key and look-up through the command line: exact lengths, the same files however the
# work is shared, cut or resumed, refusals before the run.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 || exit 1
"$make_checkpoint" digits seed=3 vocab=64 tokenizer=none || exit 1
mkdir docs && head -c 30000 "$root/LICENSE" >docs/prose.txt
cat >spec.json <<-'EOS'
{ "name": "trial", "seed": 5, "window": 128,
  "models": [ { "path": "tiny", "variant": "fot", "memory": ["none", "dense", "knn:8"] },
              { "path": "tiny", "variant": "plain", "mem_layers": [0, 2], "memory": ["dense"] } ],
  "tasks": [ { "task": "passkey", "context_lengths": [512, 700], "depths": [0, 0.5, 1], "trials": 2,
               "prompt_styles": ["paper", "text", "decoys"], "datasets": ["./docs"] },
             { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [128, 512], "target_tokens": 128 } ],
  "exclude": [ { "memory": "knn:8", "prompt_style": "text" }, { "variant": "plain", "context_lengths": [700] } ] }
EOS
run() { "$fotbench" run spec.json --no-timings -q "$@"; }
files="passkey.csv perplexity.csv summary.csv summary.md summary.tex samples/passkey.jsonl"
same() { local f; for f in $files; do cmp "$1/$f" "$2/$f" || return 1; done; }
# column NAME FILE: values of a column by its name (no cell before it holds a comma in quotes)
column() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }' "$2"; }

check passkey_runs run -o one -t 2
cells() { [ "$(tail -n +2 one/passkey.csv | wc -l)" -eq $((36 + 36 + 24 + 18)) ]; }
check passkey_row_for_each_trial_less_exclusions cells
lengths() { "$fotbench" tokenize --help >/dev/null && column context_length one/passkey.csv | sort -u | paste -sd' ' | grep -qx '512 700'; }
check passkey_lengths lengths
exact() { paste -d' ' <(column context_length one/passkey.csv) <(column n_tokens_prompt one/passkey.csv) <(column key one/passkey.csv) |
	awk '{ if ($2 + length($3) + 1 != $1) exit 1 }'; }
check passkey_prompt_and_answer_fill_the_length exact
sampled() { [ "$(wc -l <one/samples/passkey.jsonl)" -eq 114 ] && grep -q 'The pass key is' one/samples/passkey.jsonl; }
check passkey_samples_show_prompts sampled
check passkey_without_sharing run -o two --no-sharing
check passkey_sharing_changes_no_byte same one two
check passkey_without_skipping run -o two --overwrite --no-skipping -t 1
check passkey_skipping_changes_no_byte same one two
resumed() {
	rm -rf cut && mkdir cut && head -n 20 one/journal.jsonl >cut/journal.jsonl && run -o cut --resume && same one cut
}
check passkey_resumed_is_the_same resumed
sharded() {
	local i
	for i in 1 2 3; do run -o "s$i" --shard "$i/3" || return 1; done
	"$fotbench" merge s1 s2 s3 -o merged --no-timings -q && same one merged
}
check passkey_shards_merge_to_the_same sharded
# Flags and file are the same spec.
flags() {
	"$fotbench" passkey -m tiny --variant fot --memory dense --window 128 --context-lengths 512,700 --depths 0,0.5,1 \
		--trials 2 --prompt-styles paper --seed 5 -o flags --no-timings -q &&
		diff <(cut -d, -f8-15 flags/passkey.csv) <(grep -aE ',fot,dense,.*,paper,|^run_id' one/passkey.csv | cut -d, -f8-15)
}
check passkey_flags_equal_spec flags

exits passkey_too_short 2 'context length 64 cannot hold the prompt: at least [0-9]+ tokens' \
	"$fotbench" passkey -m tiny --window 128 --context-lengths 64,512 -o bad
exits passkey_depth_out_of_range 2 'depths: expected numbers from 0 to 1, got 1.5$' \
	"$fotbench" passkey -m tiny --window 128 --context-lengths 512 --depths 0,1.5 -o bad
exits passkey_unknown_style 2 'prompt_styles: expected paper, text or decoys, got "prose"$' \
	"$fotbench" passkey -m tiny --window 128 --context-lengths 512 --prompt-styles prose -o bad
exits passkey_memory_that_does_not_fit 2 'a memory of 1099511627776 tokens needs [0-9]+ MiB, [0-9]+ MiB are available' \
	"$fotbench" passkey -m tiny --window 128 --memory dense --context-lengths 1048576M -o bad
exits passkey_needs_a_tokenizer 5 'no tokenizer, which passkey needs' \
	"$fotbench" passkey -m digits --context-lengths 512 -o bad
exits passkey_no_such_key 2 'did you mean "depths"' bash -c \
	'sed "s/\"depths\"/\"depts\"/" spec.json >typo.json; "$0" run typo.json -o bad' "$fotbench"
exits passkey_split_without_prose 2 'split: only for the prompt_styles text and decoys' \
	"$fotbench" passkey -m tiny --window 128 --context-lengths 512 --split train -o bad
exits passkey_store_without_prose 2 '\-\-store: no dataset is read' \
	"$fotbench" passkey -m tiny --window 128 --context-lengths 512 --store . -o bad
# The cache of windows is counted where it is used.
mib() { "$fotbench" passkey -m tiny --window 128 --memory dense --context-lengths 64k --dry-run -t 1 "$@" | awk '/^all / { print $NF }'; }
cached() { awk -v a="$(mib)" -v b="$(mib --no-sharing)" -v c="$(mib --no-skipping)" 'BEGIN { print a, b, c; exit !(a > b + 10 && a > c + 10 && b > 1) }'; }
check passkey_dry_run_counts_the_cache_if_used cached
check passkey_refused_before_the_run test ! -e bad

# A dry run foretells the tokens that a run reads, each token. With two memory layers no window is copied.
"$make_checkpoint" layers mem=1+2
grid="passkey -m layers --window 64 --memory dense,knn:4 --context-lengths 512,2k --trials 3 --depths 0,0.5,1"
"$fotbench" $grid -o read -q && "$fotbench" $grid -o apart -q --no-sharing
check passkey_foretells_what_is_read test "$(foretold $grid)" = "$(total n_tokens_read read/passkey.csv) $(($(total n_tokens_read apart/passkey.csv) - $(total n_tokens_read read/passkey.csv)))"
check passkey_foretells_without_sharing test "$(foretold $grid --no-sharing)" = "$(total n_tokens_read apart/passkey.csv) 0"
# With one, windows behind the key are copied from the prompt before: not computed, though the session is fed them.
one="passkey -m tiny --window 64 --memory dense --context-lengths 2k --trials 1 --depths 0.2,0.6"
"$fotbench" $one -o single -q && "$fotbench" $one -o doubled -q --no-sharing
read -r computed shared <<<"$(foretold $one)"
fed=$(total n_tokens_read single/passkey.csv) all=$(total n_tokens_read doubled/passkey.csv)
check passkey_foretells_all_tokens test $((computed + shared)) -eq "$all"
check passkey_foretells_copied_windows test $((fed - computed)) -ge 512 -a $(((fed - computed) % 64)) -eq 0
# What is done already costs nothing, and what is left is foretold before the first item is done.
"$fotbench" $grid -o again -q && head -n 20 again/journal.jsonl >cut.jsonl && cp cut.jsonl again/journal.jsonl
"$fotbench" $grid -o again --resume >again.txt 2>again.err
check passkey_progress_from_the_start grep -qE '^19 of 36 items, 0 tokens/s, [0-9dhms ]+ left, ' again.err
check passkey_says_where_the_results_are grep -qx 'results in again; draw them: fotbench plot again' again.err

files="lookup.csv summary.csv summary.md summary.tex"
look() { "$fotbench" lookup -m digits --memory none,dense,knn:4 --window 50 --question-tokens 40 --context-lengths 200-3200*4 \
	--trials 3 --no-timings -q "$@"; }
check lookup_runs look -o l1 -t 1
rows() { [ "$(tail -n +2 l1/lookup.csv | wc -l)" -eq 27 ]; }
check lookup_row_for_each_trial rows
counts() { [ "$(column n_queries l1/lookup.csv | sort -u)" = 4 ] && [ "$(column n_value_tokens l1/lookup.csv | sort -u)" = 16 ]; }
check lookup_counts counts
check lookup_without_sharing look -o l2 --no-sharing --no-skipping -t 2
check lookup_sharing_changes_no_byte same l1 l2
exits lookup_wrong_vocabulary 2 'expected a model of 64 ids, got 258' \
	"$fotbench" lookup -m tiny --context-lengths 1k -o bad
exits lookup_too_many_records 2 'records' "$fotbench" lookup -m digits --window 50 --context-lengths 1024M -o bad

# Prose is all documents of the split, one behind the other.
mkdir pair
for i in $(seq 80); do echo "alpha wolves run." >>pair/a.txt; echo "beta foxes sleep." >>pair/b.txt; done
printf '{"window":128,"models":[{"path":"tiny","memory":["dense"]}],"tasks":[{"task":"passkey","context_lengths":[2048],"depths":[0.5],"trials":6,"prompt_styles":["text"],"datasets":["./pair"],"split":"all"}]}' >pair.json
check passkey_prose_runs "$fotbench" run pair.json -o pair.out -q
prose() { grep -q 'alpha wolves' pair.out/samples/passkey.jsonl && grep -q 'beta foxes' pair.out/samples/passkey.jsonl; }
check passkey_prose_is_all_documents prose

exits passkey_depths_that_are_one_place 2 'the item .* stands twice' \
	"$fotbench" passkey -m tiny --memory dense --window 128 --context-lengths 512 --depths 0.1,0.1000000001 -o bad
exits passkey_top_k_out_of_range 2 'memory.0.: "knn:2000000": expected 1 to 1048576 keys' \
	"$fotbench" passkey -m tiny --memory knn:2000000 --window 128 --context-lengths 512 -o bad
exits passkey_threads_out_of_range 2 'threads' "$fotbench" passkey -m tiny --window 128 --context-lengths 512 -t 2000 -o bad
