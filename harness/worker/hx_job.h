/* hx_job.h - one observation in the making: the request, the scenario's compiled forms, the open backend, the blocks.
 *
 * Why: every pass runs the same work and proves it the same way, so that is here once:
 *
 *   prepare   page mode, PU, input, plan           (start-up: outside every figure)
 *   rehearse  one cycle with all probes: ops, bytes, both checksums. It also is the warm-up of every arm that has one. Where it
 *             would spoil the heap that is measured (pass memory, arm keep) a child process rehearses.
 *   blocks    equal pieces of work; each must give the rehearsal's checksum and take as many refills as every other
 *
 * Threads: the main thread alone. No malloc. */
#ifndef HX_JOB_H
#define HX_JOB_H

#include "measure/hx_pin.h"
#include "measure/hx_usage.h"
#include "scenarios/common/sc_scenario.h"
#include "worker/hx_ask.h"
#include "worker/hx_backend_glue.h"
#include "worker/hx_probe.h"

/* What one cycle is, learnt by the rehearsal. Equal for every backend. */
struct hx_cycle {
    uint64_t ops;
    uint64_t requested_bytes;
    uint64_t padded_bytes; /* as hx_probe.padded_bytes */
    uint64_t live_peak_bytes;
    uint64_t requests;
    uint64_t checksum;       /* as sc_code.cycles returns it for one cycle */
    uint64_t allocation_sum;
};

struct hx_block {
    uint64_t time_ns;
    uint64_t checksum;
    uint64_t refills;
};

struct hx_job {
    const struct hx_ask *ask;
    const struct sc_info *scenario;
    const struct sc_code *code[3]; /* by HX_PROBE_* */
    const void *plan;
    struct hx_env *env;
    struct hx_probe *probe; /* of forms SCOPES and CALLS */
    struct hx_pin_proof pin;
    struct hx_cycle cycle;
    struct hx_block *block; /* ask->blocks of them */
    /* Faults that bringing the backend into position took, between blocks: not the blocks' own. */
    struct hx_usage position_usage;
};

/* Everything up to the plan. Dies on bad input. */
void hx_job_prepare(struct hx_job *job, const struct hx_ask *ask);

/* Learns job->cycle in a child process, so that this one's heap stays as it is. Dies with the child's line. */
void hx_job_rehearse_aside(struct hx_job *job);

/* Opens the backend, rehearses (unless that was done aside), brings it into position. Dies when the backend cannot. */
void hx_job_open(struct hx_job *job);
void hx_job_close(struct hx_job *job);

/* Runs block `index` by the form of `probe` and notes time, checksum and refills, then brings the backend into position. */
void hx_job_block(struct hx_job *job, unsigned index, unsigned probe);

/* After all blocks: dies unless each built the same as the rehearsal and took the same number of refills. */
void hx_job_verify(const struct hx_job *job);

static inline uint64_t hx_job_ops_per_block(const struct hx_job *job) {
    return job->cycle.ops * job->ask->cycles_per_block;
}

static inline uint64_t hx_job_ops_total(const struct hx_job *job) {
    return hx_job_ops_per_block(job) * job->ask->blocks;
}

/* One line of JSON for fd 3: head first, then metrics, then whatever the pass adds. */
struct hx_text;
void hx_report_begin(struct hx_text *text, const struct hx_job *job); /* leaves the "metrics" list open */
void hx_report_metric(struct hx_text *text, const char *phase, const char *metric, const char *unit, struct hx_figure figure);
void hx_report_usage(struct hx_text *text, const char *phase, const struct hx_usage *usage);
void hx_report_ledger(struct hx_text *text, const struct hx_job *job);
void hx_report_metrics_end(struct hx_text *text);
void hx_report_end(struct hx_text *text); /* closes and writes; dies when fd 3 does not take it */

/* The passes: one file each. Each opens the backend itself. */
void hx_pass_time(struct hx_job *job, struct hx_text *text);
void hx_pass_latency(struct hx_job *job, struct hx_text *text);
void hx_pass_counters(struct hx_job *job, struct hx_text *text);
void hx_pass_memory(struct hx_job *job, struct hx_text *text);
void hx_pass_counts(struct hx_job *job, struct hx_text *text);
void hx_pass_plan(struct hx_job *job, struct hx_text *text);

#endif
