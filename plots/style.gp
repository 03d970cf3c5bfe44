# Common style of every figure: colours, markers, panels, legend. Loaded by each script (GNUPLOT_LIB names this folder).
#
# Colours are Okabe and Ito's, which colour-blind readers can tell apart; each has a marker of its own, so that no line is
# known by colour alone. Dash types break up on dense curves and are not used. Names are shown as they are: no markup.
set encoding utf8
set datafile separator "\t"
set datafile missing "NaN"

set linetype 1 lc rgb '#D55E00' lw 2 pt 5 ps 0.7
set linetype 2 lc rgb '#E69F00' lw 2 pt 9 ps 0.85
set linetype 3 lc rgb '#0072B2' lw 2 pt 7 ps 0.8
set linetype 4 lc rgb '#56B4E9' lw 2 pt 13 ps 0.9
set linetype 5 lc rgb '#009E73' lw 2 pt 11 ps 0.85
set linetype 6 lc rgb '#000000' lw 2 pt 2 ps 0.7
set linetype 7 lc rgb '#CC79A7' lw 2 pt 4 ps 0.8
set linetype 8 lc rgb '#7F7F7F' lw 2 pt 6 ps 0.8
quiet = '#555555'    # axes and secondary text
pale = '#E4E4E4'     # grid
area = '#D9D9D9'     # filled areas

# Pixels. A picture is a grid of panels, a row a scenario, a column a page mode, over one legend.
panel_wide = columns == 1 ? 1000 : 584
width = columns * panel_wide + 20
left_px = 108
right_px = 24
top_px = 44
bottom_px = 58
panels = rows * columns

# Builds the terminal and output commands of one format; row_px is the height of a row of panels, foot_px that of the legend.
open_output(name, kind, row_px, foot_px) = kind eq 'svg' ? \
  sprintf("set terminal svg size %d,%d dynamic noenhanced font 'DejaVu Sans,13' name '%s'; set output '%s.svg.part'", \
          width, rows * row_px + foot_px, name, name) : \
  sprintf("set terminal pngcairo size %d,%d pointscale 1.3 noenhanced font 'DejaVu Sans,10' background rgb 'white'; set output '%s.png.part'", \
          width, rows * row_px + foot_px, name)

# Margins of panel p (from 1) on the screen.
row_of(p) = (p - 1) / columns
column_of(p) = (p - 1) % columns
panel_left(p, more) = (column_of(p) * panel_wide + left_px + more) / (1.0 * width)
panel_right(p) = ((column_of(p) + 1) * panel_wide - right_px + 10) / (1.0 * width)
panel_top(p, row_px, height) = 1 - (row_of(p) * row_px + top_px) / (1.0 * height)
panel_bottom(p, row_px, height) = 1 - ((row_of(p) + 1) * row_px - bottom_px) / (1.0 * height)

set border 3 lc rgb quiet
set tics nomirror out scale 0.6 textcolor rgb 'black'
unset key
