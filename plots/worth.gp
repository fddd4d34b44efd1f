# worth.gp: what the memory is worth as training goes on: nll without memory
# minus nll with it, on the same held-out tokens; one line per dataset.
#
# Reads by column name: worth_data.csv (series, tokens, worth_nats) and
# worth_names.gp (what there is to draw).
# Draw again with: gnuplot worth.gp

name = "worth"
data = name . "_data.csv"
load name . "_names.gp"
load "style.gp"
page_width = 620
page_height = 380

do for [format in formats] {
	@SET_TERMINAL
	set border 3 linewidth 0.8
	set tics nomirror out scale 0.6
	set grid ytics linecolor rgb "#dddddd" linewidth 0.6 dashtype 1
	set xrange [0 : *]
	set offsets graph 0.02, graph 0.02, graph 0.06, graph 0.06
	set xlabel "tokens trained (millions)"
	set ylabel sprintf("worth of %d tokens of memory (nats per token)", memory_tokens)
	set key outside right center Left reverse samplen 4
	plot 0 with lines linestyle 100 notitle, \
	     for [i = 1 : n_series] data \
		using (column("tokens") / 1e6) : (column("series") == i ? column("worth_nats") : NaN) \
		with linespoints linestyle i title series[i]
	set output
}
