# loss.gp: change of perplexity against reading all of the memory, over the entries that a query attends to, a line per kind of
# memory; at the longest context of the run, over all its texts.
#
# Reads by column name: loss_data.csv (panel, series, keys_read, value, low, high) and loss_names.gp (what there
# is to draw).
# Draw again with: gnuplot loss.gp

name = "loss"
x_label = "entries of the memory read per query and head"
dodge_width = 0.18
data = name . "_data.csv"
load name . "_names.gp"
load "style.gp"

# One panel is wide here; its names stand at the lines' ends too.
page_width = 860
panel_height = 440
key_columns = longest > 10 ? 4 : 8
key_rows = (n_series + key_columns - 1) / key_columns
page_height = rows * panel_height + 90 + 22 * key_rows
top = 1.0 - (title eq "" ? 12.0 : 38.0) / page_height
bottom = (26.0 + 22.0 * key_rows) / page_height

array end_x[n_series]
do for [i = 1 : n_series] {
	p = 1
	stats data using (@MINE ? column("keys_read") : NaN) nooutput
	end_x[i] = STATS_max
}

do for [format in formats] {
	@BEGIN_PAGE
	set xrange [x_low / 1.5 : x_high * 1.6]
	do for [p = 1 : n_datasets] {
		@PLACE_PANEL
		set ylabel (col == 0 ? "change of perplexity (%)" : "") offset -0.6, 0
		plot 0 with lines linestyle 100 notitle, \
		     for [i = 1 : n_series] data \
			using (column("keys_read") * dodge(i)) : (@MINE ? column("value") : NaN) : \
			      (@MINE ? column("low") : NaN) : (@MINE ? column("high") : NaN) \
			with yerrorbars linestyle 20 + i notitle, \
		     for [i = 1 : n_series] data \
			using (column("keys_read") * dodge(i)) : (@MINE ? column("value") : NaN) \
			with linespoints linestyle i notitle, \
		     for [i = 1 : n_series] data \
			using (column("keys_read") * dodge(i)) : (@MINE && column("keys_read") == end_x[i] ? column("value") : NaN) : \
			      (series[i]) \
			with labels left offset 0.8, (i % 2 ? 0.4 : -0.5) textcolor linestyle i notitle
	}
	@PLACE_KEY
	set key width 1 samplen 2.5
	plot [0:1] [0:1] for [i = 1 : n_series] NaN with linespoints linestyle i title series[i]
	unset multiplot
	set output
}
