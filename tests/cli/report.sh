#!/usr/bin/env bash
# report: side by side, bold, the paper's figures, escaping.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny seed=1 || exit 1
"$make_checkpoint" tiny2 seed=1 scale=3 only=lm_head || exit 1 # worse in every document
mkdir -p pg19 'a_b&c%'
for i in 1 2 3 4 5 6 7 8; do head -c $((800 * i + 3000)) "$root/LICENSE" | tail -c 2500 >"pg19/d$i.txt"; done
cp pg19/d1.txt pg19/d2.txt 'a_b&c%/'
run() { "$fotbench" perplexity --context-lengths 64,512 --target-tokens 512 -q -t 1 --no-timings "$@"; }
report() { "$fotbench" report "$@"; }

check report_run_one run -m tiny --variant fot -m tiny2 --variant fot-d1 -d ./pg19 --memory dense -o one
check report_run_two run -m tiny --variant 'x_y|z' -d './pg19,./a_b&c%' --memory none -o two
report one >one.md
check report_best_is_bold grep -qE '^\| fot \| dense \| \*\*[0-9.]+\*\* \[[0-9.]+, [0-9.]+\] \|' one.md
check report_others_are_not bash -c '! grep "^| fot-d1" one.md | grep -q "\*\*"'
check report_paper_beside_its_length grep -q '^| model | memory | 64 | 512 | paper |$' one.md
check report_paper_figure grep -qE '^\| fot-d1 .* \| 14.180 \|$' one.md
value() { grep ',perplexity,' one/summary.csv | grep ",$1,dense," | grep -E ',512,,,perplexity,' | head -n 1 | cut -d, -f12; }
agrees() { local v; v=$(printf %.4f "$(value fot)"); grep -q "^| fot |.*\*\*$v\*\*" one.md; }
check report_agrees_with_summary agrees
# A run with --limit says so wherever it is told of.
check report_run_limited run -m tiny -d ./pg19 --memory none -o few --limit 2
report few >few.md 2>few.err
check report_says_not_for_reporting bash -c 'grep -qF "**Not for reporting: few is limited to 2 documents per dataset or trials.**" few.md &&
	grep -q "few: limited to 2 documents per dataset or trials: not for reporting" few.err && ! grep -qi "not for reporting" one.md'
check report_says_not_for_reporting_in_latex bash -c '"$0" report few --format tex 2>/dev/null | grep -q "^% Not for reporting: few"' "$fotbench"
# At a terminal captions have its width; files and pipes have a paragraph in one line.
narrow() { COLUMNS=60 "$fotbench" report one >narrow.md 2>/dev/null && ! grep -vE '^[|#]' narrow.md | grep -qE '.{61}' &&
	[ "$(tr -s '\n ' ' ' <narrow.md)" = "$(tr -s '\n ' ' ' <one.md)" ]; }
