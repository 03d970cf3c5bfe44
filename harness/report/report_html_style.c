/* report_html_style.c - the style sheet of report.html: system fonts, two colour schemes, tables that scroll sideways on a phone.
 *
 * Pictures stay on a white card in the dark scheme too: their colours are chosen against white. */
#include "report/report_html.h"

const char hx_html_style[] =
    ":root{--paper:#ffffff;--ink:#1c1e21;--quiet:#5a6068;--line:#d9dde2;--soft:#f4f6f8;--good:#00664a;--bad:#a83d00;--link:#005a8f}\n"
    "@media (prefers-color-scheme:dark){:root{--paper:#16181b;--ink:#e7e9ec;--quiet:#a3abb5;--line:#363b42;--soft:#1f2226;"
    "--good:#4fd0a8;--bad:#ff9d66;--link:#7cc4f0}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:1240px;padding:20px 24px 60px;background:var(--paper);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
    "h1{font-size:1.6em;margin:.2em 0}h2{font-size:1.25em;margin:2em 0 .5em;padding-top:.6em;border-top:1px solid var(--line)}\n"
    "h3{font-size:1.05em;margin:1.4em 0 .4em}p,ul{margin:.5em 0;max-width:80ch}li{margin:.15em 0}a{color:var(--link)}\n"
    "nav a{margin-right:1.2em;white-space:nowrap}\n"
    ".quiet{color:var(--quiet)}.good{color:var(--good)}.bad{color:var(--bad)}\n"
    ".scroll{overflow-x:auto;margin:.6em 0;border:1px solid var(--line);border-radius:6px}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:4px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}\n"
    "tbody tr:last-child>*{border-bottom:0}th{font-weight:600}thead th,thead th:first-child{background:var(--soft)}\n"
    "th:first-child{position:sticky;left:0;background:var(--paper);box-shadow:inset 0 -1px 0 var(--line)}\n"
    "th:first-child,.text{text-align:left}td.text{white-space:normal;min-width:14ch}\n"
    "tbody th{font-weight:400}tr.group th,tr.group th:first-child{font-weight:600;background:var(--soft)}tr.best td,tr.best th{font-weight:600}\n"
    "td.none{color:var(--quiet);font-style:italic;white-space:normal}sup{line-height:0}\n"
    "ol.notes{color:var(--quiet);font-size:.9em;padding-left:2.2em}\n"
    "figure{margin:1em 0 2em}figcaption{color:var(--quiet);font-size:.92em;max-width:90ch;margin-top:.4em}\n"
    ".card{background:#ffffff;border:1px solid var(--line);border-radius:6px;overflow-x:auto}\n"
    ".card svg{display:block;min-width:860px;width:100%;height:auto}\n"
    "details{border:1px solid var(--line);border-radius:6px;margin:.4em 0;padding:0 12px}\n"
    "details[open]{padding-bottom:10px}summary{cursor:pointer;padding:6px 0}summary b{font-weight:600}\n"
    ".absent{border:1px dashed var(--line);border-radius:6px;padding:6px 12px 6px 28px;margin:.4em 0;max-width:none}\n"
    ".note{border-left:4px solid var(--bad);background:var(--soft);padding:6px 12px;margin:.6em 0}\n"
    "@media (max-width:600px){body{padding:12px 12px 40px;font-size:14px}th,td{padding:3px 7px}}\n"
    "@media print{details{break-inside:avoid}}\n";
