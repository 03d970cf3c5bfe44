/* report_split.c - see report_split.h. */
#include "report/report_split.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_format.h"
#include "report/report_words.h"

const char *const hx_credit_what[HX_CREDIT_PARTS] = {
    [HX_CREDIT_FREEING] = "freeing (each - keep)",
    [HX_CREDIT_BUMP] = "bump and locality (keep - reuse)",
    [HX_CREDIT_BOTH] = "both (each - reuse)",
    [HX_CREDIT_NEW_MALLOC] = "new pages, malloc (fresh - keep)",
    [HX_CREDIT_NEW_ARENA] = "new pages, arena (fresh - reuse)",
};

static const char not_measured[] = "not measured in this run";

long hx_report_cell_of(const struct hx_report_run *run, const char *scenario, const char *pages, const char *backend, const char *arm,
                       const char *options) {
    for (size_t i = 0; i < run->cell_count; i++) {
        const struct hx_report_cell *cell = &run->cell[i];
        if (cell->threads == 1 && strcmp(cell->scenario, scenario) == 0 && strcmp(cell->pages, pages) == 0 &&
            strcmp(cell->backend, backend) == 0 && strcmp(cell->arm, arm) == 0 && strcmp(cell->options, options) == 0 &&
            strcmp(cell->side, "-") == 0) {
            return (long)i;
        }
    }
    return -1;
}

static struct hx_estimate none(const char *reason) {
    struct hx_figure figure = hx_figure_none(reason);
    return (struct hx_estimate){.value = figure, .low = figure, .high = figure};
}

/* Why a cell has no such figure, or NULL. */
static const char *missing(const struct hx_report_metric *metric) {
    if (metric == NULL) {
        return not_measured;
    }
    return metric->value_count != 0 ? NULL : metric->reason != NULL ? metric->reason : not_measured;
}

struct hx_estimate hx_report_difference(const struct hx_report_summary *summary, long a, long b, const char *metric) {
    const struct hx_report_metric *one = a >= 0 ? hx_report_find(summary, (size_t)a, metric) : NULL;
    const struct hx_report_metric *other = b >= 0 ? hx_report_find(summary, (size_t)b, metric) : NULL;
    const char *why = missing(one) != NULL ? missing(one) : missing(other);
    if (why != NULL) {
        return none(why);
    }
    static double a_value[HX_STATS_PAIRS_MAX], b_value[HX_STATS_PAIRS_MAX];
    size_t count = hx_report_pair(one, other, a_value, b_value);
    for (size_t i = 0; i < count; i++) {
        a_value[i] -= b_value[i];
    }
    struct hx_estimate out = hx_stats_median_interval(a_value, count, 0.95);
    double value = one->estimate.value.value - other->estimate.value.value;
    out.value = hx_figure_of(value);
    if (out.low.reason == NULL) {
        out.low.value = fmin(out.low.value, value);
        out.high.value = fmax(out.high.value, value);
    }
    return out;
}

static void add_credit(const struct hx_report_summary *summary, struct hx_report_splits *splits, const char *scenario, const char *pages,
                       const char *malloc_name, const char *arena) {
    const struct hx_report_run *run = summary->run;
    long each = hx_report_cell_of(run, scenario, pages, malloc_name, "each", "-");
    long keep = hx_report_cell_of(run, scenario, pages, malloc_name, "keep", "tuning=keep");
    long fresh = hx_report_cell_of(run, scenario, pages, malloc_name, "fresh", "-");
    long reuse = hx_report_cell_of(run, scenario, pages, arena, "reuse", "-");
    long arena_fresh = hx_report_cell_of(run, scenario, pages, arena, "fresh", "-");
    if (keep < 0 || reuse < 0) {
        return;
    }
    splits->credit = hx_grow(splits->credit, splits->credit_count + 1, sizeof *splits->credit);
    struct hx_report_credit *credit = &splits->credit[splits->credit_count++];
    *credit = (struct hx_report_credit){.scenario = scenario, .pages = pages, .malloc_name = malloc_name, .arena = arena};
    credit->part[HX_CREDIT_FREEING] = hx_report_difference(summary, each, keep, "time");
    credit->part[HX_CREDIT_BUMP] = hx_report_difference(summary, keep, reuse, "time");
    credit->part[HX_CREDIT_BOTH] = hx_report_difference(summary, each, reuse, "time");
    credit->part[HX_CREDIT_NEW_MALLOC] = hx_report_difference(summary, fresh, keep, "time");
    credit->part[HX_CREDIT_NEW_ARENA] = hx_report_difference(summary, arena_fresh, reuse, "time");
}

