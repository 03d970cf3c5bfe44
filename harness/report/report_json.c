/* report_json.c - summary.json: every figure, every comparison, every note. Schema: results/schema/summary.schema.json. */
#include <math.h>
#include <string.h>

#include "report/report_summary.h"

enum { SUMMARY_SCHEMA = 1 };

/* Whole numbers are written as such: bytes and counts read better, and no digit is lost below 2^53. */
static void put_number(struct hx_text *out, const char *key, struct hx_figure figure) {
    if (figure.reason != NULL || !isfinite(figure.value)) {
        hx_json_null(out, key);
    } else if (figure.value == floor(figure.value) && fabs(figure.value) < 9e15) {
        hx_json_i64(out, key, (int64_t)figure.value);
    } else {
        hx_json_double(out, key, figure.value);
    }
}

static void put_metric(struct hx_text *out, const struct hx_report_metric *metric) {
    hx_json_object(out, metric->name);
    hx_json_string(out, "unit", metric->unit);
    put_number(out, "value", metric->estimate.value);
    put_number(out, "low", metric->estimate.low);
    put_number(out, "high", metric->estimate.high);
    hx_json_u64(out, "n", metric->value_count);
    hx_json_string(out, "reason", metric->reason);
    hx_json_close(out);
}

static void put_cell(const struct hx_report_summary *summary, size_t i, struct hx_text *out) {
    const struct hx_report_cell *cell = &summary->run->cell[i];
    hx_json_object(out, NULL);
    if (cell->index >= 0) {
        hx_json_i64(out, "index", cell->index);
    } else {
        hx_json_null(out, "index");
    }
    hx_json_string(out, "side", cell->side);
    hx_json_string(out, "scenario", cell->scenario);
    hx_json_string(out, "backend", cell->backend);
    hx_json_string(out, "arm", cell->arm);
    hx_json_i64(out, "threads", cell->threads);
    hx_json_string(out, "pages", cell->pages);
    hx_json_string(out, "options", cell->options);
    hx_json_u64(out, "migrated", cell->migrated_count);
    const struct hx_report_metric *checksum = hx_report_find(summary, i, "checksum");
    hx_json_string(out, "checksum", checksum != NULL ? checksum->word : NULL);
    hx_json_object(out, "metrics");
    for (size_t m = summary->first[i]; m < summary->first[i + 1]; m++) {
        if (summary->metric[m].word == NULL && !summary->metric[m].words_differ) {
            put_metric(out, &summary->metric[m]);
        }
    }
    hx_json_close(out);
    hx_json_close(out);
}

static void put_comparison(const struct hx_report_summary *summary, const struct hx_report_comparison *c, struct hx_text *out) {
    const struct hx_report_cell *a = &summary->run->cell[c->a], *b = &summary->run->cell[c->b];
    hx_json_object(out, NULL);
    hx_json_string(out, "scenario", a->scenario);
    hx_json_string(out, "pages", a->pages);
    hx_json_i64(out, "threads", a->threads);
    hx_json_string(out, "metric", c->metric);
    hx_json_string(out, "a", a->backend);
    hx_json_string(out, "a_arm", a->arm);
    hx_json_string(out, "a_options", a->options);
    hx_json_string(out, "b", b->backend);
    hx_json_string(out, "b_arm", b->arm);
    hx_json_u64(out, "n", c->ratio.count);
    put_number(out, "ratio", c->ratio.value);
    put_number(out, "low", c->ratio.low);
    put_number(out, "high", c->ratio.high);
    bool decided = c->verdict != HX_REPORT_UNDECIDED;
    hx_json_string(out, "verdict", decided ? hx_report_verdict_name(c->verdict) : NULL);
    hx_json_string(out, "reason", decided ? NULL : c->ratio.low.reason);
    hx_json_close(out);
}

void hx_report_json(const struct hx_report_summary *summary, struct hx_text *out) {
    hx_json_object(out, NULL);
    hx_json_u64(out, "schema", SUMMARY_SCHEMA);
    hx_json_string(out, "run", summary->run->id);
    hx_json_array(out, "cells");
    for (size_t i = 0; i < summary->run->cell_count; i++) {
        put_cell(summary, i, out);
    }
    hx_json_close(out);
    hx_json_array(out, "comparisons");
    for (size_t i = 0; i < summary->comparison_count; i++) {
        put_comparison(summary, &summary->comparison[i], out);
    }
    hx_json_close(out);
    hx_json_array(out, "notes");
    for (size_t i = 0; i < summary->run->note_count; i++) {
        hx_json_string(out, NULL, summary->run->note[i]);
    }
    hx_json_close(out);
    hx_json_close(out);
    hx_text_put(out, "\n");
}
