#!/usr/bin/env bash
# report on the tasks that ask questions: tables, bold, the paper's figures, LaTeX that compiles.
. "$(dirname "$0")/common.bash"
make_rows=$root/build/$variant/tests/make_rows
report() { "$fotbench" report "$@"; }

check measures_made "$make_rows" one
report one >one.md
check measures_wilson grep -qF '| fot | dense | 100.0 % [94.0, 100.0] (60/60) |' one.md
check measures_trial_range grep -qE '^\| vanilla \| dense \| 83\.4 % \[[0-9.]+, [0-9.]+\] \(75\.0 to 91\.0\) \|' one.md
check measures_seed_sd grep -qE '^\| fot \| dense \| 11\.7 % \[[0-9.]+, [0-9.]+\] \| 45\.0 % \[[0-9.]+, [0-9.]+\] \(sd 1\.7\) \|' one.md
check measures_mass grep -qE '^\| fot \| dense \| 5 \| \*\*0\.898\*\* \[' one.md
# top-128 against dense: significantly better from 4k on, equally good at 1k
check measures_best_is_bold grep -qE '^\| fot \| knn:128 \| 97\.5 % .*\| \*\*95\.0 %\*\* \[' one.md
check measures_never_plus_minus bash -c '! grep -qE "±|\\\\pm" one.md one/summary.md one/summary.tex'
caption() { for w in 'Wilson' 'McNemar' 'crossed bootstrap' 'sign flips over trials' '60 trials per cell' '1 in 50000' 'Chance: 16.7 %' '1/d'; do grep -qF -- "$w" one.md || return 1; done; }
check measures_captions_state_conventions caption
check measures_failed_are_counted bash -c '"$0" bad fail=7 && "$1" report bad | grep -q "others failed)"' "$make_rows" "$fotbench"
# The paper's figures: within 2.5 % of its length, only for its model.
"$make_rows" llama variant=LongLLaMA-3B tasks=p
sed -i 's/,131072,/,102400,/' llama/passkey.csv
check measures_paper_figure bash -c '"$0" report llama | grep -qE "^\| LongLLaMA-3B \| dense .* 94\.5 % \|$"' "$fotbench"
check measures_paper_source bash -c '"$0" report llama | grep -qF "arXiv 2307.03170 (fig:passkey\\_100k)"' "$fotbench"
# the paper fills 8k with demonstrations: beside the most of ours
check measures_paper_beside_most_shots grep -qE '^\| fot \| dense \| 11\.7 % .* \| 100\.0 % \[[0-9., ]+\] \(sd 0\.0\) \| 62\.5 % \|$' one.md
report one llama >both.md
check measures_runs_side_by_side grep -q '^| run | model | memory | 2k |' both.md
check measures_csv_rows bash -c '[ "$("$0" report one --format csv | tail -n +2 | cut -d, -f12 | sort | uniq -c | tr -s " \n" " ")" = " 70 accuracy 50 balanced_accuracy 24 positive_mass 25 token_accuracy 25 value_accuracy " ]' "$fotbench"
check measures_files report one -o tables
balanced() { [ "$(tr -cd '{' <tables/report.tex | wc -c)" -eq "$(tr -cd '}' <tables/report.tex | wc -c)" ]; }
check measures_latex_braces balanced
mkdir none && cp one/manifest.json none/
exits measures_no_tasks 5 'none' "$fotbench" report none

# LaTeX, where there is one: compiles, and no table is wider than the page.
if command -v pdflatex >/dev/null; then
	for t in tables/report one/summary; do
		printf '%s\n' '\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}' '\begin{document}' \
			"\\input{$t}" '\end{document}' >doc.tex
		check "measures_latex_compiles_${t%%/*}" bash -c 'pdflatex -interaction=nonstopmode -halt-on-error doc.tex >doc.out'
		check "measures_latex_fits_${t%%/*}" bash -c '! grep -q "^Overfull" doc.out'
	done
fi
