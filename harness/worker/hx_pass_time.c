/* hx_pass_time.c - ns per op, with nothing else switched on.
 *
 * With several threads a block lasts from the common start to the end of the last one, and ns/op is that time by the threads over
 * the ops of all: what an op costs the thread that asks for it. A backend that scales perfectly keeps the figure of one thread.
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

static double lanes_cpu_ns(const struct hx_job *job) {
    uint64_t cpu_ns = 0;
    for (unsigned i = 0; i < job->ask->threads; i++) {
        cpu_ns += job->lane[i].cpu_ns;
    }
    return (double)cpu_ns;
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
    struct hx_usage position = hx_job_position_usage(job);
    used.faults_minor -= position.faults_minor;
    used.faults_major -= position.faults_major;
    uint64_t best_ns = UINT64_MAX;
    uint64_t total_ns = 0;
    for (unsigned i = 0; i < ask->blocks; i++) {
        uint64_t block_ns = job->block[i].time_ns;
        best_ns = block_ns < best_ns ? block_ns : best_ns;
        total_ns += block_ns;
    }
    double best_ns_per_op = (double)best_ns * ask->threads / (double)hx_job_ops_per_block(job);
    double typical_ns_per_op = (double)total_ns * ask->threads / (double)hx_job_ops_total(job);
    double cpu_ns_per_op = ask->threads == 1 ? row.cpu_time_ns : lanes_cpu_ns(job) / (double)hx_job_ops_total(job);

    hx_report_begin(text, job);
    hx_report_metric(text, "all", "time", "ns/op", hx_figure_of(best_ns_per_op));
    hx_report_metric(text, "all", "time_typical", "ns/op", hx_figure_of(typical_ns_per_op));
    hx_report_usage(text, "all", &used);
    if (ask->threads > 1) {
        hx_report_metric(text, "all", "time_cpu", "ns/op", hx_figure_of(cpu_ns_per_op));
        hx_report_metric(text, "all", "threads_per_pu", "ratio", hx_figure_of(hx_job_lanes_per_pu(ask)));
    }
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
    hx_json_double(text, "cpu_time", cpu_ns_per_op);
    hx_json_string(text, "time_unit", "ns");
    hx_json_close(text);
}
