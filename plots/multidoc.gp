# multidoc.gp: perplexity against the size of a memory that also holds other documents,
# one panel per dataset.
#
# Reads by column name: multidoc_data.csv (dataset, series, context_length,
# value, low, high) and multidoc_names.gp (what there is to draw).
# Draw again with: gnuplot multidoc.gp

name = "multidoc"
data = name . "_data.csv"
load name . "_names.gp"
x_label = own > 0 ? sprintf("window + memory (tokens, %d own)", own) : "window + memory (tokens)"
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
