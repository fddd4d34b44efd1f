#!/usr/bin/env bash
# `fotbench report`: claims of the paper with verdicts, on stdout and as files; the committed claims.
. "$(dirname "$0")/common.bash"
make_experiment
"$fotbench" run spec.json -o one --no-timings -q 2>/dev/null

cat >claims.json <<-EOS
	{ "claims": [
	  { "id": "same", "claim": "top-k 8 is dense within 50 %", "source": "tab:x", "task": "perplexity", "metric": "perplexity",
	    "a": { "memory": "knn:8", "variant": "vanilla", "context_length": [64, "256"] }, "b": { "memory": "dense" },
	    "expect": "equal", "margin": 0.4, "where": "made up", "paper": { "*": [1.5, 1.25] } },
	  { "id": "worse", "claim": "and 50 % above it", "source": "tab:x", "task": "perplexity", "metric": "perplexity",
	    "a": { "memory": "knn:8", "variant": "vanilla", "context_length": 256 }, "b": { "memory": "dense" },
	    "expect": "above", "margin": 0.4 },
	  { "id": "elsewhere", "claim": "nothing here is about this", "source": "tab:y", "task": "perplexity", "metric": "perplexity",
	    "a": { "variant": "memorizing" }, "b": { "variant": "fot" }, "expect": "below" } ] }
EOS
prints claims_listed '^\| top-k 8 is dense within 50 % \| tab:x \| 2 \| 0 \| 0 \|$' "$fotbench" report one --claims claims.json
prints claims_not_reproduced '^\| and 50 % above it \| tab:x \| 0 \| 1 \| 0 \|$' "$fotbench" report one --claims claims.json
prints claims_paper_beside_ours '^\| docs \| vanilla, knn:8, 64 \| vanilla, dense, 64 \| .*\| 1.5 / 1.25 \| reproduced \|$' \
	"$fotbench" report one --claims claims.json
unaddressed() { ! "$fotbench" report one --claims claims.json | grep -q 'nothing here'; }
check claims_only_those_addressed unaddressed
prints claims_latex '^docs & .raggedright vanilla, knn:8, 64 & ' "$fotbench" report one --claims claims.json --format tex
csv_alone() { "$fotbench" report one --claims claims.json --format csv | head -n 1 | grep -q '^run,run_id,dataset'; }
check claims_csv_on_stdout_is_the_table csv_alone
prints claims_files 'out/claims.csv' "$fotbench" report one --claims claims.json -o out
files() {
	head -n 1 out/claims.csv | grep -q '^claim_id,claim,source,run,run_id,' && [ "$(wc -l <out/claims.csv)" -eq 4 ] &&
		grep -q 'Claims of the paper' out/claims.md && grep -q 'section\*{Claims' out/claims.tex && ! grep -qiE '(^|,)-?(nan|inf)' out/claims.csv
}
check claims_files_hold_all files
again() { "$fotbench" report one --claims claims.json -o out2 >/dev/null && diff -r out out2; }
check claims_same_bits_again again
prints claims_verdict_and_p_explained 'The verdict is by the 95 % interval .* alone: .* The p beside it .* does not enter' "$fotbench" report one --claims claims.json
titled() { [ "$(head -n 1 out/claims.md)" = "# Claims of the paper" ] && grep -q '^| dataset | A | B | .* | A against B, p | paper A / B | verdict by interval |$' out/claims.md; }
check claims_file_has_a_title titled
cat >gain.json <<-EOS
	{ "claims": [
	  { "id": "gain", "claim": "gains", "source": "tab:x", "task": "perplexity", "metric": "perplexity",
	    "a": { "memory": "knn:8", "variant": "fot", "context_length": 256 }, "b": { "variant": "vanilla", "mem_dtype": ["f32", "bf16"] },
	    "gain_from": { "context_length": 64 }, "expect": "below" } ] }
EOS
prints claims_ratio_says_of_what "^Expected: A below B; A and B are ratios, of the perplexity in the line to the same condition's at context length 64\\.$" \
	"$fotbench" report one --claims gain.json
