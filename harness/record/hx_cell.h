/* hx_cell.h - what is measured: one cell = scenario x backend x arm x threads x pages x options.
 *
 * Why: plan, request, samples, gate and report name the same thing; its words and limits live here, so that a name that fits
 * one file fits all of them. A cell owns no memory and can be copied. */
#ifndef HX_CELL_H
#define HX_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HX_PROTOCOL_VERSION = 1, /* docs/PROTOCOL.md: raised when an old worker could misread a request */
    HX_NAME_BYTES = 64,      /* a word of samples.tsv with its terminator */
    HX_OPTIONS_BYTES = 256,  /* the options column with its terminator */
};

/* A process makes one pass, and a figure is taken only from the pass made for it. */
enum hx_pass {
    HX_PASS_TIME,
    HX_PASS_LATENCY,
    HX_PASS_COUNTERS,
    HX_PASS_MEMORY,
    HX_PASS_COUNTS, /* under callgrind, by the gate */
    HX_PASS_PLAN,   /* no clock: operations and checksums of one life cycle */
    HX_PASS_COUNT,
};

/* Page mode: `4k` turns transparent huge pages off in the worker, `huge` asks for them. */
enum hx_pages {
    HX_PAGES_4K,
    HX_PAGES_HUGE,
    HX_PAGES_COUNT,
};

/* The word of samples.tsv; never NULL. */
const char *hx_pass_name(enum hx_pass pass);
const char *hx_pages_name(enum hx_pages pages);

/* Word to value; false for any other word. */
bool hx_pass_from_name(const char *name, enum hx_pass *out);
bool hx_pages_from_name(const char *name, enum hx_pages *out);

struct hx_cell {
    unsigned index; /* in plan.cells; also the NNNN of raw/cNNNN.jsonl.zst */
    char scenario[HX_NAME_BYTES];
    char backend[HX_NAME_BYTES]; /* as in samples.tsv */
    char arm[HX_NAME_BYTES];
    char options[HX_OPTIONS_BYTES]; /* key=value sorted, comma-joined; "-" when none */
    unsigned threads;               /* >= 1 */
    enum hx_pages pages;

    /* Dials, equal for all backends and arms of one scenario and page mode. */
    double scale;
    uint64_t cycles_per_block; /* life cycles in a block */
    uint64_t blocks;           /* blocks in a process */
    uint64_t ops_per_block;    /* learnt from the plan pass; 0 = not learnt yet */

    bool again; /* A' of an A/A pair: the same words and dials as an earlier cell, pass time alone; side "head" in samples.tsv */
};

/* True when the six words and numbers that name the cell are equal; dials and index are not compared. */
bool hx_cell_same(const struct hx_cell *a, const struct hx_cell *b);

/* "json_dom/arena-safe/fresh/1/4k", with "/options" when there are any: how a cell is named in messages. */
enum { HX_CELL_TITLE_BYTES = 3 * HX_NAME_BYTES + HX_OPTIONS_BYTES + 32 };
void hx_cell_title(const struct hx_cell *cell, char out[HX_CELL_TITLE_BYTES]);

#endif
