# Time per operation: a bar a cell with its interval. Columns of the table: row cell style best low high typical end shown.
load ARG1.'.conf.gp'
load 'style.gp'
table = ARG1.'.tsv'
row_px = 24 * bars_most + top_px + bottom_px
foot_px = 46
height = rows * row_px + foot_px
set style fill solid 0.75 noborder
do for [kind in 'svg png'] {
  eval open_output(ARG1, kind, row_px, foot_px)
  set multiplot
  do for [p = 1:panels] {
    set lmargin at screen panel_left(p, label_columns * 8 + 16 - left_px)
    set rmargin at screen panel_right(p)
    set tmargin at screen panel_top(p, row_px, height)
    set bmargin at screen panel_bottom(p, row_px, height)
    set title panel_title[p] offset 0,-0.3
    set xrange [0:panel_most[p] * 1.36]
    set yrange [panel_bars[p] - 0.4:-0.6]
    unset grid
    set grid xtics lt 1 lc rgb pale lw 1
    set border 1
    set ytics nomirror scale 0
    set xtics nomirror auto
    set xlabel 'ns per operation' offset 0,0.3
    plot table index p - 1 using 4:1:(0):4:($1 - 0.33):($1 + 0.33):3:ytic(2) with boxxyerror lc variable, \
         '' index p - 1 using 4:1:5:6 with xerrorbars lc rgb 'black' lw 1.3 pt 0, \
         '' index p - 1 using 7:1 with points pt 12 ps 0.65 lw 1.3 lc rgb 'black', \
         '' index p - 1 using 8:1:9 with labels left offset 1.2,0
  }
  unset title; unset xlabel; unset border; unset tics; unset grid
  set lmargin at screen 0; set rmargin at screen 1; set bmargin at screen 0; set tmargin at screen foot_px / (1.0 * height)
  set xrange [0:1]; set yrange [0:1]
  set key at screen 0.5,(foot_px * 0.3) / height center bottom horizontal Left reverse samplen 2 width 2
  plot NaN notitle, keyentry with boxes lc rgb '#7F7F7F' title 'best, median over processes', \
       keyentry with xerrorbars lc rgb 'black' lw 1.3 pt 0 title '95 % interval', \
       keyentry with points pt 12 ps 0.65 lw 1.3 lc rgb 'black' title 'typical (in brackets)'
  unset multiplot
  set output
  unset key
  set tics nomirror out scale 0.6 textcolor rgb 'black'
}
