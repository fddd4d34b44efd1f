# distraction.gp: attention mass on the own document among d in sight; dotted: 1/d, what
# attention gives that does not tell documents apart.
#
# Reads by column name: distraction_data.csv (panel, series, n_contexts, value,
# low, high) and
# distraction_names.gp (what there is to draw).
# Draw again with: gnuplot distraction.gp

name = "distraction"
data = name . "_data.csv"
load name . "_names.gp"
x_label = "d, documents in sight"
key_more = 1
dodge_width = 0.1 # little: what is to be seen is the distance from a line that falls
load "style.gp"

do for [format in formats] {
	@BEGIN_PAGE
	set logscale y 2
	set yrange [0.8 / x_high : 1.1]
	set offsets 0, 0, 0, 0
	set ytics nomirror ("1" 1, "1/2" 0.5, "1/4" 0.25, "1/8" 0.125, "1/16" 0.0625, "1/32" 0.03125, "1/64" 0.015625, "1/128" 0.0078125)
	do for [p = 1 : n_datasets] {
		@PLACE_PANEL
		set ylabel (col == 0 ? "mass on the own document" : "") offset -0.6, 0
		plot 1 / x with lines linecolor rgb "#777777" linewidth 1.2 dashtype (3, 4) notitle, \
		     for [i = 1 : n_series] data \
			using (column("n_contexts") * dodge(i)) : (@MINE ? column("value") : NaN) : \
			      (@MINE ? column("low") : NaN) : (@MINE ? column("high") : NaN) \
			with yerrorbars linestyle 20 + i notitle, \
		     for [i = 1 : n_series] data \
			using (column("n_contexts") * dodge(i)) : (@MINE ? column("value") : NaN) \
			with linespoints linestyle i notitle
	}
	@PLACE_KEY
	plot [0:1] [0:1] for [i = 1 : n_series] NaN with linespoints linestyle i title series[i], \
		NaN with lines linecolor rgb "#777777" linewidth 1.2 dashtype (3, 4) title "1/d"
	unset multiplot
	set output
}
