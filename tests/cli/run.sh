#!/usr/bin/env bash
# Runs: files, threads, resume after kill -9 and signals, refusals.
. "$(dirname "$0")/common.bash"
make_experiment
run() { "$fotbench" run spec.json --no-timings -q "$@"; }
same() { cmp "$1/perplexity.csv" "$2/perplexity.csv" && cmp "$1/summary.csv" "$2/summary.csv" && cmp "$1/summary.md" "$2/summary.md"; }

prints run_dry_run_counts '^all \(memory: the most\) +35 ' "$fotbench" run spec.json --dry-run
check run_dry_run_writes_nothing test ! -e out
check run_completes run -o one -t 1
check run_status_complete grep -q '"status": "complete"' one/manifest.json
check run_two_threads run -o two -t 2
check run_same_bits_with_two_threads same one two
rows() { [ "$(tail -n +2 one/perplexity.csv | wc -l)" -eq $((5 * 7 * 3)) ]; }
check run_row_for_each_document_and_length rows
short() { [ "$(grep -c ',skipped_short,' one/perplexity.csv)" -eq 15 ]; }
check run_short_documents_are_counted short
no_nan() { ! grep -qiE '(^|,)-?(nan|inf)' one/*.csv; }
check run_no_nan_in_files no_nan
prints run_manifest_names_conventions '"context_length": "local window' cat one/manifest.json

# The same perplexity from the nll of `score` would need equal cutting: without memory it is.
exits run_folder_in_use 2 'holds a run already; use --resume' "$fotbench" run spec.json -o one
mkdir foreign && echo x >foreign/thesis.tex
exits run_foreign_folder 2 'not empty \(thesis.tex\)' "$fotbench" run spec.json -o foreign
exits run_foreign_folder_overwrite 2 'not empty' "$fotbench" run spec.json -o foreign --overwrite
check run_foreign_folder_untouched bash -c '[ "$(ls foreign)" = thesis.tex ]'
exits run_output_is_a_file 6 'spec.json' "$fotbench" run spec.json -o spec.json
tasks=$("$fotbench" help spec | sed -n 's/^tasks: each object with "task": "\(.*\)"$/\1/p')
mkdir -p two/samples && for t in $tasks; do echo old >"two/$t.csv" && echo old >"two/samples/$t.jsonl"; done
check run_overwrite run -o two --overwrite
check run_overwrite_removes_every_tasks_files bash -c '[ "$(wc -w <<<"$1")" -ge 5 ] && ! grep -rl ^old two' - "$tasks"
check run_overwrite_same same one two
check run_resume_of_complete run -o two --resume
check run_resume_of_complete_same same one two

# Flags build the same spec as the file.
check perplexity_from_flags "$fotbench" perplexity -m tiny --variant local --memory none -d ./docs --context-lengths 32,64,256 \
	--target-tokens 512 -o flags --no-timings -q --seed 3
nll() { cut -d, -f8,11,17 "$1" | grep -v '^context'; }
flags_equal() { diff <(nll flags/perplexity.csv) <(grep ',local,none,' one/perplexity.csv | cut -d, -f8,11,17); }
check perplexity_flags_equal_spec flags_equal
few_variants() { # the second model keeps its own; --seed 0 is a seed
	"$fotbench" perplexity -m tiny -m tiny2 --variant local --memory none,dense,knn,knn:3 --top-k 5 --mem-dtype bf16 --mem-layers 1 \
		--window 16 --seed 0 -d ./docs --context-lengths 32-64*2 --target-tokens 64 --own-tokens 16 --documents 1 --split test \
		-o mixed --no-timings -q &&
		tr -d ' \n' <mixed/manifest.json | grep -qF '"spec":{"name":"perplexity","seed":0,"window":16,"models":[{"path":"tiny","variant":"local","mem_layers":[1],"memory":[{"mode":"none"},{"mode":"dense","mem_dtype":"bf16"},{"mode":"knn","top_k":5,"mem_dtype":"bf16"},{"mode":"knn","top_k":3,"mem_dtype":"bf16"}]},{"path":"tiny2","mem_layers":[1],"memory":[{"mode":"none"},{"mode":"dense","mem_dtype":"bf16"},{"mode":"knn","top_k":5,"mem_dtype":"bf16"},{"mode":"knn","top_k":3,"mem_dtype":"bf16"}]}],"tasks":[{"task":"perplexity","datasets":["./docs"],"split":"test","context_lengths":[32,64],"target_tokens":64,"own_tokens":16,"documents":1}]}'
}
check perplexity_flags_all_of_them few_variants

# Without --memory and without "memory": the model's own, as score and generate read it.
own() { # NAME SEARCH WANTED [FLAGS]: the rows' memory_mode and top_k; the spec says what it was
	cp -r tiny own && sed -i "s/\"search\": \"[a-z]*\"/\"search\": \"$2\"/; s/\"top_k\": [0-9]*/\"top_k\": 6/" own/config.json
	check "$1" own_is "$3" "${@:4}"
	rm -r own
}
own_is() {
	"$fotbench" perplexity -m own -d ./docs --context-lengths 64 --target-tokens 32 --documents 1 -o own_out --overwrite --no-timings -q "${@:2}" &&
		[ "$(tail -n +2 own_out/perplexity.csv | cut -d, -f4 | sort -u) $(tr -d ' \n' <own_out/manifest.json | grep -o '"memory":\[[^]]*\]')" = "$1" ] &&
		cat >own.json <<<"{ \"models\": [ { \"path\": \"own\", \"variant\": \"v\" } ], \"tasks\": [ { \"task\": \"perplexity\", \"datasets\": [\"./docs\"], \"context_lengths\": [64], \"target_tokens\": 32, \"documents\": 1 } ] }" &&
		"$fotbench" run own.json -o own_spec --overwrite --no-timings -q && [ "$(tail -n +2 own_spec/perplexity.csv | cut -d, -f4 | sort -u)" = "${1%% *}" ]
}
own memory_of_its_own_dense all 'dense "memory":[{"mode":"dense"}]'
own memory_of_its_own_knn topk 'knn "memory":[{"mode":"knn"}]'
own memory_of_its_own_knn_with_top_k topk 'knn "memory":[{"mode":"knn","top_k":3}]' --top-k 3
own memory_of_its_own_none none 'none "memory":[{"mode":"none"}]'
exits memory_of_its_own_has_no_top_k 2 "top_k: the model's own memory is dense; give it another" "$fotbench" perplexity -m tiny -d ./docs \
	--context-lengths 64 --top-k 3 -o bad
