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
check injection_run bash -c '"$0" run spec.json -o run >screen 2>err' "$fotbench"
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
