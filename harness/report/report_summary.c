/* report_summary.c - rows into figures. See report_summary.h. */
#include "report/report_summary.h"

#include <stdlib.h>
#include <string.h>

/* A row with what it is sorted by. */
struct entry {
    const struct hx_sample *row;
    size_t cell;
    size_t position; /* in the file: the last word, so that the order is total */
};

static int phase_rank(const char *phase) {
    static const char *const order[] = {"all", "setup", "alloc", "use", "release", "idle"};
    for (size_t i = 0; i < HX_COUNT_OF(order); i++) {
        if (strcmp(phase, order[i]) == 0) {
            return (int)i;
        }
    }
    return (int)HX_COUNT_OF(order);
}

/* What makes two rows the same figure, and the order of figures. */
struct figure_key {
    size_t cell;
    const char *metric;
    const char *phase;
    enum hx_pass pass;
};

static int compare_key(const struct figure_key *a, const struct figure_key *b) {
    if (a->cell != b->cell) {
        return a->cell < b->cell ? -1 : 1;
    }
    int order = strcmp(a->metric, b->metric);
    if (order == 0) {
        order = phase_rank(a->phase) - phase_rank(b->phase);
    }
    if (order == 0) {
        order = strcmp(a->phase, b->phase);
    }
    return order != 0 ? order : (int)a->pass - (int)b->pass;
}

static int compare_figure(const struct entry *a, const struct entry *b) {
    struct figure_key left = {a->cell, a->row->metric, a->row->phase, a->row->pass};
    struct figure_key right = {b->cell, b->row->metric, b->row->phase, b->row->pass};
    return compare_key(&left, &right);
}

static int compare_entry(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    int order = compare_figure(a, b);
    if (order == 0 && a->row->rep != b->row->rep) {
        order = a->row->rep < b->row->rep ? -1 : 1;
    }
    if (order == 0) {
        order = a->position < b->position ? -1 : a->position > b->position;
    }
    return order;
}

static void estimate(struct hx_report_metric *metric) {
    if (metric->value_count == 0) {
        metric->estimate.value = metric->estimate.low = metric->estimate.high = hx_figure_none(hx_stats_no_values);
        return;
    }
    double *scratch = hx_grow(NULL, metric->value_count, sizeof *scratch);
    memcpy(scratch, metric->value, metric->value_count * sizeof *scratch);
    metric->estimate = hx_stats_median_interval(scratch, metric->value_count, 0.95);
    metric->reason = metric->estimate.low.reason;
    free(scratch);
}

/* Several processes may give several reasons; the first is shown. */
static struct hx_report_metric figure_of(const struct entry *entry, size_t count) {
    const struct hx_sample *row = entry[0].row;
    struct hx_report_metric metric = {.cell = entry[0].cell, .metric = row->metric, .phase = row->phase, .unit = row->unit,
                                      .pass = row->pass};
    metric.value = hx_grow(NULL, count, sizeof *metric.value);
    metric.rep = hx_grow(NULL, count, sizeof *metric.rep);
    for (size_t i = 0; i < count; i++) {
        row = entry[i].row;
        if (row->kind == HX_VALUE_NULL) {
            metric.reason = metric.reason == NULL ? row->reason : metric.reason;
        } else if (hx_report_is_word(row)) {
            metric.words_differ |= metric.word != NULL && strcmp(metric.word, row->text) != 0;
            metric.word = row->text;
        } else {
            metric.value[metric.value_count] = row->number;
            metric.rep[metric.value_count++] = row->rep;
        }
    }
    if (metric.word == NULL) {
        estimate(&metric);
    } else if (metric.words_differ) {
        metric.word = NULL;
        metric.reason = "processes disagree";
    }
    return metric;
}

/* The latency pass names the call in the metric; everything else needs its phase. */
static void name_metrics(struct hx_report_summary *summary) {
    for (size_t i = 0; i < summary->metric_count; i++) {
        struct hx_report_metric *m = &summary->metric[i];
        const struct hx_report_metric *before = i > 0 ? m - 1 : NULL;
        bool again = before != NULL && before->cell == m->cell && strcmp(before->metric, m->metric) == 0;
        bool bare = strcmp(m->phase, "all") == 0 || (m->pass == HX_PASS_LATENCY && !again);
        bool other_pass = again && strcmp(before->phase, m->phase) == 0;
        m->name = hx_print("%s%s%s%s%s", m->metric, bare ? "" : ".", bare ? "" : m->phase, other_pass ? "@" : "",
                           other_pass ? hx_pass_name(m->pass) : "");
    }
}

static void group_rows(struct hx_report_summary *summary) {
    const struct hx_report_run *run = summary->run;
    size_t count = run->samples.row_count;
    struct entry *entry = hx_grow(NULL, count, sizeof *entry);
    for (size_t i = 0; i < count; i++) {
        entry[i] = (struct entry){&run->samples.rows[i], run->row_cell[i], i};
    }
    qsort(entry, count, sizeof *entry, compare_entry);
    summary->metric = hx_grow(NULL, count + run->cell_count, sizeof *summary->metric);
    for (size_t start = 0, end; start < count; start = end) {
        end = start + 1;
        while (end < count && compare_figure(&entry[start], &entry[end]) == 0) {
            end++;
        }
        summary->metric[summary->metric_count++] = figure_of(&entry[start], end - start);
    }
    free(entry);
}

