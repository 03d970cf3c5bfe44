/* report_split.h - where the gain comes from and what safety costs: differences between cells that differ in one choice.
 *
 * Why: "3x faster than malloc" mixes not freeing, a bump pointer, warm memory and given-up safety. Arms and options were measured so that
 * each has a figure of its own:
 *
 *   credit   malloc each - keep = the price of freeing; malloc keep - arena reuse = bump and locality; both add up to each - reuse.
 *            fresh - keep and fresh - reuse = the price of new pages, one figure a side.
 *   price    kept -> + quarantine -> + protect -> + release -> + whole-chunk prezero, as record/hx_plan_steps.h lists them.
 *   floor    what an operation costs when nothing is done in it: backend bump, scenario empty.
 *
 * A difference is that of the cells' medians, so that parts add up exactly; its interval is the order-statistic interval of the
 * differences within one round, widened where it does not hold the value. Only cells of one thread.
 * Ownership: memory lives as long as the program. One thread. Not here: layout. */
#ifndef HX_REPORT_SPLIT_H
#define HX_REPORT_SPLIT_H

#include "record/hx_plan_steps.h"
#include "report/report_summary.h"

enum hx_credit_part {
    HX_CREDIT_FREEING,     /* malloc each - keep */
    HX_CREDIT_BUMP,        /* malloc keep - arena reuse */
    HX_CREDIT_BOTH,        /* malloc each - arena reuse */
    HX_CREDIT_NEW_MALLOC,  /* malloc fresh - keep */
    HX_CREDIT_NEW_ARENA,   /* arena fresh - reuse */
    HX_CREDIT_PARTS,
};
extern const char *const hx_credit_what[HX_CREDIT_PARTS];

/* One scenario, page mode, malloc and arena. An estimate without a value has the reason in value.reason. */
struct hx_report_credit {
    const char *scenario, *pages;
    const char *malloc_name, *arena; /* "malloc", "arena-kept" */
    struct hx_estimate part[HX_CREDIT_PARTS];
};

/* One scenario and page mode. */
struct hx_report_price {
    const char *scenario, *pages;
    long cell[HX_PRICE_STEPS];                   /* -1: not in this run */
    struct hx_estimate added[HX_PRICE_STEPS];    /* typical ns/op over the step before; [0] and what lacks one: none */
};

struct hx_report_splits {
    struct hx_report_credit *credit;
    size_t credit_count;
    struct hx_report_price *price;
    size_t price_count;
    long empty; /* cell of the floor; -1: not in this run */
};

/* Credits where the run has an arm keep, prices where it has two steps or more. */
void hx_report_split(const struct hx_report_summary *summary, struct hx_report_splits *splits);

/* "each − keep" and the like as figures: median(a) - median(b) of a metric in ns/op. A cell of -1 gives none. */
struct hx_estimate hx_report_difference(const struct hx_report_summary *summary, long a, long b, const char *metric);

/* The measured cell, one thread, of these words; -1 when the run has none. */
long hx_report_cell_of(const struct hx_report_run *run, const char *scenario, const char *pages, const char *backend, const char *arm,
                       const char *options);

/* "+3.21 [2.91, 3.35]", "-0.12" or "-"; room for HX_REPORT_DIFFERENCE_BYTES. */
enum { HX_REPORT_DIFFERENCE_BYTES = 160 };
void hx_report_show_difference(char *out, const struct hx_estimate *estimate);

/* Sections of summary.md, and of report.html; nothing when the run has nothing for them. */
void hx_markdown_splits(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_text *out);
void hx_html_splits(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_text *out);

/* "The harness itself: 0.42 ns/op …", or nothing; one line without its end. */
void hx_report_floor_line(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_text *out);

#endif
