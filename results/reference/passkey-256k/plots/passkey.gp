# passkey.gp: pass-key accuracy by context length and depth of the key, one panel
# per condition: the darker the cell, the more trials were right; the number says how many
# of a hundred.
#
# Reads by column name: passkey_data.csv (panel, place and depth_place: cells counted from 1, value)
# and passkey_names.gp (what there is to draw).
# Draw again with: gnuplot passkey.gp

name = "passkey"
data = name . "_data.csv"
load name . "_names.gp"
load "style.gp"

key_rows = 0
columns = n_datasets > 1 ? (n_datasets > 4 ? 3 : 2) : 1
rows = (n_datasets + columns - 1) / columns
cell_width = n_lengths > 6 ? 44 : 60
panel_width = cell_width * n_lengths + 100
if (panel_width < 360) panel_width = 360 # the titles need it
page_width = columns * panel_width + 20
if (page_width < 560) page_width = 560
page_height = rows * (24 * n_depths + 90) + 70
top = 1.0 - (title eq "" ? 20.0 : 46.0) / page_height
bottom = 16.0 / page_height
HERE = '(column("panel") == p)'

set palette defined (0 "#ffffff", 100 "#2b2b2b")
set cbrange [0 : 100]
unset colorbox

do for [format in formats] {
	@BEGIN_PAGE
	unset grid
	unset logscale x
	set border 15 linewidth 0.8
	set offsets 0, 0, 0, 0
	set xrange [0.5 : n_lengths + 0.5]
	set yrange [n_depths + 0.5 : 0.5]
	set xtics scale 0 @x_tics
	set ytics scale 0 @y_tics
	do for [p = 1 : n_datasets] {
		@PLACE_PANEL
		set lmargin at screen (col * panel_width + 70.0) / page_width
		set rmargin at screen (col * panel_width + panel_width - 14.0) / page_width
		set ylabel (col == 0 ? "place of the key" : "") offset 0.5, 0
		plot data using (@HERE ? column("place") : NaN) : (column("depth_place")) : (0.5) : (0.5) : (column("value")) \
			with boxxyerror fillstyle solid border linecolor "#888888" fillcolor palette notitle, \
		     data using (@HERE ? column("place") : NaN) : (column("depth_place")) : (sprintf("%.0f", column("value"))) : \
			(column("value") < 55 ? 0x000000 : 0xffffff) with labels textcolor rgb variable notitle
	}
	unset multiplot
	set output
}