/* Peak over the whole life = the largest of the peaks of its phases, process by process. */
static bool whole_life_peak(const struct hx_report_metric *phase, size_t phase_count, struct hx_report_metric *out) {
    size_t most = 0;
    bool any = false;
    for (size_t i = 0; i < phase_count; i++) {
        if (strcmp(phase[i].metric, "rss_peak_bytes") != 0) {
            continue;
        }
        if (strcmp(phase[i].phase, "all") == 0) {
            return false;
        }
        if (!any) {
            *out = phase[i];
            any = true;
        }
        most = most > phase[i].value_count ? most : phase[i].value_count;
    }
    if (!any) {
        return false;
    }
    out->phase = "all";
    out->value = hx_grow(NULL, most + 1, sizeof *out->value);
    out->rep = hx_grow(NULL, most + 1, sizeof *out->rep);
    out->value_count = 0;
    for (size_t i = 0; i < phase_count; i++) {
        for (size_t k = 0; strcmp(phase[i].metric, "rss_peak_bytes") == 0 && k < phase[i].value_count; k++) {
            size_t at = 0;
            while (at < out->value_count && out->rep[at] != phase[i].rep[k]) {
                at++;
            }
            if (at == out->value_count && at < most) {
                out->rep[at] = phase[i].rep[k];
                out->value[at] = phase[i].value[k];
                out->value_count++;
            } else if (at < most && out->value[at] < phase[i].value[k]) {
                out->value[at] = phase[i].value[k];
            }
        }
    }
    estimate(out);
    return true;
}

static int compare_metric(const void *left, const void *right) {
    const struct hx_report_metric *a = left, *b = right;
    struct figure_key first = {a->cell, a->metric, a->phase, a->pass};
    struct figure_key second = {b->cell, b->metric, b->phase, b->pass};
    return compare_key(&first, &second);
}

static void add_peaks(struct hx_report_summary *summary) {
    size_t grouped = summary->metric_count;
    for (size_t start = 0, end; start < grouped; start = end) {
        end = start + 1;
        while (end < grouped && summary->metric[end].cell == summary->metric[start].cell) {
            end++;
        }
        struct hx_report_metric peak;
        if (whole_life_peak(&summary->metric[start], end - start, &peak)) {
            summary->metric[summary->metric_count++] = peak;
        }
    }
    qsort(summary->metric, summary->metric_count, sizeof *summary->metric, compare_metric);
}

static void index_cells(struct hx_report_summary *summary) {
    size_t cells = summary->run->cell_count, at = 0;
    summary->first = hx_grow(NULL, cells + 1, sizeof *summary->first);
    for (size_t cell = 0; cell <= cells; cell++) {
        while (at < summary->metric_count && summary->metric[at].cell < cell) {
            at++;
        }
        summary->first[cell] = at;
    }
}

/* Equal work is what makes the figures comparable at all: the driver fails a run on it, the report still says it. */
static void check_work(struct hx_report_summary *summary) {
    struct hx_report_run *run = summary->run;
    for (size_t i = 0; i < run->cell_count; i++) {
        const struct hx_report_metric *mine = hx_report_find(summary, i, "checksum");
        if (mine == NULL) {
            continue;
        }
        if (mine->words_differ) {
            hx_report_note(run, "%s, %s, %s: checksums differ between processes: do not use this cell.", run->cell[i].scenario,
                           run->cell[i].pages, run->cell[i].label);
        }
        for (size_t k = 0; k < i; k++) {
            const struct hx_report_metric *other = hx_report_find(summary, k, "checksum");
            if (other != NULL && other->word != NULL && mine->word != NULL && strcmp(other->word, mine->word) != 0 &&
                run->cell[i].scale == run->cell[k].scale && run->cell[i].threads == run->cell[k].threads &&
                strcmp(run->cell[i].scenario, run->cell[k].scenario) == 0 &&
                strcmp(run->cell[i].pages, run->cell[k].pages) == 0) {
                hx_report_note(run, "%s, %s: %s and %s did not build the same thing (unequal checksums): do not compare them.",
                               run->cell[i].scenario, run->cell[i].pages, run->cell[k].label, run->cell[i].label);
                break;
            }
        }
    }
}

void hx_report_summarise(struct hx_report_summary *summary, struct hx_report_run *run) {
    *summary = (struct hx_report_summary){.run = run};
    group_rows(summary);
    add_peaks(summary);
    name_metrics(summary);
    index_cells(summary);
    check_work(summary);
    hx_report_compare(summary);
    hx_report_aa(summary);
}

const struct hx_report_metric *hx_report_find_phase(const struct hx_report_summary *summary, size_t cell, const char *metric,
                                                    const char *phase) {
    for (size_t i = summary->first[cell]; i < summary->first[cell + 1]; i++) {
        const struct hx_report_metric *m = &summary->metric[i];
        if (strcmp(m->metric, metric) == 0 && (phase == NULL || strcmp(m->phase, phase) == 0)) {
            return m;
        }
    }
    return NULL;
}

const struct hx_report_metric *hx_report_find(const struct hx_report_summary *summary, size_t cell, const char *metric) {
    return hx_report_find_phase(summary, cell, metric, NULL);
}

bool hx_report_value(const struct hx_report_metric *metric, double *value) {
    if (metric == NULL || metric->value_count == 0) {
        return false;
    }
    *value = metric->estimate.value.value;
    return true;
}