specs_say_it() { for f in "$root"/harness/specs/*.json; do [ "$(grep -o '"path"' "$f" | wc -l)" -eq "$(grep -o '"memory"' "$f" | wc -l)" ] || { echo "$f"; return 1; }; done; }
check memory_stands_in_every_shipped_spec specs_say_it

# kill -9 at many moments; the resumed run must give the same files.
kill9() {
	local n
	for n in 0.02 0.05 0.08 0.12 0.2; do
		rm -rf killed
		"$fotbench" run spec.json -o killed --no-timings -q -t 1 2>/dev/null &
		sleep "$n"
		kill -9 $! 2>/dev/null
		wait $! 2>/dev/null
		if [ -e killed/journal.jsonl ] || [ -e killed/manifest.json ]; then
			run -o killed --resume || return 1
		else
			rm -rf killed
			run -o killed || return 1
		fi
		same one killed || return 1
	done
}
check run_kill_9_and_resume kill9 2>/dev/null

# Kill for certain in the middle: the journal cut at chosen bytes.
cut_journal() {
	local size at
	size=$(stat -c %s one/journal.jsonl)
	for at in 0 1 7 100 $((size / 3)) $((size / 2)) $((size - 700)) $((size - 1)); do
		rm -rf cut && mkdir cut
		head -c "$at" one/journal.jsonl >cut/journal.jsonl
		run -o cut --resume 2>/dev/null || return 1
		same one cut || return 1
		cmp <(sort one/journal.jsonl | sed 's/"note".*//; s/"crc":"[0-9a-f]*"//') \
			<(sort cut/journal.jsonl | sed 's/"note".*//; s/"crc":"[0-9a-f]*"//') >/dev/null ||
			cmp <(wc -l <one/journal.jsonl) <(wc -l <cut/journal.jsonl) || return 1
	done
}
check run_cut_journal_and_resume cut_journal

# Refusals on resume.
cp -r one changed
sed -i 's/"seed": 3/"seed": 4/' spec.json
exits run_resume_other_spec 2 'cannot resume, 1 inputs differ: spec.seed: journal 3, now 4' "$fotbench" run spec.json -o changed --resume
check run_refused_resume_changes_nothing diff -r one changed -x LOCK
sed -i 's/"seed": 4/"seed": 3/' spec.json
mv tiny2 tiny2.old && "$make_checkpoint" tiny2 seed=5
exits run_resume_other_model 2 'models\[1\].sha256' "$fotbench" run spec.json -o changed --resume
rm -r tiny2 && mv tiny2.old tiny2
echo more >>docs/d1.txt
exits run_resume_other_data 2 'datasets\[0\].sha256' "$fotbench" run spec.json -o changed --resume
sed -i '$d' docs/d1.txt
head -c $((700 + 900)) "$root/LICENSE" | tail -c +37 >docs/d1.txt
sed -i '3s/0/1/' changed/journal.jsonl
exits run_damaged_journal 5 'line 3: wrong checksum' "$fotbench" run spec.json -o changed --resume

