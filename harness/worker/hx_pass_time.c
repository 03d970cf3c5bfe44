/* hx_pass_time.c - ns per op, with nothing else switched on.
 *
 * Google Benchmark is around all blocks in one call; the ends of blocks are read by our clock (no system call). An observation is
 * the best block, total time over ops stands beside it as typical. getrusage before and after the run alone. */
#include <stdio.h>

#include "base/hx_text.h"
#include "worker/gbench_shim.h"
#include "worker/hx_job.h"

/* Seconds of all blocks; what happens between blocks is not in it. */
static double run_blocks(void *self) {
    struct hx_job *job = self;
    uint64_t total_ns = 0;
    for (unsigned i = 0; i < job->ask->blocks; i++) {
        hx_job_block(job, i, HX_PROBE_NONE);
        total_ns += job->block[i].time_ns;
    }
    return (double)total_ns / (double)HX_NS_PER_S;
}

void hx_pass_time(struct hx_job *job, struct hx_text *text) {
    const struct hx_ask *ask = job->ask;
    char name[256];
    snprintf(name, sizeof name, "%s/%s/%s/%u/%s", ask->scenario, ask->backend, ask->arm, ask->threads, ask->pages);
    hx_job_open(job);
    struct hx_usage before, after;
    struct hx_gbench_row row = {0};
    hx_usage_process(&before);
    int failed = hx_gbench_run(name, (int64_t)hx_job_ops_total(job), run_blocks, job, &row);
    hx_usage_process(&after);
    if (failed != 0) {
        hx_die("Google Benchmark did not run \"%s\"", name);
    }
    hx_job_verify(job);

    struct hx_usage used = hx_usage_difference(&before, &after);
    used.faults_minor -= job->position_usage.faults_minor;
    used.faults_major -= job->position_usage.faults_major;
    uint64_t best_ns = UINT64_MAX;
    uint64_t total_ns = 0;
    for (unsigned i = 0; i < ask->blocks; i++) {
        uint64_t block_ns = job->block[i].time_ns;
        best_ns = block_ns < best_ns ? block_ns : best_ns;
        total_ns += block_ns;
    }
    double best_ns_per_op = (double)best_ns / (double)hx_job_ops_per_block(job);
    double typical_ns_per_op = (double)total_ns / (double)hx_job_ops_total(job);

    hx_report_begin(text, job);
    hx_report_metric(text, "all", "time", "ns/op", hx_figure_of(best_ns_per_op));
    hx_report_metric(text, "all", "time_typical", "ns/op", hx_figure_of(typical_ns_per_op));
    hx_report_usage(text, "all", &used);
    hx_report_metrics_end(text);
    hx_json_array(text, "block_ns");
    for (unsigned i = 0; i < ask->blocks; i++) {
        hx_json_u64(text, NULL, job->block[i].time_ns);
    }
    hx_json_close(text);
    hx_json_object(text, "gbench");
    hx_json_string(text, "name", name);
    hx_json_i64(text, "iterations", row.iterations);
    hx_json_double(text, "real_time", best_ns_per_op);
    hx_json_double(text, "cpu_time", row.cpu_time_ns);
    hx_json_string(text, "time_unit", "ns");
    hx_json_close(text);
}
