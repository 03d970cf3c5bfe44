/* hx_pass_counts.c - the blocks and nothing else: what callgrind runs, with 4 and with 8 blocks, so that start-up and
 * rehearsal cancel out. No Google Benchmark in the process's way. */
#include "base/hx_text.h"
#include "worker/hx_job.h"

void hx_pass_counts(struct hx_job *job, struct hx_text *text) {
    hx_job_open(job);
    struct hx_usage before, after;
    hx_usage_process(&before);
    for (unsigned i = 0; i < job->ask->blocks; i++) {
        hx_job_block(job, i, HX_PROBE_NONE);
    }
    hx_usage_process(&after);
    hx_job_verify(job);
    struct hx_usage used = hx_usage_difference(&before, &after);
    used.faults_minor -= hx_job_position_usage(job).faults_minor;
    double ops = (double)hx_job_ops_total(job);
    hx_report_begin(text, job);
    hx_report_metric(text, "all", "ops", "count", hx_figure_of(ops));
    hx_report_metric(text, "all", "faults_per_op", "count/op", hx_figure_of((double)used.faults_minor / ops));
    hx_report_ledger(text, job);
    hx_report_metrics_end(text);
}
