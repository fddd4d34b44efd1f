# perplexity.gp: perplexity against context length, one panel per dataset.
#
# Reads by column name: perplexity_data.csv (dataset, series, context_length,
# value, low, high) and perplexity_names.gp (what there is to draw).
# Draw again with: gnuplot perplexity.gp

name = "perplexity"
data = name . "_data.csv"
load name . "_names.gp"
load "style.gp"

do for [format in "svg png"] {
	@BEGIN_PAGE
	do for [p = 1 : n_datasets] {
		@PLACE_PANEL
		set ylabel (col == 0 ? "perplexity per token" : "") offset 0.5, 0
		plot for [i = 1 : n_series] data \
			using (column("context_length") * dodge(i)) : (@MINE ? column("value") : NaN) : \
			      (@MINE ? column("low") : NaN) : (@MINE ? column("high") : NaN) \
			with yerrorbars linestyle 10 + look[i] notitle, \
		     for [i = 1 : n_series] data \
			using (column("context_length") * dodge(i)) : (@MINE ? column("value") : NaN) \
			with linespoints linestyle look[i] notitle
	}
	@PLACE_KEY
	plot [0:1] [0:1] for [i = 1 : n_series] NaN with linespoints linestyle look[i] title series[i]
	unset multiplot
	set output
}
