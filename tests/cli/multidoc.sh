#!/usr/bin/env bash
# Perplexity among other documents: rows, the same bits however it is run, refusals, figure.
. "$(dirname "$0")/common.bash"
make_experiment
cat >multi.json <<-EOS
	{ "name": "multi", "seed": 3,
	  "models": [
	    { "path": "tiny", "variant": "local", "memory": ["none"] },
	    { "path": "tiny", "variant": "vanilla", "memory": ["dense", "knn:8"] },
	    { "path": "tiny2", "variant": "fot", "memory": ["dense"] } ],
	  "tasks": [ { "task": "perplexity", "datasets": ["./docs"], "context_lengths": [32, 96, 256, 1000],
	               "own_tokens": 64, "target_tokens": 128, "documents": 8 } ] }
EOS
run() { "$fotbench" run multi.json --no-timings -q "$@"; }
same() { cmp "$1/perplexity.csv" "$2/perplexity.csv" && cmp "$1/summary.csv" "$2/summary.csv"; }
# Cells of a column by its name: column FILE NAME
column() { awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }' "$1"; }

check multidoc_runs run -o one -t 1
rows() { [ "$(tail -n +2 one/perplexity.csv | wc -l)" -eq $((4 * 7 * 4)) ]; }
check multidoc_row_for_each_document_and_size rows
own() { [ "$(column one/perplexity.csv own_tokens | sort -u)" = 64 ]; }
check multidoc_own_share_in_every_row own
documents() { # grows with the memory; none without one
	[ "$(paste -d, <(column one/perplexity.csv memory_mode) <(column one/perplexity.csv context_length) \
		<(column one/perplexity.csv status) <(column one/perplexity.csv n_documents) |
		grep '^dense,.*,ok,' | cut -d, -f2,4 | sort -u | grep -cE '^(32,0|96,1|256,[2-7]|1000,[4-7])$')" -ge 4 ] &&
		! paste -d, <(column one/perplexity.csv memory_mode) <(column one/perplexity.csv n_documents) | grep -qE '^none,[1-9]'
}
check multidoc_documents_in_memory documents
check multidoc_two_threads run -o two -t 2
check multidoc_same_bits_with_two_threads same one two
check multidoc_no_sharing run -o bare --no-sharing
check multidoc_same_bits_without_sharing same one bare
check multidoc_no_skipping run -o full --no-skipping
check multidoc_same_bits_without_skipping same one full
cut_journal() {
	local size at
	size=$(stat -c %s one/journal.jsonl)
	for at in 100 $((size / 3)) $((size - 1)); do
		rm -rf cut && mkdir cut && head -c "$at" one/journal.jsonl >cut/journal.jsonl
		run -o cut --resume 2>/dev/null && same one cut || return 1
	done
}
check multidoc_cut_journal_and_resume cut_journal
shards() {
	run -o s1 --shard 1/3 && run -o s2 --shard 2/3 -t 2 && run -o s3 --shard 3/3 &&
		"$fotbench" merge s1 s2 s3 -o merged --no-timings -q && same one merged
}
check multidoc_shards_merge shards
prints multidoc_dry_run '^all \(memory: the most\) +28 ' "$fotbench" run multi.json --dry-run
check multidoc_from_flags "$fotbench" perplexity -m tiny2 --variant fot --memory dense -d ./docs \
	--context-lengths 32,96,256,1000 --own-tokens 64 --target-tokens 128 -o flags --no-timings -q --seed 3
flags_equal() { diff <(column flags/perplexity.csv nll_nats) <(grep -E '^run_id|,fot,' one/perplexity.csv >fot.csv && column fot.csv nll_nats); }
check multidoc_flags_equal_spec flags_equal

# With own tokens alone it is what single-doc says of the same targets.
sed 's/"context_lengths": \[32, 96, 256, 1000\]/"context_lengths": [32, 96]/' multi.json >small.json
sed 's/"own_tokens": 64, //' small.json >single.json
alone() {
	"$fotbench" run small.json -o small --no-timings -q && "$fotbench" run single.json -o single --no-timings -q &&
		grep -q ',ok,' single/perplexity.csv && diff <(column small/perplexity.csv nll_nats) <(column single/perplexity.csv nll_nats)
}
check multidoc_own_share_alone_is_single_doc alone
# Both in one spec: groups of their own.
task=$(grep -A1 '"tasks"' single.json | sed '1s/.*"tasks": \[//; 2s/ \] }$//')
sed "s|\"documents\": 8 } \] }|\"documents\": 8 }, $(echo $task) ] }|" small.json >both.json
both() {
	"$fotbench" run both.json -o both --no-timings -q || return 1
	[ "$(grep -c ',perplexity,' both/summary.csv)" -gt "$(grep -c ',perplexity,' small/summary.csv)" ] &&
		grep -q 'among other documents\|Multi-doc' both/summary.md &&
		! column both/summary.csv n_items | grep -q '^1[0-9]'
}
check multidoc_beside_single_doc both
prints multidoc_report 'rest is windows of other documents' "$fotbench" report one
check multidoc_compare_identical "$fotbench" compare one two

refuses() { # NAME SED PATTERN [CODE]
	sed "$2" multi.json >bad.json
	exits "$1" "${4:-2}" "$3" "$fotbench" run bad.json -o bad
}
refuses multidoc_own_not_whole_windows 's/"own_tokens": 64/"own_tokens": 60/' 'own_tokens: expected a multiple of the local window of 32 tokens, got 60'
refuses multidoc_own_larger_than_memory 's/"own_tokens": 64/"own_tokens": 1024/' 'own_tokens: expected at most the longest memory of 968'
refuses multidoc_own_is_no_text 's/"own_tokens": 64/"own_tokens": "many"/' 'own_tokens: expected a size'
refuses multidoc_too_few_others 's/1000\]/1000000]/' 'dataset docs: a memory of [0-9]+ tokens of other documents: there are [0-9]+ bytes'
sed 's/"perplexity"/"passkey"/' multi.json >bad.json
exits multidoc_key_of_perplexity_alone 2 'own_tokens' "$fotbench" run bad.json -o bad

if command -v gnuplot >/dev/null; then
	prints multidoc_plot 'one/plots/multidoc.svg' "$fotbench" plot one
	check multidoc_plot_alone test ! -e one/plots/perplexity.svg
	check multidoc_plot_script_runs_by_hand bash -c 'cd one/plots && rm multidoc.png && gnuplot multidoc.gp && test -s multidoc.png'
else
	echo "skip multidoc_plot: gnuplot is not installed"
fi