static bool has_time(const struct hx_report_summary *summary, long cell) {
    double value;
    return cell >= 0 && hx_report_value(hx_report_find(summary, (size_t)cell, "time_typical"), &value);
}

static void add_price(const struct hx_report_summary *summary, struct hx_report_splits *splits, const char *scenario, const char *pages) {
    struct hx_report_price price = {.scenario = scenario, .pages = pages};
    size_t measured = 0;
    bool has_step = false; /* of the two that are no preset: without one there is nothing between kept and safe */
    for (size_t s = 0; s < HX_PRICE_STEPS; s++) {
        const struct hx_price_step *step = &hx_price_steps[s];
        price.cell[s] = hx_report_cell_of(summary->run, scenario, pages, step->backend, step->arm, step->options);
        measured += has_time(summary, price.cell[s]);
        has_step = has_step || (has_time(summary, price.cell[s]) && strcmp(step->options, "-") != 0);
        price.added[s] = s == 0 ? none("the first step") : hx_report_difference(summary, price.cell[s], price.cell[s - 1], "time_typical");
    }
    if (measured >= 2 && has_step) {
        splits->price = hx_grow(splits->price, splits->price_count + 1, sizeof *splits->price);
        splits->price[splits->price_count++] = price;
    }
}

void hx_report_split(const struct hx_report_summary *summary, struct hx_report_splits *splits) {
    static const char *const mallocs[] = {"malloc", "mimalloc"}, *const arenas[] = {"arena-kept", "arena-safe"};
    const struct hx_report_run *run = summary->run;
    const char **scenario = hx_grow(NULL, run->cell_count + 1, sizeof *scenario);
    const char **pages = hx_grow(NULL, run->cell_count + 1, sizeof *pages);
    size_t scenarios = hx_report_distinct(run, hx_report_scenario_of, scenario);
    size_t modes = hx_report_distinct(run, hx_report_pages_of, pages);
    *splits = (struct hx_report_splits){.empty = -1};
    for (size_t p = 0; p < modes; p++) {
        for (size_t s = 0; s < scenarios; s++) {
            for (size_t m = 0; m < HX_COUNT_OF(mallocs) * HX_COUNT_OF(arenas); m++) {
                add_credit(summary, splits, scenario[s], pages[p], mallocs[m / HX_COUNT_OF(arenas)], arenas[m % HX_COUNT_OF(arenas)]);
            }
            add_price(summary, splits, scenario[s], pages[p]);
        }
        long empty = hx_report_cell_of(run, hx_report_floor_scenario, pages[p], "bump", "bulk", "-");
        splits->empty = splits->empty < 0 && has_time(summary, empty) ? empty : splits->empty;
    }
    free(scenario);
    free(pages);
}

void hx_report_show_difference(char *out, const struct hx_estimate *estimate) {
    if (estimate->value.reason != NULL) {
        snprintf(out, HX_REPORT_DIFFERENCE_BYTES, "-");
        return;
    }
    char value[HX_REPORT_SHOWN_BYTES], low[HX_REPORT_SHOWN_BYTES], high[HX_REPORT_SHOWN_BYTES];
    hx_report_show_number(value, estimate->value.value);
    const char *sign = estimate->value.value > 0 ? "+" : "";
    if (estimate->low.reason != NULL) {
        snprintf(out, HX_REPORT_DIFFERENCE_BYTES, "%s%s", sign, value);
        return;
    }
    hx_report_show_number(low, estimate->low.value);
    hx_report_show_number(high, estimate->high.value);
    snprintf(out, HX_REPORT_DIFFERENCE_BYTES, "%s%s [%s, %s]", sign, value, low, high);
}

void hx_report_floor_line(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_text *out) {
    if (splits->empty < 0) {
        return;
    }
    const struct hx_estimate *time = &hx_report_find(summary, (size_t)splits->empty, "time")->estimate;
    char shown[HX_REPORT_SHOWN_BYTES], low[HX_REPORT_SHOWN_BYTES], high[HX_REPORT_SHOWN_BYTES];
    hx_report_show_number(shown, time->value.value);
    hx_text_format(out, "The harness itself: an operation in which nothing is done (backend bump, scenario empty) takes %s ns", shown);
    if (time->low.reason == NULL) {
        hx_report_show_number(low, time->low.value);
        hx_report_show_number(high, time->high.value);
        hx_text_format(out, " [%s, %s]", low, high);
    }
    hx_text_put(out, ", the pointer's own move included; every ns/op of the time pass holds at most that much of the harness.");
}
