# change.gp: change of perplexity against the same model and memory at its
# shortest context, on the same tokens; one panel per dataset.
#
# Reads by column name: change_data.csv (panel, series, context_length, value,
# low, high) and change_names.gp (what there is to draw).
# Draw again with: gnuplot change.gp

name = "change"
data = name . "_data.csv"
load name . "_names.gp"
load "style.gp"

do for [format in formats] {
	@BEGIN_PAGE
	do for [p = 1 : n_datasets] {
		@PLACE_PANEL
		set ylabel (col == 0 ? "change of perplexity (%)" : "") offset -0.6, 0
		plot 0 with lines linestyle 100 notitle, \
		     for [i = 1 : n_series] data \
			using (column("context_length") * dodge(i)) : (@MINE ? column("value") : NaN) : \
			      (@MINE ? column("low") : NaN) : (@MINE ? column("high") : NaN) \
			with yerrorbars linestyle 20 + i notitle, \
		     for [i = 1 : n_series] data \
			using (column("context_length") * dodge(i)) : (@MINE ? column("value") : NaN) \
			with linespoints linestyle i notitle
	}
	@PLACE_KEY
	plot [0:1] [0:1] for [i = 1 : n_series] NaN with linespoints linestyle i title series[i]
	unset multiplot
	set output
}
