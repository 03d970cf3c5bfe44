/* report_format.h - how a figure looks to a reader: units, digits, escapes.
 *
 * Why: the same value must read the same in the terminal, in Markdown, in HTML and in a plot's legend, and a text from a file
 * must never become markup. Pure: numbers and strings in, text out. Threads: any. */
#ifndef HX_REPORT_FORMAT_H
#define HX_REPORT_FORMAT_H

#include "base/hx_base.h"
#include "base/hx_text.h"

/* Room for every function below; results are cut, never overrun. */
enum { HX_REPORT_SHOWN_BYTES = 48 };

/* 3.21, 32.1, 321, 3,210: three digits that matter, thousands apart. For ns/op, counts per op and ratios. */
void hx_report_show_number(char *out, double value);

/* 12,345: whole, thousands apart; "12,345.5" keeps one place when the value is not whole (a median of an even number). */
void hx_report_show_count(char *out, double value);

/* 812 ns, 3.4 us, 12.0 ms, 1.20 s. ASCII ("us"), so that any terminal shows it. */
void hx_report_show_duration(char *out, double value_ns);

/* 512 B, 34.5 KiB, 1.20 MiB. Negative differences keep their sign. */
void hx_report_show_bytes(char *out, double value_bytes);

/* By the unit of samples.tsv: ns, bytes, count, ns/op, ratio, anything else as a number. */
void hx_report_show_unit(char *out, double value, const char *unit);

/* "2.50x faster", "1.35x slower", "same" for a ratio of times below, above or at 1. */
void hx_report_show_ratio(char *out, double ratio);

/* "4 KiB pages", "huge pages", or the word itself. */
const char *hx_report_pages_name(const char *pages);

/* Appends with & < > " ' escaped: safe as HTML text and inside quoted attributes. NULL appends nothing. */
void hx_report_escape_html(struct hx_text *text, const char *string);

/* Appends with | and line breaks made harmless for a Markdown table cell, and HTML escaped. */
void hx_report_escape_markdown(struct hx_text *text, const char *string);

/* Appends a single-quoted gnuplot string. */
void hx_report_quote_gnuplot(struct hx_text *text, const char *string);

/* Columns a terminal needs for it: counts UTF-8 characters, not bytes. */
size_t hx_report_columns(const char *string);

#endif
