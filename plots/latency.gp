# Latency percentiles of one call: x = 1 / (1 - p), so that every decade is one more nine. Per panel and series two blocks of the
# table: the measured distribution, then the named percentiles.
load ARG1.'.conf.gp'
load 'style.gp'
table = ARG1.'.tsv'
row_px = 320
foot_px = 64
height = rows * row_px + foot_px
block(p, s, marker) = 2 * ((p - 1) * series + s - 1) + marker
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
    set logscale xy
    set xrange [1.7:rarest * 1.4]
    set yrange [panel_low[p]:panel_high[p]]
    set xtics nomirror ('50 %%' 2, '90 %%' 10, '99 %%' 100, '99.9 %%' 1000, '99.99 %%' 10000)
    eval sprintf('set ytics nomirror (%s)', panel_tics[p])
    set xlabel 'share of calls that are faster' offset 0,0.3
    set ylabel 'latency of one '.call offset 0.5,0
    unset object 1
    if (band_ns > panel_low[p]) {
      set object 1 rectangle from graph 0, first panel_low[p] to graph 1, first band_ns fc rgb area fs solid noborder behind
    }
    plot for [s = 1:series] table index block(p, s, 0) using 1:2 with lines lt series_style[s], \
         for [s = 1:series] '' index block(p, s, 1) using 1:2 with points lt series_style[s]
  }
  unset title; unset xlabel; unset ylabel; unset border; unset tics; unset grid; unset object 1; unset logscale
  set lmargin at screen 0; set rmargin at screen 1; set bmargin at screen 0; set tmargin at screen foot_px / (1.0 * height)
  set xrange [0:1]; set yrange [0:1]
  set key at screen 0.5,10.0 / height center bottom horizontal Left reverse samplen 2.5 width 1
  if (band_ns > 0) {
    plot NaN notitle, for [s = 1:series] keyentry with linespoints lt series_style[s] title series_name[s], \
         keyentry with boxes fs solid noborder lc rgb area title sprintf('under the clock (%.0f ns)', band_ns)
  } else {
    plot NaN notitle, for [s = 1:series] keyentry with linespoints lt series_style[s] title series_name[s]
  }
  unset multiplot
  set output
  unset key
  set tics nomirror out scale 0.6 textcolor rgb 'black'
}
