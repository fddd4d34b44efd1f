# style.gp: what the figures share. Lines differ in dash, mark and darkness, so
# that they can be told apart without colour.

set datafile separator comma
set datafile columnheaders
set datafile missing NaN
set encoding utf8

array dash[8] = [1, 2, 4, 5, 3, 6, 1, 2]
array mark[8] = [7, 5, 9, 4, 6, 8, 13, 11]
array colour[8] = ["#000000", "#0b5394", "#a61c00", "#38761d", "#741b47", "#7f6000", "#666666", "#3d85c6"]
do for [i = 1 : 8] {
	set style line i linecolor rgb colour[i] linewidth 1.6 dashtype dash[i] pointtype mark[i] pointsize 0.7
	set style line 10 + i linecolor rgb colour[i] linewidth 0.8 dashtype 1 pointtype mark[i] pointsize 0
}
set bars 0.5
set minussign
set style line 100 linecolor rgb "#999999" linewidth 0.8 dashtype 3

# Intervals of neighbouring series side by side instead of on top of each other.
dodge(i) = n_series > 1 ? 2.0 ** (0.24 * ((i - 1.0) / (n_series - 1.0) - 0.5)) : 1.0
# Is this row a point of panel p and series i? (As text: gnuplot looks for the
# columns of a plot in its own expressions only, not in functions.)
MINE = '(strcol("dataset") eq dataset[p] && strcol("series") eq series[i])'

# Panels in a grid, the legend below all of them.
columns = n_datasets > 1 ? 2 : 1
rows = (n_datasets + columns - 1) / columns
key_columns = columns > 1 ? 3 : 2
key_rows = (n_series + key_columns - 1) / key_columns
panel_height = 290
page_width = columns > 1 ? 860 : 560
page_height = rows * panel_height + 90 + 22 * key_rows
top = 1.0 - 38.0 / page_height
bottom = (62.0 + 22.0 * key_rows) / page_height
panel_bottom(row) = bottom + (top - bottom) * (rows - 1 - row) / rows + (row < rows - 1 ? 34.0 / page_height : 0)
panel_top(row) = bottom + (top - bottom) * (rows - row) / rows - 26.0 / page_height

BEGIN_PAGE = 'if (format eq "svg") { \
		set terminal svg size page_width, page_height dynamic font "Helvetica,Arial,sans-serif,13" background "white"; \
	} else { \
		set terminal pngcairo size 2 * page_width, 2 * page_height font "Sans,11" fontscale 1.7 linewidth 2 pointscale 2; \
	}; \
	set output name . "." . format; \
	set border 3 linewidth 0.8; \
	set tics nomirror out scale 0.6; \
	set grid ytics linecolor rgb "#dddddd" linewidth 0.6 dashtype 1; \
	set logscale x 2; \
	set xtics nomirror @x_tics; \
	set ytics nomirror autofreq; \
	set xrange [x_low / 1.25 : x_high * 1.25]; \
	set yrange [* : *]; \
	set offsets 0, 0, graph 0.06, graph 0.06; \
	unset key; \
	set multiplot title title offset 0, 0;'

PLACE_PANEL = 'col = (p - 1) % columns; \
	row = (p - 1) / columns; \
	set lmargin at screen (columns > 1 ? 0.09 + 0.5 * col : 0.13); \
	set rmargin at screen (columns > 1 ? 0.485 + 0.5 * col : 0.97); \
	set tmargin at screen panel_top(row); \
	set bmargin at screen panel_bottom(row); \
	set title dataset[p] offset 0, -0.6; \
	set xlabel (row == rows - 1 || p + columns > n_datasets ? "context length (tokens)" : "") offset 0, 0.3;'

# The legend is a plot of its own below the panels, without axes.
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
	set key inside center center horizontal maxcols key_columns samplen 4.5 width 1 Left reverse;'
