/* report_summary.h - medians, intervals and comparisons of one run.
 *
 * Why: one place turns rows into figures; terminal, Markdown, HTML, plots and summary.json only show them. A figure is the median
 * over processes with its exact order-statistic interval; a comparison pairs the processes of one round (equal rep), because
 * rounds are interleaved and share whatever the machine was doing. Statistics: measure/hx_stats.h.
 * Ownership: memory lives as long as the program. One thread. Not here: words (report_words), files (report_json, report_table). */
#ifndef HX_REPORT_SUMMARY_H
#define HX_REPORT_SUMMARY_H

#include "base/hx_text.h"
#include "measure/hx_stats.h"
#include "report/report_run.h"

/* One figure of one cell. */
struct hx_report_metric {
    size_t cell;
    char *name; /* key in summary.json: METRIC, METRIC.PHASE unless the phase is all, then @PASS where two passes made it */
    const char *metric;
    const char *phase;
    const char *unit;
    enum hx_pass pass;
    double *value; /* one a process that had a value, in the order of rep */
    unsigned *rep;
    size_t value_count;
    struct hx_estimate estimate; /* none when value_count is 0 */
    const char *word;            /* a word that all processes agree on (checksum); NULL otherwise */
    bool words_differ;
    const char *reason; /* why the value is null or, with a value, why its interval is; NULL when both are there */
};

enum hx_report_verdict { HX_REPORT_FASTER, HX_REPORT_SLOWER, HX_REPORT_NO_DIFFERENCE, HX_REPORT_UNDECIDED };

/* a against b, both of one scenario, page mode and thread count: ratio below 1 means that a needs less. */
struct hx_report_comparison {
    const char *metric;
    size_t a;
    size_t b; /* cells */
    struct hx_estimate ratio;
    enum hx_report_verdict verdict; /* UNDECIDED without an interval; ratio.low.reason says why */
};

struct hx_report_summary {
    struct hx_report_run *run;
    struct hx_report_metric *metric; /* sorted by cell, then by name's parts */
    size_t metric_count;
    size_t *first; /* of cell i: metric[first[i]] .. metric[first[i + 1]] */
    struct hx_report_comparison *comparison;
    size_t comparison_count;
    struct hx_report_spread *spread; /* against another run; NULL where there is none (report_spread.h) */
};

/* Everything from the rows; notes about unequal checksums go to the run's notes. */
void hx_report_summarise(struct hx_report_summary *summary, struct hx_report_run *run);

/* Part of hx_report_summarise: each cell against malloc and mimalloc (arm each, no options). */
void hx_report_compare(struct hx_report_summary *summary);

/* Part of hx_report_summarise: what the A/A pairs of the run show, as notes. */
void hx_report_aa(struct hx_report_summary *summary);

/* The figure of a cell, or NULL: phase "all" before any other. */
const struct hx_report_metric *hx_report_find(const struct hx_report_summary *summary, size_t cell, const char *metric);
const struct hx_report_metric *hx_report_find_phase(const struct hx_report_summary *summary, size_t cell, const char *metric,
                                                    const char *phase);

/* Values above 0 of the same rep, in two parallel arrays of HX_STATS_PAIRS_MAX; returns how many. */
size_t hx_report_pair(const struct hx_report_metric *a, const struct hx_report_metric *b, double *out_a, double *out_b);

/* True with the value when the metric is there and has one. */
bool hx_report_value(const struct hx_report_metric *metric, double *value);

/* The comparison of cell a with the backend b ("malloc", "mimalloc"), or NULL. */
const struct hx_report_comparison *hx_report_against(const struct hx_report_summary *summary, size_t a, const char *b,
                                                     const char *metric);

/* The cell that cell a is compared with for backend b; -1 when the run has none. */
long hx_report_reference(const struct hx_report_run *run, size_t a, const char *b);

/* True for libua's arenas: what the report is about. */
bool hx_report_is_arena(const struct hx_report_cell *cell);
/* No option but an open loop's rate, which is the same in all cells of its scenario. */
bool hx_report_is_plain(const struct hx_report_cell *cell);
/* malloc each, plain: what others are compared with. */
bool hx_report_is_malloc(const struct hx_report_cell *cell);

const char *hx_report_verdict_name(enum hx_report_verdict verdict);

/* Writes summary.json's text. */
void hx_report_json(const struct hx_report_summary *summary, struct hx_text *out);

#endif
