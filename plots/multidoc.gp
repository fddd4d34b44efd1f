# multidoc.gp: perplexity against the size of a memory that also holds other documents,
# one panel per dataset.
#
# Reads by column name: multidoc_data.csv (panel, series, context_length,
# value, low, high) and multidoc_names.gp (what there is to draw).
# Draw again with: gnuplot multidoc.gp

name = "multidoc"
data = name . "_data.csv"
load name . "_names.gp"
x_label = own_tokens > 0 ? sprintf("window + memory (tokens, %d own)", own_tokens) : "window + memory (tokens)"
load "style.gp"

do for [format in formats] {
	@BEGIN_PAGE
	do for [p = 1 : n_datasets] {
		@PLACE_PANEL
		set ylabel (col == 0 ? "perplexity per token" : "") offset -0.6, 0
		plot for [i = 1 : n_series] data \
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