"$fotbench" report one --claims gain.json -o gains >/dev/null
check claims_ratio_in_csv grep -q ',context length 64$' gains/claims.csv
for bad in top-8 knn:0 Dense dense:8; do
	sed "s/\"knn:8\"/\"$bad\"/" gain.json >bad.json
	exits "claims_memory_unknown_$bad" 2 "claims\[0\]: a: memory: expected none, dense, knn, knn:K, xl, recent:B, sinks:S,recent:B, random:K, moba:B,K, quest:B,K, ivf:K,probe=P.*, infllm:B,K,R, shared:K, knorm:B, keydiff:B, snapkv:B, tova:B, got \"$bad\"" "$fotbench" report one --claims bad.json
done
sed 's/"memory": "knn:8"/"memory_mode": "knn:8"/' gain.json >bad.json
exits claims_memory_mode_unknown 2 'a: memory_mode: expected the word of a kind, such as none, dense or knn, got "knn:8"' "$fotbench" report one --claims bad.json
sed -i 's/, "paper"/, "papr"/' claims.json
exits claims_bad_file 2 'claims.json: claims\[0\].*papr.*paper' "$fotbench" report one --claims claims.json
exits claims_missing_file 2 'gone.json' "$fotbench" report one --claims gone.json

# What the repository states, on its own reference run.
reference=$root/results/reference/quick
if [ -e "$reference/perplexity.csv" ]; then
	prints claims_of_the_reference_run "^\\| FoT's perplexity is lower with a long memory than with none \\| tab:fft1 \\|" \
		"$fotbench" report "$reference"
	prints claims_reference_paper_figures '\| code \| fot, dense, 32k \| fot, dense, 512 \| .*\| 5.32 / 6.72 \|' "$fotbench" report "$reference"
else
	echo "skip claims_of_the_reference_run: results/reference/quick is not there"
fi
# The specs of the paper and the recipes of their models can be read; only models or data may be missing.
specs() {
	local spec rc
	for spec in "$root"/harness/specs/{paper,panel}*.json; do
		(cd "$root" && "$fotbench" validate "$spec") >/dev/null 2>err
		rc=$?
		[ $rc -eq 0 ] || { [ $rc -eq 5 ] && grep -qE ': no such model|is not installed' err; } ||
			{ cat err; return 1; }
	done
}
check claims_specs_of_the_paper specs
# Each memory that the panel's claims speak of is in its specs.
panel() {
	local claims=$root/results/panel/claims.json memory n=0
	"$fotbench" report one --claims "$claims" >/dev/null || return 1
	while read -r memory; do
		grep -qF "\"$memory\"" "$root"/harness/specs/panel*.json || { echo "$memory"; return 1; }
		n=$((n + 1))
	done < <(grep -o '"[a-z]*:[0-9][0-9a-z,:]*"' "$claims" | tr -d '"' | sort -u)
	[ $n -ge 20 ]
}
check claims_of_the_panel_are_about_its_memories panel
recipes() {
	local recipe
	for recipe in "$root"/model/train/recipes/ft-*.json; do
		(cd "$root" && "$fotbench" train "$recipe" -o "$work/none" --dry-run) >/dev/null 2>err ||
			grep -q "is not installed" err || { cat err; return 1; }
	done
}
check claims_recipes_of_their_models recipes

if command -v pdflatex >/dev/null; then
	"$fotbench" report "$reference" -o pdf >/dev/null
	{ printf '\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{booktabs}\n\\begin{document}\n'
	  cat pdf/claims.tex; echo '\end{document}'; } >doc.tex
	check claims_latex_compiles bash -c 'pdflatex -interaction=nonstopmode -halt-on-error doc.tex >doc.out'
	check claims_latex_fits bash -c '! grep -q "^Overfull" doc.out'
else
	echo "skip claims_latex_compiles: pdflatex is not installed"
fi
