#!/usr/bin/env bash
# plot: figures of the tasks that ask questions, from summary.csv alone.
. "$(dirname "$0")/common.bash"
make_rows=$root/build/$variant/tests/make_rows

check plot_made "$make_rows" 'a run'
check plot_draws "$fotbench" plot 'a run'
for f in passkey lookup fewshot distraction; do
	check "plot_${f}_files" test -s "a run/plots/$f.png" -a -s "a run/plots/$f.svg" -a -s "a run/plots/$f.gp" -a -s "a run/plots/${f}_data.csv"
	check "plot_${f}_is_xml" bash -c 'head -c 5 "$0" | grep -q "<?xml"' "a run/plots/$f.svg"
	check "plot_${f}_again_by_hand" bash -c 'cd "a run/plots" && rm "$0.png" && gnuplot "$0.gp" 2>err.txt && [ -s "$0.png" ] && ! grep -vE "^peak|iconv failed to convert degree sign" err.txt' "$f"
done
check plot_passkey_numbers bash -c '[ "$(grep -c ">100<" "a run/plots/passkey.svg")" -eq "$(grep -c ",100,10," "a run/plots/passkey_data.csv")" ]'
check plot_passkey_cells grep -qE '^[0-9]+,8192,2,0.4,3,40,10,vanilla \(dense memory\),' 'a run/plots/passkey_data.csv'
check plot_lookup_min_max grep -qE '^1,[0-9]+,1024,83\.[0-9]+,75,91,value tokens,vanilla \(dense memory\)$' 'a run/plots/lookup_data.csv'
check plot_chance_line grep -q '^array chance\[2\] = \[16.6667, 16.6667\]' 'a run/plots/fewshot_names.gp'
check plot_no_other_figures bash -c '! ls "a run/plots" | grep -q perplexity'
"$make_rows" tiny tasks=p trials=1
check plot_one_trial "$fotbench" plot tiny
check plot_only_its_task bash -c '[ "$(ls tiny/plots/*.svg | wc -l)" -eq 1 ]'
mkdir old && awk -F, -v OFS=, 'NR == 1 { while ($NF != "memory") NF--; n = NF } { NF = n } 1' 'a run/summary.csv' >old/summary.csv
exits plot_old_summary 5 'old/summary.csv: line [0-9]+: comparison: .*--resume writes it again' "$fotbench" plot old
mkdir empty && head -n 1 tiny/summary.csv >empty/summary.csv
exits plot_nothing_measured 5 'empty/summary.csv: nothing to draw: the run has measured nothing' "$fotbench" plot empty
check plot_nothing_to_draw_leaves_nothing test ! -e empty/plots
exits plot_no_run 5 'nowhere: expected a run or a training run: no summary.csv and no valid.csv there' "$fotbench" plot nowhere
# a model of the zoo is found by its name, as everywhere
mkdir -p repo/datasets/manifests repo/model/zoo/mine && cp "$root/model/zoo/lm-fot/valid.csv" repo/model/zoo/mine/
check plot_finds_the_zoo bash -c 'cd repo && "$0" plot mine --scripts "$1/plots" && [ -s model/zoo/mine/plots/worth.svg ]' "$fotbench" "$root"

# formats and titles
check plot_formats "$fotbench" plot tiny --format pdf,svg --no-title
check plot_pdf bash -c 'head -c 5 tiny/plots/passkey.pdf | grep -q "%PDF-"'
check plot_no_title bash -c '! grep -q "Pass-key accuracy" tiny/plots/passkey.svg && grep -q "place of the key" tiny/plots/passkey.svg'
exits plot_unknown_format 2 'format: expected svg, png or pdf, with commas between, got "gif"' "$fotbench" plot tiny --format png,gif
exits plot_empty_format 2 'got ""' "$fotbench" plot tiny --format png,

# pictures replace what stands there, never what a link points to
echo kept >elsewhere
ln -sf ../../elsewhere tiny/plots/passkey.png
check plot_over_a_link "$fotbench" plot tiny
check plot_link_is_not_followed bash -c '[ "$(cat elsewhere)" = kept ] && [ ! -L tiny/plots/passkey.png ]'
