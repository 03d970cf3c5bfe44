/* report_html.h - report.html: one file that opens without network, in light and dark, on a desk and on a phone.
 *
 * Why one file: it is mailed, attached and archived. Pictures are inline SVG, styles are inline, nothing is fetched, and every text
 * that comes from a file is escaped. Not here: figures and words, which are made before. One thread. */
#ifndef HX_REPORT_HTML_H
#define HX_REPORT_HTML_H

#include "report/report_figures.h"
#include "report/report_headline.h"
#include "report/report_split.h"

struct hx_report_page {
    const struct hx_report_summary *summary;
    const struct hx_report_words *words;
    const struct hx_report_splits *splits;
    const struct hx_report_figures *figures;
};

/* Appends the whole page. */
void hx_report_html(const struct hx_report_page *page, struct hx_text *out);

/* Its parts, each a section. */
void hx_html_machine(const struct hx_report_run *run, struct hx_text *out);
void hx_html_headline(const struct hx_report_page *page, struct hx_text *out);
void hx_html_words(const struct hx_report_page *page, struct hx_text *out);
void hx_html_floor(const struct hx_report_page *page, struct hx_text *out);
void hx_html_figures(const struct hx_report_page *page, struct hx_text *out);
void hx_html_cells(const struct hx_report_page *page, struct hx_text *out);
void hx_html_method(const struct hx_report_run *run, struct hx_text *out);

/* The style sheet. */
extern const char hx_html_style[];

/* Appends an SVG file's markup as part of an HTML page: no prolog, no name space, ids made unlike those of other pictures. */
void hx_html_inline_svg(struct hx_text *out, const char *svg, const char *prefix);

#endif
