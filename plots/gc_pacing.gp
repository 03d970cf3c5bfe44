# The collector over time: heap live between its goal and what the program really needs. Per panel four blocks of the table, columns
# ms and MiB: the program's live bytes, heap live, goal, trigger. Goal and trigger hold until the next collection changes them.
load ARG1.'.conf.gp'
load 'style.gp'
table = ARG1.'.tsv'
row_px = 300
foot_px = 64
height = rows * row_px + foot_px
block(p, s) = (p - 1) * 4 + s
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
    set yrange [0:panel_high[p]]
    set xtics nomirror auto
    set ytics nomirror auto
    set xlabel 'ms since the first block' offset 0,0.3
    set ylabel 'MiB' offset 0.5,0
    plot table index block(p, 0) using 1:2 with filledcurves y1=0 fc rgb area, \
         '' index block(p, 2) using 1:2 with steps lt 1, \
         '' index block(p, 3) using 1:2 with steps lt 2, \
         '' index block(p, 1) using 1:2 with linespoints lt 3 ps 0.4
  }
  unset title; unset xlabel; unset ylabel; unset border; unset tics; unset grid
  set lmargin at screen 0; set rmargin at screen 1; set bmargin at screen 0; set tmargin at screen foot_px / (1.0 * height)
  set xrange [0:1]; set yrange [0:1]
  set key at screen 0.5,10.0 / height center bottom horizontal Left reverse samplen 2.5 width 1
  plot NaN notitle, keyentry with lines lt 1 title 'goal', keyentry with lines lt 2 title 'trigger', \
       keyentry with linespoints lt 3 title 'heap live, as the collector counts', \
       keyentry with boxes fs solid noborder lc rgb area title 'live bytes of the program'
  unset multiplot
  set output
  unset key
  set tics nomirror out scale 0.6 textcolor rgb 'black'
}
