/* hx_pass_plan.c - how much work a cell is: one cycle, no clock. The driver asks worker-bump before it makes a plan. */
#include "base/hx_text.h"
#include "worker/hx_job.h"

void hx_pass_plan(struct hx_job *job, struct hx_text *text) {
    hx_job_open(job);
    const struct hx_cycle *cycle = &job->cycle;
    double cycles_per_block = (double)job->ask->cycles_per_block;
    hx_report_begin(text, job);
    hx_report_metric(text, "all", "requested_bytes_per_block", "bytes",
                     hx_figure_of((double)cycle->requested_bytes * cycles_per_block));
    hx_report_metric(text, "all", "requests_per_block", "count", hx_figure_of((double)cycle->requests * cycles_per_block));
    hx_report_metric(text, "all", "live_peak_bytes", "bytes", hx_figure_of((double)cycle->live_peak_bytes));
    hx_report_metrics_end(text);
}
