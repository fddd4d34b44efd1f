# fewshot.gp: accuracy against the number of demonstrations, one panel per dataset;
# shots stand at even distances; dotted: chance, and always the commonest label. distractors.gp
# is the same against the number of demonstrations of other sets.
#
# Reads by column name: fewshot_data.csv (panel, series, n_shots, place, value,
# low, high) and
# fewshot_names.gp (what there is to draw).
# Draw again with: gnuplot fewshot.gp

if (!exists("name")) {
	name = "fewshot"
	x_label = "demonstrations"
}
data = name . "_data.csv"
load name . "_names.gp"
load "style.gp"

# Intervals side by side on a linear axis.
shift(i) = n_series > 1 ? 0.26 * ((i - 1.0) / (n_series - 1.0) - 0.5) : 0.0

SMALL = 'font ",10" textcolor rgb "#777777"'

do for [format in formats] {
	@BEGIN_PAGE
	unset logscale x
	set xrange [0.6 : n_lengths + 0.4]
	set offsets 0, 0, 0, 0
	set yrange [-2 : 103]
	set ytics nomirror 0, 20, 100
	do for [p = 1 : n_datasets] {
		@PLACE_PANEL
		unset label
		levels = (chance[p] >= 0 ? sprintf("chance %.0f", chance[p]) : "") . \
			 (majority[p] >= 0 ? sprintf(", the commonest label always %.0f", majority[p]) : "")
		if (strlen(levels) > 0) {
			set label "dotted: " . levels at graph 0.98, graph 0.95 right @SMALL
		}
		set ylabel (col == 0 ? "accuracy (%)" : "") offset -0.6, 0
		plot (chance[p] >= 0 ? chance[p] : NaN) with lines linestyle 100 notitle, \
		     (majority[p] >= 0 ? majority[p] : NaN) with lines linestyle 100 notitle, \
		     for [i = 1 : n_series] data \
			using (column("place") + shift(i)) : (@MINE ? column("value") : NaN) : \
			      (@MINE ? column("low") : NaN) : (@MINE ? column("high") : NaN) \
			with yerrorbars linestyle 20 + i notitle, \
		     for [i = 1 : n_series] data \
			using (column("place") + shift(i)) : (@MINE ? column("value") : NaN) \
			with linespoints linestyle i notitle
	}
	unset label
	@PLACE_KEY
	plot [0:1] [0:1] for [i = 1 : n_series] NaN with linespoints linestyle i title series[i]
	unset multiplot
	set output
}
