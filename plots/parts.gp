# Parts of a whole: a bar a part with its interval, a row of panels a scenario, a column a question with its own scale. Draws the price
# of safety and the split of the gain. Columns of the table: row part style value low high best end shown.
load ARG1.'.conf.gp'
load 'style.gp'
table = ARG1.'.tsv'
panel_wide = 490
width = columns * panel_wide + 20
label_px = label_columns * 7 + 20
left_px = label_px
right_px = 20
row_px = 24 * bars_most + top_px + bottom_px
foot_px = 46
height = rows * row_px + foot_px
# At most five tics, at 1, 2 or 5 times a power of ten.
ten(x) = 10 ** floor(log10(x))
tic(x) = (x / ten(x) <= 1 ? 1 : x / ten(x) <= 2 ? 2 : x / ten(x) <= 5 ? 5 : 10) * ten(x)
set style fill solid 0.75 noborder
do for [kind in 'svg png'] {
  eval open_output(ARG1, kind, row_px, foot_px)
  set multiplot
  do for [p = 1:panels] {
    set lmargin at screen panel_left(p, 0)
    set rmargin at screen panel_right(p)
    set tmargin at screen panel_top(p, row_px, height)
    set bmargin at screen panel_bottom(p, row_px, height)
    set title panel_title[p] offset 0,-0.3
    span = panel_most[p] - panel_least[p]
    set xrange [panel_least[p] - (panel_least[p] < 0 ? 0.06 * span : 0) : panel_most[p] + 0.36 * span]
    set yrange [bars_most - 0.4:-0.6]
    unset grid
    set grid xtics lt 1 lc rgb pale lw 1
    set border 1
    set ytics nomirror scale 0
    set xtics nomirror tic(span * 1.36 / 5)
    set format x (span > 5e4 ? '%.0s %c' : '%g') # 200 k, 1 M
    set xlabel panel_axis[p] offset 0,0.3
    set arrow 1 from 0,(bars_most - 0.4) to 0,-0.6 nohead lc rgb quiet lw 1
    plot table index p - 1 using 4:1:(0):4:($1 - 0.33):($1 + 0.33):3:ytic(2) with boxxyerror lc variable, \
         '' index p - 1 using 4:1:5:6 with xerrorbars lc rgb 'black' lw 1.3 pt 0, \
         '' index p - 1 using 7:1 with points pt 12 ps 0.65 lw 1.3 lc rgb 'black', \
         '' index p - 1 using 8:1:9 with labels left offset 1.2,0
  }
  unset arrow 1
  unset title; unset xlabel; unset border; unset tics; unset grid
  set lmargin at screen 0; set rmargin at screen 1; set bmargin at screen 0; set tmargin at screen foot_px / (1.0 * height)
  set xrange [0:1]; set yrange [0:1]
  set key at screen 0.5,(foot_px * 0.3) / height center bottom horizontal Left reverse samplen 2 width 2
  if (has_best) {
    plot NaN notitle, keyentry with boxes lc rgb '#7F7F7F' title 'median over processes', \
         keyentry with xerrorbars lc rgb 'black' lw 1.3 pt 0 title '95 % interval', \
         keyentry with points pt 12 ps 0.65 lw 1.3 lc rgb 'black' title 'best block'
  } else {
    plot NaN notitle, keyentry with boxes lc rgb '#7F7F7F' title 'difference of medians', \
         keyentry with xerrorbars lc rgb 'black' lw 1.3 pt 0 title '95 % interval'
  }
  unset multiplot
  set output
  unset key
  set tics nomirror out scale 0.6 textcolor rgb 'black'
}
