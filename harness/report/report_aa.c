/* report_aa.c - cells that ran twice as the same program: do they differ by more than the margin of tier ci?
 *
 * Why: the width of an interval says what a run's noise does within a cell; a pair of equal programs says whether the whole instrument
 * tells equal from unequal. A difference is shown only when the whole interval lies beyond d0 of tier ci (1 %, docs/GATE.md); with seven
 * pairs that happens to equal programs in less than one cell of a hundred. The reader gets one note, and the pairs that differ by name. */
#include <math.h>
#include <string.h>

#include "gate/hx_decide.h"
#include "report/report_summary.h"


/* The cell that `again` repeats, or -1. */
static long first_of(const struct hx_report_run *run, size_t again) {
    const struct hx_report_cell *mine = &run->cell[again];
    for (size_t i = 0; i < again; i++) {
        const struct hx_report_cell *cell = &run->cell[i];
        if (!cell->again && cell->threads == mine->threads && strcmp(cell->scenario, mine->scenario) == 0 &&
            strcmp(cell->backend, mine->backend) == 0 && strcmp(cell->arm, mine->arm) == 0 && strcmp(cell->pages, mine->pages) == 0 &&
            strcmp(cell->options, mine->options) == 0) {
            return (long)i;
        }
    }
    return -1;
}

/* A' against A, paired by round. False without a single pair. */
static bool ratio_of(const struct hx_report_summary *summary, size_t again, size_t first, struct hx_estimate *out) {
    static double a[HX_STATS_PAIRS_MAX], b[HX_STATS_PAIRS_MAX], scratch[HX_STATS_PAIRS_MAX + HX_STATS_WALSH_MAX];
    const struct hx_report_metric *mine = hx_report_find(summary, again, "time"), *other = hx_report_find(summary, first, "time");
    size_t count = mine != NULL && other != NULL ? hx_report_pair(mine, other, a, b) : 0;
    if (count == 0) {
        return false;
    }
    *out = hx_stats_paired_ratio(b, a, count, 0.95, scratch);
    return true;
}

void hx_report_aa(struct hx_report_summary *summary) {
    struct hx_report_run *run = summary->run;
    size_t pairs = 0, judged = 0, differ = 0;
    double furthest = 1, margin = hx_tier_find("ci")->d0;
    for (size_t i = 0; i < run->cell_count; i++) {
        long first = run->cell[i].again ? first_of(run, i) : -1;
        struct hx_estimate ratio;
        if (first < 0 || !ratio_of(summary, i, (size_t)first, &ratio)) {
            continue;
        }
        pairs++;
        furthest = fabs(log(ratio.value.value)) > fabs(log(furthest)) ? ratio.value.value : furthest;
        if (ratio.low.reason != NULL || ratio.high.reason != NULL) {
            continue;
        }
        judged++;
        if (ratio.low.value > 1 + margin || ratio.high.value < 1 / (1 + margin)) {
            differ++;
            hx_report_note(run, "A/A: %s, %s, %s against itself: %.3f [%.3f, %.3f]: a difference where there is none.",
                           run->cell[i].scenario, run->cell[i].pages, run->cell[first].label, ratio.value.value, ratio.low.value,
                           ratio.high.value);
        }
    }
    if (pairs != 0) {
        hx_report_note(run,
                       "A/A: %zu cells ran twice as the same program: %zu of %zu with an interval differ by more than %g %% (the margin of tier "
                       "ci); the furthest estimate is %.3f.",
                       pairs, differ, judged, 100 * margin, furthest);
    }
}
