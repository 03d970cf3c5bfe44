/* report_headline.c - see report_headline.h. */
#include "report/report_headline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const hx_report_column_name[HX_HEAD_COUNT] = {
    "best ns/op", "95 % interval", "typical", "vs malloc", "p99 request", "peak RSS", "faults",
};

static size_t footnote(struct hx_report_footnotes *notes, const char *reason) {
    for (size_t i = 0; i < notes->count; i++) {
        if (strcmp(notes->reason[i], reason) == 0) {
            return i + 1;
        }
    }
    notes->reason = hx_grow(notes->reason, notes->count + 1, sizeof *notes->reason);
    notes->reason[notes->count++] = reason;
    return notes->count;
}

static void miss(struct hx_report_headline *out, enum hx_report_column column, struct hx_report_footnotes *notes,
                 const char *reason) {
    snprintf(out->text[column], sizeof out->text[column], "-");
    out->footnote[column] = footnote(notes, reason);
}

/* A cell without any time was not run at all: why that is explains each of its missing figures. */
static const char *why_not(const struct hx_report_summary *summary, size_t cell, const struct hx_report_metric *metric) {
    if (metric == NULL) {
        metric = hx_report_find(summary, cell, "time");
        if (metric == NULL || metric->value_count > 0) {
            return "not measured in this run";
        }
    }
    return metric->reason != NULL ? metric->reason : hx_stats_no_values;
}

/* Latency below twice the clock's step is a bound, not a figure. */
static bool below_clock(const struct hx_report_summary *summary, size_t cell, double value, double *limit) {
    double step;
    if (!hx_report_value(hx_report_find(summary, cell, "clock_step"), &step)) {
        return false;
    }
    *limit = 2 * step;
    return value < *limit;
}

static void put_figure(const struct hx_report_summary *summary, size_t cell, const char *name, enum hx_report_column column,
                       struct hx_report_footnotes *notes, struct hx_report_headline *out) {
    const struct hx_report_metric *metric = hx_report_find(summary, cell, name);
    double value, limit;
    bool other_pass = metric != NULL && metric->value_count > 0 && column == HX_HEAD_FAULTS && metric->pass != HX_PASS_TIME;
    if (other_pass) { /* the counters pass counts faults too, but of a process with counters on */
        metric = NULL;
    }
    if (!hx_report_value(metric, &value)) {
        miss(out, column, notes, why_not(summary, cell, metric));
        return;
    }
    hx_report_show_unit(out->text[column], strcmp(metric->unit, "count") == 0 ? round(value) : value, metric->unit);
    if (column == HX_HEAD_P99 && below_clock(summary, cell, value, &limit)) {
        char shown[HX_REPORT_SHOWN_BYTES];
        hx_report_show_duration(shown, limit);
        snprintf(out->text[column], sizeof out->text[column], "< %.40s", shown);
    }
}

static void put_interval(const struct hx_report_summary *summary, size_t cell, struct hx_report_footnotes *notes,
                         struct hx_report_headline *out) {
    const struct hx_report_metric *metric = hx_report_find(summary, cell, "time");
    if (metric == NULL || metric->value_count == 0 || metric->estimate.low.reason != NULL) {
        miss(out, HX_HEAD_INTERVAL, notes, why_not(summary, cell, metric));
        return;
    }
    char low[HX_REPORT_SHOWN_BYTES], high[HX_REPORT_SHOWN_BYTES];
    hx_report_show_number(low, metric->estimate.low.value);
    hx_report_show_number(high, metric->estimate.high.value);
    snprintf(out->text[HX_HEAD_INTERVAL], sizeof out->text[HX_HEAD_INTERVAL], "%.20s-%.20s", low, high);
}

static void put_versus(const struct hx_report_summary *summary, size_t cell, struct hx_report_footnotes *notes,
                       struct hx_report_headline *out) {
    const struct hx_report_cell *mine = &summary->run->cell[cell];
    const struct hx_report_comparison *c = hx_report_against(summary, cell, "malloc", "time");
    if (hx_report_is_malloc(mine)) {
        snprintf(out->text[HX_HEAD_VERSUS], sizeof out->text[HX_HEAD_VERSUS], "(1)");
    } else if (c == NULL) {
        const struct hx_report_metric *time = hx_report_find(summary, cell, "time");
        bool mine_missing = time == NULL || time->value_count == 0;
        miss(out, HX_HEAD_VERSUS, notes, mine_missing ? why_not(summary, cell, time) : "no malloc each to compare with in this run");
    } else {
        bool sure;
        char shown[HX_REPORT_SHOWN_BYTES];
        hx_report_versus(c, shown, &sure);
        snprintf(out->text[HX_HEAD_VERSUS], sizeof out->text[HX_HEAD_VERSUS], "%s%.40s", sure ? "" : "~", shown);
    }
}

void hx_report_headline(const struct hx_report_summary *summary, size_t cell, struct hx_report_footnotes *notes,
                        struct hx_report_headline *out) {
    memset(out, 0, sizeof *out);
    put_figure(summary, cell, "time", HX_HEAD_BEST, notes, out);
    put_interval(summary, cell, notes, out);
    put_figure(summary, cell, "time_typical", HX_HEAD_TYPICAL, notes, out);
    put_versus(summary, cell, notes, out);
    put_figure(summary, cell, "latency_request_p99", HX_HEAD_P99, notes, out);
    put_figure(summary, cell, "rss_peak_bytes", HX_HEAD_RSS, notes, out);
    put_figure(summary, cell, "faults_minor", HX_HEAD_FAULTS, notes, out);
}