# Another run holds the folder.
locked() {
	rm -rf held && mkdir held && cp one/journal.jsonl held/ && : >held/LOCK
	flock held/LOCK sleep 3 &
	local holder=$!
	sleep 0.3
	"$fotbench" run spec.json -o held --resume 2>err
	local rc=$?
	kill $holder 2>/dev/null
	wait $holder 2>/dev/null
	[ $rc -eq 6 ] && grep -q 'another run writes here' err
}
check run_locked_folder locked

# Signals: the item is finished, exit 128 + n, the rest can be resumed.
signalled() {
	local rc
	rm -rf sig
	sed 's/"documents": 8/"documents": 1000000/; s/"target_tokens": 512/"target_tokens": 3000/' spec.json >long.json
	(cd docs && for i in $(seq 100); do cp d6.txt "e$i.txt"; done)
	"$fotbench" run long.json -o sig --no-timings -q -t 1 2>err &
	local pid=$!
	while [ ! -s sig/journal.jsonl ] || [ "$(wc -l <sig/journal.jsonl)" -lt 3 ]; do
		kill -0 $pid 2>/dev/null || return 1
		sleep 0.01
	done
	kill -"$1" $pid
	wait $pid
	rc=$?
	rm docs/e*.txt
	[ $rc -eq "$2" ] && grep -q 'stopped by signal' err && grep -q '"status": "partial"' sig/manifest.json
}
check run_sigint signalled INT 130
check run_sigterm signalled TERM 143

# Specs that cannot be run.
bad() { # NAME SED-SCRIPT CODE PATTERN
	sed "$2" spec.json >bad.json
	exits "$1" "$3" "$4" "$fotbench" run bad.json -o bad
}
bad spec_unknown_key 's/"seed"/"sed"/' 2 'sed.*seed'
bad spec_length_below_window 's/\[32, 64/[16, 64/' 2 'context length 16 is shorter than the local window of 32'
bad spec_no_such_model 's/"tiny2"/"tiny3"/' 5 'tiny3'
mkdir -p model/zoo model/train/recipes && echo '{}' >model/train/recipes/made.json
bad spec_model_with_a_recipe 's#"tiny2"#"model/zoo/made"#' 5 \
	'model/zoo/made: no such model; train it: fotbench train model/train/recipes/made.json -o model/zoo/made$'
bad spec_model_without_a_recipe 's#"tiny2"#"model/zoo/none"#' 5 'model/zoo/none: no such model; looked for it as well at'
bad spec_no_such_dataset 's#"./docs"#"./nodocs"#' 5 'nodocs'
bad spec_twice 's/"variant": "fot"/"variant": "vanilla"/; s/"tiny2"/"tiny"/' 2 'stands twice'
bad spec_unknown_task 's/"perplexity"/"perplexty"/' 2 'did you mean "perplexity"'
bad spec_no_documents 's/"context_lengths"/"split": "train", "context_lengths"/' 5 '0 documents in split train'
check spec_failures_leave_no_folder test ! -e bad
"$make_checkpoint" nomem mem=none
bad spec_memory_without_memory_layers 's/"tiny2"/"nomem"/' 2 'no memory layers'
"$make_checkpoint" notok tokenizer=none
bad spec_without_tokenizer 's/"tiny2"/"notok"/' 5 'no tokenizer'

# A model whose logits are not finite: its items fail, the others are kept.
"$make_checkpoint" broken scale=1e20
sed 's/"tiny2"/"broken"/' spec.json >broken.json
partial() {
	"$fotbench" run broken.json -o partial --no-timings -q 2>err
	[ $? -eq 4 ] && grep -q '"status": "partial"' partial/manifest.json && grep -q ',failed,' partial/perplexity.csv &&
		grep -q ',ok,' partial/perplexity.csv && grep -q 'not finite' err
}
check run_failed_items_do_not_lose_others partial

# A full disk: exit 6 and the journal intact.
limited() {
	rm -rf full
	(ulimit -f 24 && "$fotbench" run spec.json -o full --no-timings -q 2>err)
	[ $? -eq 6 ] || return 1
	run -o full --resume 2>/dev/null && same one full
}
check run_file_size_limit_and_resume limited

# Figures.
if command -v gnuplot >/dev/null; then
	prints plot_names_its_files 'one/plots/perplexity.svg' "$fotbench" plot one
	check plot_files test -s one/plots/perplexity.png -a -s one/plots/change.svg -a -s one/plots/perplexity.gp
	check plot_scripts_run_by_hand bash -c 'cd one/plots && rm *.png && gnuplot perplexity.gp && test -s perplexity.png'
else
	echo "skip plot_names_its_files: gnuplot is not installed"
fi
