/* report_compare.c - each cell against malloc and mimalloc, paired by round. See report_summary.h.
 *
 * Why pairs: the two processes of one round ran close in time, so whatever slowed the machine slowed both; their ratio keeps what
 * differs. Compared is within one scenario, page mode and thread count only: page faults of another page mode can cost more than
 * everything else, and would be credited to the allocator. */
#include <stdlib.h>
#include <string.h>

#include "report/report_summary.h"

static const char *const reference_backend[] = {"malloc", "mimalloc"};

bool hx_report_is_arena(const struct hx_report_cell *cell) {
    return strncmp(cell->backend, "arena-", 6) == 0;
}

bool hx_report_is_plain(const struct hx_report_cell *cell) {
    return strcmp(cell->options, "-") == 0 || (strncmp(cell->options, "rate=", 5) == 0 && strchr(cell->options, ',') == NULL);
}

bool hx_report_is_malloc(const struct hx_report_cell *cell) {
    return strcmp(cell->backend, "malloc") == 0 && strcmp(cell->arm, "each") == 0 && hx_report_is_plain(cell);
}

const char *hx_report_verdict_name(enum hx_report_verdict verdict) {
    static const char *const name[] = {"faster", "slower", "no_difference", "undecided"};
    return name[verdict];
}

long hx_report_reference(const struct hx_report_run *run, size_t a, const char *b) {
    const struct hx_report_cell *mine = &run->cell[a];
    for (size_t i = 0; i < run->cell_count; i++) {
        const struct hx_report_cell *cell = &run->cell[i];
        if (i != a && strcmp(cell->backend, b) == 0 && strcmp(cell->arm, "each") == 0 && hx_report_is_plain(cell) &&
            cell->threads == mine->threads && strcmp(cell->scenario, mine->scenario) == 0 &&
            strcmp(cell->pages, mine->pages) == 0 && strcmp(cell->side, mine->side) == 0) {
            return (long)i;
        }
    }
    return -1;
}

size_t hx_report_pair(const struct hx_report_metric *a, const struct hx_report_metric *b, double *out_a, double *out_b) {
    size_t count = 0, i = 0, k = 0;
    while (i < a->value_count && k < b->value_count && count < HX_STATS_PAIRS_MAX) {
        if (a->rep[i] < b->rep[k]) {
            i++;
        } else if (a->rep[i] > b->rep[k]) {
            k++;
        } else {
            if (a->value[i] > 0 && b->value[k] > 0) {
                out_a[count] = a->value[i];
                out_b[count++] = b->value[k];
            }
            i++;
            k++;
        }
    }
    return count;
}

static enum hx_report_verdict judge(const struct hx_estimate *ratio) {
    if (ratio->low.reason != NULL || ratio->high.reason != NULL) {
        return HX_REPORT_UNDECIDED;
    }
    if (ratio->high.value < 1) {
        return HX_REPORT_FASTER;
    }
    return ratio->low.value > 1 ? HX_REPORT_SLOWER : HX_REPORT_NO_DIFFERENCE;
}

static void compare_metric(struct hx_report_summary *summary, size_t a, size_t b, const char *metric) {
    const struct hx_report_metric *mine = hx_report_find(summary, a, metric), *other = hx_report_find(summary, b, metric);
    if (mine == NULL || other == NULL) {
        return;
    }
    static double a_value[HX_STATS_PAIRS_MAX], b_value[HX_STATS_PAIRS_MAX], scratch[HX_STATS_PAIRS_MAX + HX_STATS_WALSH_MAX];
    size_t count = hx_report_pair(mine, other, a_value, b_value);
    /* One observation of a latency is no comparison; one of a time is the user's own choice (--reps 1) and says so. */
    if (count == 0 || (count < HX_STATS_LEAST_REPS && strncmp(metric, "time", 4) != 0)) {
        return;
    }
    struct hx_report_comparison found = {.metric = metric, .a = a, .b = b};
    found.ratio = hx_stats_paired_ratio(b_value, a_value, count, 0.95, scratch);
    found.verdict = judge(&found.ratio);
    summary->comparison = hx_grow(summary->comparison, summary->comparison_count + 1, sizeof *summary->comparison);
    summary->comparison[summary->comparison_count++] = found;
}

void hx_report_compare(struct hx_report_summary *summary) {
    static const char *const metric[] = {"time", "time_typical", "latency_request_p99"};
    const struct hx_report_run *run = summary->run;
    for (size_t a = 0; a < run->cell_count; a++) {
        for (size_t r = 0; r < HX_COUNT_OF(reference_backend); r++) {
            long b = hx_report_reference(run, a, reference_backend[r]);
            bool mirrored = run->cell[a].again || hx_report_is_malloc(&run->cell[a]);
            for (size_t m = 0; b >= 0 && !mirrored && m < HX_COUNT_OF(metric); m++) {
                compare_metric(summary, a, (size_t)b, metric[m]);
            }
        }
    }
}

const struct hx_report_comparison *hx_report_against(const struct hx_report_summary *summary, size_t a, const char *b,
                                                     const char *metric) {
    for (size_t i = 0; i < summary->comparison_count; i++) {
        const struct hx_report_comparison *c = &summary->comparison[i];
        if (c->a == a && strcmp(summary->run->cell[c->b].backend, b) == 0 && strcmp(c->metric, metric) == 0) {
            return c;
        }
    }
    return NULL;
}
