# style.gp: what the figures share.  Colour and mark tell the model's variant, the dash its
# memory, an open mark that it has none; each can be told apart without colour.

set encoding utf8

# Names of panels and series come from outside and may hold anything: they are read as data and shown
# as they are (noenhanced), and no command is ever made of them.
array dataset[n_datasets]
array series[n_series]
set datafile separator "\t"
set datafile commentschars ""
stats name . "_names.tsv" using (strcol(1) eq "panel" ? (dataset[int(column(2))] = strcol(3)) : \
	(series[int(column(2))] = strcol(3)), 0) nooutput

set datafile separator comma
set datafile columnheaders
set datafile missing NaN

# local, vanilla, fot, fot-d1, memorizing, transformer-xl; then six for any other variant; bag of words.
array look_colour[13] = [0x000000, 0x0b5394, 0xa61c00, 0x38761d, 0x741b47, 0xb45f06, \
	0x666666, 0x3d85c6, 0xe06666, 0x6aa84f, 0x8e7cc3, 0xbf9000, \
	0x999999]
array look_mark[13] = [7, 5, 9, 13, 11, 15, 5, 9, 13, 11, 15, 7, 3]
array look_size[13] = [0.7, 0.7, 0.8, 0.9, 0.8, 0.8, 0.7, 0.8, 0.9, 0.8, 0.8, 0.7, 0.6]
# No memory, dense, cached window, knn: the fewest keys first.
set dashtype 11 (2, 3)
set dashtype 12 (10, 4)
set dashtype 13 (10, 4, 2, 4)
set dashtype 14 (1, 0)
set dashtype 15 (18, 4)
set dashtype 16 (10, 3, 2, 3, 2, 3)
set dashtype 17 (5, 3)
do for [i = 1 : n_series] {
	set style line i linecolor rgb look_colour[look[i]] linewidth 1.6 dashtype 10 + dash[i] \
		pointtype look_mark[look[i]] - (dash[i] == 1) pointsize look_size[look[i]]
	set style line 20 + i linecolor rgb look_colour[look[i]] linewidth 0.8 dashtype 1 pointsize 0
}
# Where series are kinds of memory: a colour for each family (what chooses entries by their scores, what looks for these in an
# index, blocks, the last ones, what is kept for good, chance) and a mark of its own in it; other models than the first dashed.
KINDS = "knn shared ivf hnsw int8 quest moba infllm recent sinks snapkv tova keydiff knorm random dense xl"
array kind_colour[17] = [0x0b5394, 0x0b5394, 0x00a0b0, 0x00a0b0, 0x00a0b0, 0xd1600a, 0xd1600a, 0xd1600a, 0x2e8b2e, 0x2e8b2e, \
	0x8e3a9d, 0x8e3a9d, 0x8e3a9d, 0x8e3a9d, 0x777777, 0x000000, 0x000000]
array kind_mark[17] = [7, 6, 9, 5, 13, 5, 7, 9, 7, 6, 5, 7, 9, 11, 2, 7, 5]
if (exists("kind")) {
	do for [i = 1 : n_series] {
		do for [k = 1 : words(KINDS)] {
			if (word(KINDS, k) eq kind[i]) {
				set style line i linecolor rgb kind_colour[k] linewidth 1.6 \
					dashtype 14 + (model[i] - 1) % 3 pointtype kind_mark[k] pointsize 0.9
				set style line 20 + i linecolor rgb kind_colour[k] linewidth 0.8 dashtype 1 pointsize 0
			}
		}
	}
}
set style line 100 linecolor rgb "#999999" linewidth 0.8 dashtype 3
set bars 0.5
set minussign

# Intervals of neighbouring series side by side instead of on top of each other.
step = n_lengths > 1 ? log(x_high / x_low) / log(2.0) / (n_lengths - 1.0) : 1.0
if (!exists("dodge_width")) dodge_width = 0.26
dodge(i) = n_series > 1 ? 2.0 ** (dodge_width * step * ((i - 1.0) / (n_series - 1.0) - 0.5)) : 1.0
# Is this row a point of panel p and series i? (As text: gnuplot looks for the
# columns of a plot in its own expressions only, not in functions.)
MINE = '(column("panel") == p && column("series") == i)'

