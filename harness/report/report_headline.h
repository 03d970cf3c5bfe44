/* report_headline.h - the headline figures of a cell, as texts with footnotes, for every form the report takes.
 *
 * Why: terminal, Markdown and HTML must agree to the last digit on what a missing figure looks like: "-" with the number of a
 * footnote that gives the reason, never 0. One thread, memory as in report_run.h. */
#ifndef HX_REPORT_HEADLINE_H
#define HX_REPORT_HEADLINE_H

#include "report/report_format.h"
#include "report/report_split.h"
#include "report/report_words.h"

enum hx_report_column {
    HX_HEAD_BEST,     /* ns/op: median of the best block of each process */
    HX_HEAD_INTERVAL, /* its 95 % interval */
    HX_HEAD_TYPICAL,  /* ns/op: all time over all operations */
    HX_HEAD_VERSUS,   /* against malloc each */
    HX_HEAD_P99,      /* latency_request_p99 */
    HX_HEAD_RSS,      /* rss_peak_bytes over the whole life */
    HX_HEAD_FAULTS,   /* faults_minor of a time process */
    HX_HEAD_COUNT
};

/* Reasons in the order in which they were first needed; [1] is reason[0]. */
struct hx_report_footnotes {
    const char **reason;
    size_t count;
};

struct hx_report_headline {
    char text[HX_HEAD_COUNT][HX_REPORT_SHOWN_BYTES]; /* "-" when missing */
    size_t footnote[HX_HEAD_COUNT];                  /* 0: none */
};

/* Column heads with units. */
extern const char *const hx_report_column_name[HX_HEAD_COUNT];

void hx_report_headline(const struct hx_report_summary *summary, size_t cell, struct hx_report_footnotes *notes,
                        struct hx_report_headline *out);

/* The texts of the whole report for a terminal (100 columns), and summary.md. */
void hx_report_table(const struct hx_report_summary *summary, const struct hx_report_words *words, const struct hx_report_splits *splits,
                     struct hx_text *out);
void hx_report_markdown(const struct hx_report_summary *summary, const struct hx_report_words *words,
                        const struct hx_report_splits *splits, struct hx_text *out);

#endif