check report_captions_fit_the_terminal narrow
caption() { for w in 'exp of sum' '8 documents' '4096 target tokens' '32 tokens of local window' 'one BOS' 'bootstrap' 'sign flips' Holm; do grep -q "$w" one.md || return 1; done; }
check report_caption_states_conventions caption
report one two >both.md
check report_runs_side_by_side grep -q '^| run | model | memory |' both.md
check report_markdown_escaped grep -qF '| two | x\_y\|z | none |' both.md
report two --format tex >two.tex
check report_latex_escaped grep -qF 'x\_y\textbar{}z & none' two.tex
check report_latex_dataset grep -qF '\caption{a\_b\&c\%:' two.tex
check report_latex_booktabs bash -c '[ "$(grep -c "toprule\|midrule\|bottomrule" two.tex)" -eq 10 ]'
check report_two_documents_are_never_bold bash -c '! grep -q textbf two.tex'
balanced() { [ "$(tr -cd '{' <two.tex | wc -c)" -eq "$(tr -cd '}' <two.tex | wc -c)" ]; }
check report_latex_braces_balanced balanced
# One table of all datasets, and what is told from the next.
"$make_checkpoint" tiny3 seed=1 scale=1.5 only=lm_head && cp -r tiny tiny4
check report_run_three run -m tiny --variant best -m tiny3 --variant second -m tiny2 --variant third -d ./pg19 --memory dense -o three
check report_run_four run -m tiny --variant one -m tiny4 --variant alike -m tiny2 --variant third -d ./pg19 --memory none -o four
compact() { sed -n '/label{tab:perplexity}/,/end{table}/p' "$1"; }
report three two --digits 6 --format tex >three.tex
report four --format tex >four.tex
compact three.tex >compact.tex
check report_compact_label grep -qF '\label{tab:perplexity}' three.tex
check report_labels_differ bash -c '[ "$(grep -o "label{[^}]*}" three.tex | sort | uniq -d | wc -l)" -eq 0 ] && grep -qF "label{tab:perplexity-a-b-c-}" three.tex'
check report_compact_datasets grep -qF ' &  &  & \multicolumn{2}{c}{pg19} & \multicolumn{2}{c}{a\_b\&c\%} \\' compact.tex
check report_compact_head grep -qF '\cmidrule(lr){4-5}\cmidrule(lr){6-7}' compact.tex
check report_compact_lengths grep -qF 'run & model & memory & 64 & 512 & 64 & 512 \\' compact.tex
check report_compact_gap grep -qE '^three & third & dense & [0-9.]+ & [0-9.]+ & -- & -- \\\\$' compact.tex
check report_compact_best grep -qE '^three & best & dense & [0-9.]+ & .*[0-9]+\.[0-9]{3}\}? & -- & --' compact.tex
square() { [ "$(grep -E '\\\\$' compact.tex | grep -v multicolumn | awk -F'&' '{ print NF }' | sort -u)" = 7 ]; }
check report_compact_is_square square
report three --format tex | compact /dev/stdin >compact.tex
check report_compact_bold grep -qE '^best & dense & \\textbf\{[0-9]+\.[0-9]{2}\} & \\textbf\{[0-9]+\.[0-9]{2}\} \\\\$' compact.tex
check report_compact_underlined grep -qE '^second & dense & \\underline\{[0-9.]+\} & \\underline\{[0-9.]+\} \\\\$' compact.tex
check report_compact_third_is_plain grep -qE '^third & dense & [0-9.]+ & [0-9.]+ \\\\$' compact.tex
check report_compact_none_where_alike bash -c '! sed -n "/label{tab:perplexity}/,/end{table}/p" four.tex | grep -q "textbf\|underline"'
prints report_digits '^\| best \| dense \| \*\*[0-9]+\.[0-9]\*\* \[[0-9]+\.[0-9], [0-9]+\.[0-9]\] ' "$fotbench" report three --digits 4
exits report_bad_digits 2 digits "$fotbench" report three --digits 10
ranks() { # the interval of the best against the second, in the CSV
	report three --format csv >three.csv && awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i }
		NR > 1 { n[$c["rank"]]++; if ($c["rank"] == 1 && !($c["next_ci_low"] < $c["next_delta"] && $c["next_delta"] < $c["next_ci_high"] && $c["next_ci_high"] < 0)) bad++
			if ($c["rank"] == 3 && $c["next_delta"] != "") bad++ }
		END { exit !(n[1] == 2 && n[2] == 2 && n[3] == 2 && !bad) }' three.csv
}
check report_ranks ranks
if command -v pdflatex >/dev/null; then
	{ printf '\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n'; cat three.tex; echo '\end{document}'; } >doc.tex
	check report_latex_needs_booktabs_alone bash -c 'pdflatex -interaction=nonstopmode -halt-on-error doc.tex >doc.out'
else
	echo "skip report_latex_needs_booktabs_alone: pdflatex is not installed"
fi
check report_files report one two -o tables
check report_file_has_a_title bash -c '[ "$(head -n 1 tables/report.md)" = "# Results of one, two" ]'
check report_csv_rows bash -c '[ "$(tail -n +2 tables/report.csv | wc -l)" -eq 8 ]'
check report_csv_equals_stdout bash -c '"$0" report one two --format csv | cmp - tables/report.csv' "$fotbench"
# Up to which length the context is made use of: of three lengths or more, beside the tables and on stdout.
check report_run_lengths "$fotbench" perplexity --context-lengths 64,128,512 --target-tokens 512 -q -t 1 --no-timings -m tiny -d ./pg19 --memory none,dense -o lengths
effective() {
	report lengths -o far && [ "$(wc -l <far/effective.csv)" = 2 ] && [ ! -e tables/effective.csv ] || return 1
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } NR == 2 { exit !($c["effective_low"] <= $c["effective_length"] &&
		$c["effective_length"] <= $c["effective_high"] && $c["longest_length"] == 512 && $c["n_lengths"] == 3 && $c["n_clusters"] == 8) }' far/effective.csv &&
		report lengths | sed -n '/^# Effective/,/^# Claims/p' | grep -E '^\| lengths \| tiny \| dense \| perplexity \| pg19 \| ' | cmp - <(grep '^| lengths' far/effective.md) &&
		grep -q 'lengths & tiny & dense & perplexity & pg19 & ' far/effective.tex
}
check report_effective_length effective
prints report_bits ' bits per byte' "$fotbench" report one --metric bits_per_byte
check report_run_writes_latex grep -q '\\toprule' one/summary.tex
exits report_no_run 5 'report: nowhere: expected a run' "$fotbench" report one nowhere
exits report_no_runs 5 'report: nowhere, pg19: expected a run' "$fotbench" report nowhere one pg19
mkdir empty && head -n 1 one/perplexity.csv >empty/perplexity.csv
mkdir begun && echo '{}' >begun/manifest.json
prints report_without_rows_goes_on '^\| one \| fot |^\| fot ' "$fotbench" report empty one begun
check report_without_rows_is_told bash -c 'grep -q "warning: empty: a run without rows" .err && grep -q "warning: begun: a run without rows" .err'
exits report_only_without_rows 5 'nothing to report' "$fotbench" report empty begun
exits report_bad_paper 5 'unknown column' "$fotbench" report one --paper one/summary.csv
exits report_full_disk 6 '' bash -c '"$@" >/dev/full' - "$fotbench" report one
