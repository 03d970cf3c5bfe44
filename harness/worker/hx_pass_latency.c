/* hx_pass_latency.c - how long single calls and whole requests take, into histograms.
 *
 * Blocks alternate: even ones time each call (form CALLS), odd ones time whole requests and releases (form SCOPES), because the
 * clock around each call would be part of the request. Its ns/op is never shown.
 *
 * An open loop (request_open) times whole requests in every block, from their intended starts (hx_arrivals.h); all others are closed
 * loops, and the observation says which it was. */
#include <stdio.h>

#include "base/hx_text.h"
#include "worker/hx_job.h"

static const char *const call_names[HX_CALL_COUNT] = {"alloc", "refill", "free", "release", "request"};
static const char *const call_phases[HX_CALL_COUNT] = {"alloc", "alloc", "release", "release", "all"};

static const char no_such_call[] = "no calls";

static bool timed_singly(unsigned call) {
    return call == HX_CALL_ALLOC || call == HX_CALL_REFILL || call == HX_CALL_FREE;
}

/* hist: HX_CALL_COUNT for each lane, one after the other. */
static void run_blocks(struct hx_job *job, struct hx_hist *hist) {
    for (unsigned i = 0; i < job->ask->blocks; i++) {
        bool single = i % 2 == 0 && job->ask->blocks > 1 && job->scenario->rate_per_s <= 0;
        for (unsigned lane = 0; lane < job->ask->threads; lane++) {
            for (unsigned call = 0; call < HX_CALL_COUNT; call++) {
                job->lane[lane].probe->hist[call] = timed_singly(call) == single ? &hist[lane * HX_CALL_COUNT + call] : NULL;
            }
        }
        hx_job_block(job, i, single ? HX_PROBE_CALLS : HX_PROBE_SCOPES);
    }
}

static void report_call(struct hx_text *text, unsigned call, const struct hx_hist *hist, uint64_t clock_step_ns) {
    char metric[64];
    for (size_t q = 0; q < HX_QUANTILE_COUNT; q++) {
        struct hx_percentile percentile = hx_hist_percentile(hist, hx_quantiles[q].millionths, clock_step_ns);
        snprintf(metric, sizeof metric, "latency_%s_%s", call_names[call], hx_quantiles[q].name);
        hx_report_metric(text, call_phases[call], metric, "ns", percentile.figure);
    }
    snprintf(metric, sizeof metric, "latency_%s_max", call_names[call]);
    hx_report_metric(text, call_phases[call], metric, "ns", hx_hist_max_ns(hist));
    snprintf(metric, sizeof metric, "latency_%s_mean", call_names[call]);
    hx_report_metric(text, call_phases[call], metric, "ns", hx_hist_mean_ns(hist));
    snprintf(metric, sizeof metric, "latency_%s_mean_below_p99_9", call_names[call]);
    struct hx_figure below = hist->count == 0 ? hx_figure_none(no_such_call) : hx_hist_mean_below_ns(hist, 999000);
    hx_report_metric(text, call_phases[call], metric, "ns", below);
    snprintf(metric, sizeof metric, "latency_%s_calls", call_names[call]);
    hx_report_metric(text, call_phases[call], metric, "count", hx_figure_of((double)hist->count));
}

static void report_buckets(struct hx_text *text, unsigned call, const struct hx_hist *hist) {
    if (hist->count == 0) {
        return;
    }
    hx_json_object(text, NULL);
    hx_json_string(text, "phase", call_phases[call]);
    hx_json_string(text, "call", call_names[call]);
    hx_json_array(text, "buckets");
    size_t cursor = 0;
    uint64_t low_ns, high_ns, calls;
    while (hx_hist_next(hist, &cursor, &low_ns, &high_ns, &calls)) {
        hx_json_array(text, NULL);
        hx_json_u64(text, NULL, low_ns);
        hx_json_u64(text, NULL, high_ns);
        hx_json_u64(text, NULL, calls);
        hx_json_close(text);
    }
    hx_json_close(text);
    hx_json_close(text);
}

static void report_arrivals(struct hx_text *text, const struct hx_job *job) {
    uint64_t late = 0, late_most_ns = 0;
    double waited_ns = 0, blocks_ns = 0;
    for (unsigned i = 0; i < job->ask->threads; i++) {
        const struct hx_arrivals *arrivals = &job->lane[i].probe->arrivals;
        late += arrivals->late;
        late_most_ns = arrivals->late_most_ns > late_most_ns ? arrivals->late_most_ns : late_most_ns;
        waited_ns += (double)arrivals->waited_ns;
    }
    for (unsigned i = 0; i < job->ask->blocks; i++) {
        blocks_ns += (double)job->block[i].time_ns * job->ask->threads;
    }
    hx_report_metric(text, "all", "arrivals_late", "count", hx_figure_of((double)late));
    hx_report_metric(text, "all", "arrivals_late_max", "ns", hx_figure_of((double)late_most_ns));
    hx_report_metric(text, "all", "arrivals_busy", "ratio", hx_figure_of(1 - waited_ns / blocks_ns));
}

void hx_pass_latency(struct hx_job *job, struct hx_text *text) {
    size_t count = (size_t)HX_CALL_COUNT * job->ask->threads;
    struct hx_hist *hist = hx_map_or_die(count * sizeof *hist, "memory for the histograms");
    for (size_t i = 0; i < count; i++) {
        hx_hist_init(&hist[i]);
    }
    struct hx_clock_quality quality;
    hx_clock_quality(hx_clock_real(), &quality);
    hx_job_open(job);
    bool open = job->scenario->rate_per_s > 0;
    for (unsigned i = 0; i < job->ask->threads && open; i++) {
        job->lane[i].probe->arrivals.clock = hx_clock_real();
    }
    run_blocks(job, hist);
    hx_job_verify(job);
    for (size_t i = HX_CALL_COUNT; i < count; i++) {
        hx_hist_merge(&hist[i % HX_CALL_COUNT], &hist[i]);
    }

    hx_report_begin(text, job);
    for (unsigned call = 0; call < HX_CALL_COUNT; call++) {
        report_call(text, call, &hist[call], quality.step_ns);
    }
    hx_report_metric(text, "all", "clock_step", "ns", hx_figure_of((double)quality.step_ns));
    hx_report_metric(text, "all", "clock_cost", "ns", hx_figure_of(quality.cost_ns));
    hx_report_word(text, "all", "loop", open ? "open" : "closed");
    if (open) {
        report_arrivals(text, job);
    }
    hx_report_metrics_end(text);
    hx_json_array(text, "hist");
    for (unsigned call = 0; call < HX_CALL_COUNT; call++) {
        report_buckets(text, call, &hist[call]);
    }
    hx_json_close(text);
}