if (!exists("x_label")) x_label = "context length (tokens)"

# Panels in a grid, the legend below all of them.
columns = n_datasets > 1 ? 2 : 1
rows = (n_datasets + columns - 1) / columns
longest = 0
do for [i = 1 : n_series] { longest = strlen(series[i]) > longest ? strlen(series[i]) : longest }
key_columns = (columns > 1 ? 3 : 2) - (longest > 28)
if (!exists("key_more")) key_more = 0 # what a figure puts there besides its series
key_rows = (n_series + key_more + key_columns - 1) / key_columns
panel_height = 290
page_width = columns > 1 ? 860 : 560
page_height = rows * panel_height + 90 + 22 * key_rows
if (!exists("title")) title = ""
top = 1.0 - (title eq "" ? 12.0 : 38.0) / page_height
bottom = (26.0 + 22.0 * key_rows) / page_height
panel_bottom(row) = bottom + (top - bottom) * (rows - 1.0 - row) / rows + 40.0 / page_height
panel_top(row) = bottom + (top - bottom) * (rows - 0.0 - row) / rows - 22.0 / page_height

# One inch of a pdf is 96 points of the other formats; its text has the size of theirs.
SET_TERMINAL = 'if (format eq "svg") { \
		set terminal svg noenhanced size page_width, page_height dynamic font "Helvetica,Arial,sans-serif,13" background "white"; \
	} else { if (format eq "pdf") { \
		set terminal pdfcairo noenhanced size page_width / 96.0, page_height / 96.0 font "Sans,9" fontscale 0.78 linewidth 1.4 pointscale 0.8; \
	} else { \
		set terminal pngcairo noenhanced size 2 * page_width, 2 * page_height font "Sans,11" fontscale 1.7 linewidth 2 pointscale 2; \
	} }; \
	set output name . "." . format;'

BEGIN_PAGE = '@SET_TERMINAL; \
	set border 3 linewidth 0.8; \
	set tics nomirror out scale 0.6; \
	set grid ytics linecolor rgb "#dddddd" linewidth 0.6 dashtype 1; \
	set logscale x 2; \
	set xtics nomirror @x_tics; \
	set ytics nomirror autofreq; \
	set xrange [x_low / 2.0 ** (0.3 * step) : x_high * 2.0 ** (0.3 * step)]; \
	set yrange [* : *]; \
	set offsets 0, 0, graph 0.06, graph 0.06; \
	unset key; \
	set multiplot title title offset 0, 0;'

PLACE_PANEL = 'col = (p - 1) % columns; \
	row = (p - 1) / columns; \
	set lmargin at screen (columns > 1 ? 0.1 + 0.5 * col : 0.15); \
	set rmargin at screen (columns > 1 ? 0.485 + 0.5 * col : 0.97); \
	set tmargin at screen panel_top(row); \
	set bmargin at screen panel_bottom(row); \
	set title dataset[p] offset 0, -0.6; \
	set xlabel (row == rows - 1 || p + columns > n_datasets ? x_label : "") offset 0, 0.3;'

# The legend is a plot of its own below the panels, without axes.  width: gnuplot takes names for wider than
# they are, and would put them into fewer columns, which overflow.
PLACE_KEY = 'set lmargin at screen 0.02; \
	set rmargin at screen 0.98; \
	set tmargin at screen 22.0 * (key_rows + 1) / page_height; \
	set bmargin at screen 4.0 / page_height; \
	unset border; \
	unset tics; \
	unset grid; \
	unset title; \
	unset xlabel; \
	unset ylabel; \
	unset logscale; \
	set offsets 0, 0, 0, 0; \
	set key inside center center horizontal maxcols key_columns samplen 4.5 width -3 Left reverse;'
