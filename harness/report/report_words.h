/* report_words.h - the plain sentences: what arenas buy, where malloc wins, what these repetitions cannot tell.
 *
 * Why: a reader must not have to divide columns. Sentences come from the verdicts of summary.json and from nothing else, the bad
 * news with the same care as the good. Not here: layout (report_table, report_html). One thread, memory as in report_run.h. */
#ifndef HX_REPORT_WORDS_H
#define HX_REPORT_WORDS_H

#include "report/report_summary.h"

struct hx_report_lines {
    char **line;
    size_t count;
};

/* One scenario and page mode: its best arena (least ns/op) against malloc and mimalloc, each text ready to show, "-" when there is
 * nothing to compare with. */
struct hx_report_gain {
    size_t cell;             /* the arena's */
    char versus_malloc[64];  /* "3.12x faster" */
    char malloc_range[64];   /* "2.91-3.35", or the verdict in words, or why there is none */
    char versus_mimalloc[64];
    char mimalloc_range[64];
    char memory[64]; /* peak RSS: "26.6 MiB (malloc 10.1 MiB)" */
};

struct hx_report_words {
    struct hx_report_gain *gain;
    size_t gain_count;
    struct hx_report_lines malloc_faster;    /* arenas that are slower than malloc each */
    struct hx_report_lines mimalloc_faster;  /* arenas that are slower than mimalloc each */
    struct hx_report_lines malloc_smaller;   /* arenas whose peak RSS is at least a tenth and 1 MiB above malloc's */
    struct hx_report_lines cannot_tell;      /* arenas whose interval holds 1 */
};

void hx_report_say(const struct hx_report_summary *summary, struct hx_report_words *words);

/* "faster 2.31x", "slower 1.40x", "same", or "-": the short form for a column. `sure` tells whether the interval excludes 1. */
void hx_report_versus(const struct hx_report_comparison *comparison, char *out, bool *sure);

/* Who clears memory in a scenario, in a few words; "" when the run does not say. */
const char *hx_report_zeroing(const struct hx_report_run *run, const char *scenario);

/* Groups of cells that are shown together: one scenario, page mode. Fills `member` (room for all cells) in the order of
 * the tables (mallocs, arenas, others, the floor) and returns how many. */
size_t hx_report_group(const struct hx_report_run *run, const char *scenario, const char *pages, size_t *member);

/* Different words in order of first appearance. `get` picks the word of a cell. */
size_t hx_report_distinct(const struct hx_report_run *run, const char *(*get)(const struct hx_report_cell *), const char **word);
const char *hx_report_scenario_of(const struct hx_report_cell *cell);

/* The scenarios that tables and pictures show, those of most page modes first: workloads before machinery, which has huge pages alone. The
 * harness's own floor has a line of its own, so it is among them only when the run has nothing else. */
extern const char hx_report_floor_scenario[];
size_t hx_report_scenarios(const struct hx_report_run *run, const char **word);
const char *hx_report_pages_of(const struct hx_report_cell *cell);
/* In which page modes a scenario was measured: bit p for pages[p], of at most 32. */
unsigned hx_report_modes_of(const struct hx_report_run *run, const char *scenario, const char *const *pages, size_t count);

#endif
