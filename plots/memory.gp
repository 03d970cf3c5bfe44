# Resident memory over the work, on a logarithmic axis: a distance is a factor. Per panel: one block of live bytes, then one of RSS
# a series. Columns: operations, bytes. Live bytes of 0 lie on the lower edge.
load ARG1.'.conf.gp'
load 'style.gp'
table = ARG1.'.tsv'
row_px = 300
foot_px = 64
height = rows * row_px + foot_px
block(p, s) = (p - 1) * (series + 1) + s
do for [kind in 'svg png'] {
  eval open_output(ARG1, kind, row_px, foot_px)
  set multiplot
  do for [p = 1:panels] {
    set lmargin at screen panel_left(p, 0)
    set rmargin at screen panel_right(p)
    set tmargin at screen panel_top(p, row_px, height)
    set bmargin at screen panel_bottom(p, row_px, height)
    set title panel_title[p] offset 0,-0.3
    set border 3 lc rgb quiet
    set grid xtics ytics lt 1 lc rgb pale lw 1
    set xrange [0:panel_last[p]]
    set logscale y
    set yrange [panel_low[p]:panel_high[p]]
    set xtics nomirror auto
    eval sprintf('set ytics nomirror (%s)', panel_tics[p])
    set xlabel panel_ops[p] offset 0,0.3
    set ylabel 'resident memory' offset 0.5,0
    plot table index block(p, 0) using ($1 / panel_unit[p]):($2 > panel_low[p] ? $2 : panel_low[p]) with filledcurves y1=panel_low[p] fc rgb area, \
         for [s = 1:series] '' index block(p, s) using ($1 / panel_unit[p]):2 with linespoints lt series_style[s] pointinterval 25 + 3 * s
  }
  unset title; unset xlabel; unset ylabel; unset border; unset tics; unset grid; unset logscale
  set lmargin at screen 0; set rmargin at screen 1; set bmargin at screen 0; set tmargin at screen foot_px / (1.0 * height)
  set xrange [0:1]; set yrange [0:1]
  set key at screen 0.5,10.0 / height center bottom horizontal Left reverse samplen 2.5 width 1
  plot NaN notitle, for [s = 1:series] keyentry with linespoints lt series_style[s] title series_name[s], \
       keyentry with boxes fs solid noborder lc rgb area title 'live bytes'
  unset multiplot
  set output
  unset key
  set tics nomirror out scale 0.6 textcolor rgb 'black'
}
