# lookup.gp: accuracy of the dictionary look-up against the length of the dictionary;
# bars from the lowest to the highest trial, dotted: chance.
#
# Reads by column name: lookup_data.csv (panel, series, context_length, value, low,
# high) and
# lookup_names.gp (what there is to draw).
# Draw again with: gnuplot lookup.gp

name = "lookup"
data = name . "_data.csv"
load name . "_names.gp"
x_label = "context length (tokens)"
load "style.gp"

do for [format in formats] {
	@BEGIN_PAGE
	set offsets 0, 0, 0, 0
	set yrange [-2 : 103]
	set ytics nomirror 0, 20, 100
	do for [p = 1 : n_datasets] {
		@PLACE_PANEL
		set ylabel (col == 0 ? "right (%)" : "") offset -0.6, 0
		plot (chance[p] >= 0 ? chance[p] : NaN) with lines linestyle 100 notitle, \
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
