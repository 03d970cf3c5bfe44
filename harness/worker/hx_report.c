/* hx_report.c - the observation as one line of JSON on fd 3 (docs/PROTOCOL.md 2).
 *
 * Why on its own descriptor: stdout and stderr belong to the libraries that are loaded. The line is built in mapped memory and
 * written at once at the very end, so a worker that dies leaves nothing that looks like a result. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hx_text.h"
#include "worker/hx_job.h"

enum { OBSERVATION_FD = 3 };

/* Fewer blocks than this: the observation is marked, and nobody gates on it. */
#define BLOCKS_ENOUGH 3

/* As the request gives it: a string where a JSON integer ends. */
static void report_seed(struct hx_text *text, uint64_t seed) {
    char digits[24];
    if (seed <= INT64_MAX) {
        hx_json_u64(text, "seed", seed);
        return;
    }
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)seed);
    hx_json_string(text, "seed", digits);
}

static void report_place(struct hx_text *text, struct hx_job *job) {
    const struct hx_ask *ask = job->ask;
    hx_json_array(text, "pus");
    for (size_t i = 0; i < ask->pu_count; i++) {
        hx_json_u64(text, NULL, ask->pu[i]);
    }
    hx_json_close(text);
    hx_json_bool(text, "migrated", hx_job_migrated(job, &job->migrations));
    hx_json_array(text, "flags");
    if (ask->blocks < BLOCKS_ENOUGH) {
        hx_json_string(text, NULL, "few_blocks");
    }
    if (hx_job_lanes_per_pu(ask) > 1) {
        hx_json_string(text, NULL, "oversubscribed");
    }
    if (ask->litter != NULL) {
        hx_json_string(text, NULL, "littered");
    }
    hx_json_close(text);
}

void hx_report_begin(struct hx_text *text, struct hx_job *job) {
    const struct hx_ask *ask = job->ask;
    hx_json_object(text, NULL);
    hx_json_u64(text, "protocol", HX_PROTOCOL_VERSION);
    hx_json_string(text, "worker", hx_glue_worker);
    hx_json_string(text, "version", HX_VERSION);
    hx_json_string(text, "pass", hx_pass_names[ask->pass]);
    hx_json_string(text, "scenario", ask->scenario);
    hx_json_string(text, "backend", ask->backend);
    hx_json_string(text, "arm", ask->arm);
    hx_json_u64(text, "threads", ask->threads);
    hx_json_string(text, "pages", ask->pages);
    hx_json_string(text, "options", ask->options);
    hx_json_u64(text, "rep", ask->rep);
    hx_json_u64(text, "order", ask->order);
    report_seed(text, ask->seed);
    hx_json_double(text, "scale", ask->scale);
    hx_json_u64(text, "cycles_per_block", ask->cycles_per_block);
    hx_json_u64(text, "blocks", ask->blocks);
    hx_json_u64(text, "ops_per_block", hx_job_ops_per_block(job));
    hx_json_u64(text, "ops_total", hx_job_ops_total(job));
    hx_json_u64(text, "refills_per_block", job->block[0].refills);
    hx_json_hex(text, "allocation_checksum", job->cycle.allocation_sum);
    hx_json_hex(text, "checksum", job->cycle.checksum);
    report_place(text, job);
    hx_json_array(text, "metrics");
}

void hx_report_metric(struct hx_text *text, const char *phase, const char *metric, const char *unit, struct hx_figure figure) {
    hx_json_object(text, NULL);
    hx_json_string(text, "phase", phase);
    hx_json_string(text, "metric", metric);
    hx_json_string(text, "unit", unit);
    if (figure.reason == NULL) {
        hx_json_double(text, "value", figure.value);
    } else {
        hx_json_string(text, "value", NULL);
    }
    hx_json_string(text, "reason", figure.reason);
    hx_json_close(text);
}

void hx_report_word(struct hx_text *text, const char *phase, const char *metric, const char *word) {
    hx_json_object(text, NULL);
    hx_json_string(text, "phase", phase);
    hx_json_string(text, "metric", metric);
    hx_json_string(text, "unit", "word");
    hx_json_string(text, "value", word);
    hx_json_string(text, "reason", NULL);
    hx_json_close(text);
}

void hx_report_usage(struct hx_text *text, const char *phase, const struct hx_usage *usage) {
    hx_report_metric(text, phase, "faults_minor", "count", hx_figure_of((double)usage->faults_minor));
    hx_report_metric(text, phase, "faults_major", "count", hx_figure_of((double)usage->faults_major));
    hx_report_metric(text, phase, "switches_voluntary", "count", hx_figure_of((double)usage->switches_voluntary));
    hx_report_metric(text, phase, "switches_involuntary", "count", hx_figure_of((double)usage->switches_involuntary));
}

void hx_report_ledger(struct hx_text *text, const struct hx_job *job) {
    struct hx_ledger_row rows[HX_LEDGER_ROWS_MAX];
    size_t count = hx_glue_ledger(job->lane[0].env, rows);
    for (unsigned lane = 1; lane < job->ask->threads && !hx_glue_shares; lane++) {
        struct hx_ledger_row more[HX_LEDGER_ROWS_MAX];
        size_t more_count = hx_glue_ledger(job->lane[lane].env, more);
        for (size_t i = 0; i < count && i < more_count; i++) {
            rows[i].value += more[i].value;
        }
    }
    for (size_t i = 0; i < count; i++) {
        hx_report_metric(text, "all", rows[i].name, rows[i].unit, hx_figure_of((double)rows[i].value));
    }
}

void hx_report_metrics_end(struct hx_text *text) {
    hx_json_close(text);
}

void hx_report_end(struct hx_text *text) {
    hx_json_close(text);
    hx_text_put(text, "\n");
    int error = hx_text_finish(text);
    if (error == 0) {
        error = hx_write_all(OBSERVATION_FD, text->data, text->used_bytes);
    }
    if (error != 0) {
        hx_die("the observation could not be written to descriptor %d: %s", OBSERVATION_FD, strerror(error));
    }
}
