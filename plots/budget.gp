# budget.gp: perplexity against the entries of the memory that a query attends to, a line per kind of memory, one panel
# per dataset and context length.
#
# Reads by column name: budget_data.csv (panel, series, keys_read, value, low, high) and budget_names.gp (what
# there is to draw).
# Draw again with: gnuplot budget.gp

name = "budget"
x_label = "entries of the memory read per query and head"
dodge_width = 0.5
data = name . "_data.csv"
load name . "_names.gp"
load "style.gp"

do for [format in formats] {
	@BEGIN_PAGE
	do for [p = 1 : n_datasets] {
		@PLACE_PANEL
		set ylabel (col == 0 ? "perplexity per token" : "") offset -0.6, 0
		plot for [i = 1 : n_series] data \
			using (column("keys_read") * dodge(i)) : (@MINE ? column("value") : NaN) : \
			      (@MINE ? column("low") : NaN) : (@MINE ? column("high") : NaN) \
			with yerrorbars linestyle 20 + i notitle, \
		     for [i = 1 : n_series] data \
			using (column("keys_read") * dodge(i)) : (@MINE ? column("value") : NaN) \
			with linespoints linestyle i notitle
	}
	@PLACE_KEY
	plot [0:1] [0:1] for [i = 1 : n_series] NaN with linespoints linestyle i title series[i]
	unset multiplot
	set output
}
