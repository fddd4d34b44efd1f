# style.gp: what the figures share. Lines differ in dash, mark and darkness, so
# that they can be told apart without colour.

set datafile separator comma
set datafile columnheaders
set datafile missing NaN
set encoding utf8

set style line 1 linecolor rgb "#000000" linewidth 1.6 dashtype 1                 pointtype 7  pointsize 0.7
set style line 2 linecolor rgb "#0b5394" linewidth 1.6 dashtype (10, 4)           pointtype 5  pointsize 0.7
set style line 3 linecolor rgb "#a61c00" linewidth 1.6 dashtype (10, 4, 2, 4)     pointtype 9  pointsize 0.8
set style line 4 linecolor rgb "#38761d" linewidth 1.6 dashtype (2, 3)            pointtype 4  pointsize 0.7
set style line 5 linecolor rgb "#741b47" linewidth 1.6 dashtype (18, 4)           pointtype 6  pointsize 0.7
set style line 6 linecolor rgb "#b45f06" linewidth 1.6 dashtype (10, 3, 2, 3, 2, 3) pointtype 8 pointsize 0.8
set style line 7 linecolor rgb "#666666" linewidth 1.6 dashtype (5, 3)            pointtype 13 pointsize 0.9
set style line 8 linecolor rgb "#3d85c6" linewidth 1.6 dashtype (2, 6)            pointtype 11 pointsize 0.8
array colour[8] = ["#000000", "#0b5394", "#a61c00", "#38761d", "#741b47", "#b45f06", "#666666", "#3d85c6"]
do for [i = 1 : 8] {
	set style line 10 + i linecolor rgb colour[i] linewidth 0.8 dashtype 1 pointsize 0
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
MINE = '(strcol("dataset") eq dataset[p] && strcol("series") eq series[i])'

if (!exists("x_label")) x_label = "context length (tokens)"

# Panels in a grid, the legend below all of them.
columns = n_datasets > 1 ? 2 : 1
rows = (n_datasets + columns - 1) / columns
key_columns = columns > 1 ? 3 : 2
if (!exists("key_more")) key_more = 0 # what a figure puts there besides its series
key_rows = (n_series + key_more + key_columns - 1) / key_columns
panel_height = 290
page_width = columns > 1 ? 860 : 560
page_height = rows * panel_height + 90 + 22 * key_rows
top = 1.0 - 38.0 / page_height
bottom = (26.0 + 22.0 * key_rows) / page_height
panel_bottom(row) = bottom + (top - bottom) * (rows - 1.0 - row) / rows + 40.0 / page_height
panel_top(row) = bottom + (top - bottom) * (rows - 0.0 - row) / rows - 22.0 / page_height

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
	set xrange [x_low / 2.0 ** (0.3 * step) : x_high * 2.0 ** (0.3 * step)]; \
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
	set xlabel (row == rows - 1 || p + columns > n_datasets ? x_label : "") offset 0, 0.3;'

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
