#!/usr/bin/env bash
# Names from outside are data in every output: nothing of them is run, breaks a table or is lost; what
# cannot be a name is refused before the run.
. "$(dirname "$0")/common.bash"
make_rows=$root/build/$variant/tests/make_rows

"$make_checkpoint" tiny seed=1 || exit 1
name='=a`touch I1`$(touch I2)"q",|'"'"'s_&@^{}~\write18{touch I3}<script>%n'
mkdir "$name"
head -c 1500 "$root/LICENSE" >"$name/$(printf %s "$name" | tr / -).txt"
head -c 1800 "$root/LICENSE" >"$name/b.txt"
cp -r tiny "model $name"

# commas part datasets on the command line: there a spec names the folder
write_spec() {
	local json=${name//\\/\\\\}
	json=${json//\"/\\\"}
	printf '{"models":[{"path":"model %s","variant":"%s","memory":["dense"]}],"tasks":[{"task":"perplexity","datasets":["./%s"],"context_lengths":[32,64],"target_tokens":64}]}' "$json" "$json" "$json" >spec.json
}
write_spec
check injection_run bash -c '"$0" run spec.json -o run >screen 2>err || { cat err; exit 1; }' "$fotbench"
check injection_plot "$fotbench" plot run
check injection_report "$fotbench" report run -o report
check injection_compare "$fotbench" compare run run
check injection_merge "$fotbench" merge run -o merged -q
check injection_merge_keeps_names cmp run/perplexity.csv merged/perplexity.csv
check injection_inspect "$fotbench" inspect "model $name"
check injection_nothing_is_run bash -c '[ -z "$(find . -name "I[123]")" ]'
cell="\"'$(printf %s "$name" | sed 's/"/""/g')\""
check injection_csv_cell grep -qF -- "$cell" run/perplexity.csv
check injection_csv_cell_of_a_summary grep -qF -- "$cell" run/summary.csv
check injection_csv_cell_of_a_report grep -qF -- "$cell" report/report.csv
shown=$(printf %s "$name (dense memory)" | sed 's/&/\&amp;/g; s/</\&lt;/g')
check injection_svg_is_whole grep -qF -- "$shown" run/plots/perplexity.svg
check injection_figure_has_points bash -c '[ "$(grep -c "xlink:href=.#gpPt" run/plots/perplexity.svg)" -ge 3 ]'
check injection_scripts_hold_no_names bash -c '! grep -l touch run/plots/*.gp'
check injection_markdown_cells bash -c '[ "$(grep "^|" run/summary.md | sed "s/\\\\\\\\//g; s/\\\\|//g" | awk -F"|" "NR == 1 { n = NF } NF != n { bad = 1 } NR == 3 { exit } END { print bad + 0 }")" = 0 ]'
check injection_latex_has_no_command bash -c '! grep -F "\\write18" run/summary.tex report/report.tex'
check injection_latex_is_escaped grep -qF '\textbackslash{}write18\{touch I3\}' report/report.tex
check injection_screen_is_plain bash -c '! LC_ALL=C grep -q "[^[:print:][:space:]]" screen'

# a stranger's summary with what no run of ours writes
"$make_rows" stranger tasks=p trials=1
sed -i "s/vanilla/v\`touch I1\`@MINE/; s/dense/e$(printf '\033')[31m/" stranger/summary.csv
check injection_stranger_plot "$fotbench" plot stranger
check injection_stranger_runs_nothing test ! -e stranger/plots/I1 -a ! -e I1
check injection_stranger_name_is_shown grep -qF 'touch I1`@MINE' stranger/plots/passkey.svg
check injection_stranger_escape_is_not bash -c '! grep -q "$(printf "\033")" stranger/plots/passkey.svg'
sed -i "s/e$(printf '\033')/e$(printf '\377')/" stranger/summary.csv
exits injection_stranger_csv_not_utf8 5 'expected UTF-8' "$fotbench" plot stranger

# what cannot be a name
bad() { "$fotbench" perplexity -m "$1" -d "$2" --context-lengths 32 --target-tokens 64 --memory dense -o refused "${@:3}"; }
byte=$(printf 'x\377y') long=$(printf 'n%.0s' $(seq 300))
mkdir docs other other/docs two "d$byte"
cp "$name/b.txt" docs/b.txt && cp "$name/b.txt" other/docs/c.txt && cp docs/b.txt "two/$byte.txt" && cp docs/b.txt "d$byte/b.txt"
cp -r tiny "m$byte"
exits injection_variant_not_utf8 2 'variant "x.y": expected a name in UTF-8' bad tiny docs --variant "$byte"
exits injection_variant_control 2 'without control characters' bad tiny docs --variant "$(printf 'a\nb')"
exits injection_variant_long 2 'at most 255 bytes, got 300' bad tiny docs --variant "$long"
exits injection_document_not_utf8 5 'two: document "x.y": expected a name in UTF-8' bad tiny ./two
exits injection_dataset_not_utf8 5 'dataset "dx.y": expected a name in UTF-8' bad tiny "./d$byte"
exits injection_model_not_utf8 5 'model "mx.y": expected a name in UTF-8' bad "m$byte" docs
exits injection_datasets_of_one_name 2 'expected different names, both are "docs"' bad tiny ./docs,./other/docs
check injection_refused_before_the_run test ! -e refused

# The other tasks and commands, with the same name on models, sets, files, and in labels, ids and texts.
quoted=$(printf %s "$name" | sed 's/"/""/g')
json=$(printf %s "$name" | sed 's/\\/\\\\/g; s/"/\\"/g')
mkdir sets named
{
	echo id,text,label
	for i in $(seq 12); do echo "\"$quoted $i\",\"word $i $quoted\",\"$((i % 2)) $quoted\""; done
} >sets/set.csv
"$make_checkpoint" "digits $name" seed=1 vocab=64 window=64 tokenizer=none || exit 1
cat >tasks.json <<-EOS
	{ "window": 256, "models": [ { "path": "model $json", "variant": "$json", "memory": ["dense"] } ], "tasks": [
	  { "task": "passkey", "datasets": ["./$json"], "prompt_styles": ["text"], "context_lengths": [512], "depths": [0.5], "trials": 1 },
	  { "task": "distraction", "datasets": ["./$json"], "n_contexts": [1, 2], "target_tokens": 256 },
	  { "task": "fewshot", "datasets": ["sets/set.csv?name=$(printf %s "$json" | sed 's/%/%25/g; s/&/%26/g')"], "context_lengths": [1024],
	    "shots": [0, 1], "demo_seeds": 1, "template": "plain" } ] }
EOS
check injection_tasks_run bash -c '"$0" run tasks.json -o tasks >screen 2>err || { cat err; exit 1; }' "$fotbench"
check injection_lookup bash -c '"$0" lookup -m "digits $1" --variant "$1" --context-lengths 512 --trials 1 --memory dense -o "look $1" >>screen 2>>err || { tail -1 err; exit 1; }' "$fotbench" "$name"
check injection_tasks_plot "$fotbench" plot tasks
check injection_lookup_plot "$fotbench" plot "look $name"
check injection_tasks_report "$fotbench" report tasks "look $name" -o "report $name"
check injection_tasks_compare "$fotbench" compare tasks tasks -o compared.csv
for task in passkey distraction fewshot; do
	check "injection_csv_cell_of_$task" grep -qF -- "$cell" "tasks/$task.csv"
	check "injection_svg_of_$task" grep -qF 'write18{touch I3}&lt;script>%n' "tasks/plots/$task.svg"
done
check injection_csv_cell_of_lookup grep -qF -- "$cell" "look $name/lookup.csv"
check injection_csv_cell_of_a_comparison grep -qF -- "$cell" compared.csv
check injection_csv_labels_and_items grep -qF -- "$quoted" tasks/fewshot.csv

# samples, with a hostile document, whose table keeps its columns
cp "$name/b.txt" "named/$name.txt"
check injection_samples "$fotbench" samples -m "model $name" --variant "$name" -d ./named --context-length 64 --memory dense -o "samples $name"
check injection_samples_csv_cell grep -qF -- "$cell" "samples $name/samples.csv"
same_columns() { # FILE: each table of it
	sed 's/\\\\//g; s/\\|//g' "$1" | awk -F'|' '!/^\|/ { n = 0; next } n && NF != n { bad = 1 } { n = NF } END { print bad + 0 }'
}
for file in tasks/summary.md "report $name/report.md" "samples $name/samples.md"; do
	check "injection_columns_of_$(basename "$file")" test "$(same_columns "$file")" = 0
	check "injection_no_tag_in_$(basename "$file")" bash -c '! grep -qF "<script>" "$0"' "$file"
done

# score, generate, tokenize: files of these names, and texts
printf '%s\n' "$name" >"-$name"
check injection_score "$fotbench" score -m "model $name" --text "-$name" -o "-score $name.csv"
check injection_score_is_written grep -q '^0,,1,' "./-score $name.csv"
check injection_generate bash -c '"$0" generate -m "model $1" --prompt "$1" -n 3 --json >>screen 2>>err || { tail -1 err; exit 1; }' "$fotbench" "$name"
"$fotbench" tokenize -m "model $name" --text "-$name" --no-bos -q >ids
"$fotbench" detokenize -m "model $name" --ids ids -q >text
check injection_tokenize_and_back diff text - <<<"\"$json\""
gzip -c "$name/b.txt" >"-a|touch I4.txt.gz"
check injection_packed_text bash -c '"$0" perplexity -m tiny -d "./-a|touch I4.txt.gz" --context-lengths 32 --target-tokens 64 -o ./-packed >>screen 2>>err || { tail -1 err; exit 1; }' "$fotbench"
printf '{"id":"../../out","text":"%s"}\n' "$(head -c 400 "$root/LICENSE" | tr -c 'a-z' ' ')" >ids.jsonl
check injection_id_with_dots bash -c '"$0" samples -m tiny -d ./ids.jsonl --context-length 64 --memory dense -o dots >>screen 2>>err || { tail -1 err; exit 1; }' "$fotbench"
check injection_id_with_dots_stays_inside test ! -e ../out -a ! -e out
exits injection_data_name 2 "no dataset '\.\./" "$fotbench" data list "../$name"
exits injection_data_leading_dash 2 'unknown option' "$fotbench" data fetch --store st "-$name"
exits injection_set_of_no_name 5 'is no labelled set' "$fotbench" fewshot -m tiny -d "-${name//,/}" --context-lengths 64 -o refused
exits injection_set_bad_label 5 'set.csv:2: ' bash -c 'printf "text,label\na\0b,\"%s\"\n" "$1" >set.csv; "$0" fewshot -m tiny -d ./set.csv --context-lengths 64 -o refused' "$fotbench" "$quoted"
check injection_tasks_run_nothing bash -c '[ -z "$(find . .. -maxdepth 3 -name "I[1234]" 2>/dev/null)" ]'
check injection_latex_of_tasks bash -c '! grep -F "\\write18" tasks/summary.tex "$0/report.tex"' "report $name"
check injection_tasks_screen_is_plain bash -c '! LC_ALL=C grep -q "[^[:print:][:space:]]" screen err'
