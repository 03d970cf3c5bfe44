/* hx_job.h - one observation in the making: the request, the scenario's compiled forms, its lanes, the blocks.
 *
 * Why: every pass runs the same work and proves it the same way, so that is here once:
 *
 *   prepare   page mode, PU, input, plan           (start-up: outside every figure)
 *   rehearse  one cycle with all probes: ops, bytes, both checksums. It also is the warm-up of every arm that has one. Where it
 *             would spoil the heap that is measured (pass memory, arm keep) a child process rehearses.
 *   blocks    equal pieces of work; each must give the rehearsal's checksum and take as many refills as every other
 *
 * A lane is one thread of the cell: its own plan (drawn from its own seed, so what it builds does not depend on who runs when), its
 * own environment of the backend, its own probe. Lane 0 is the main thread, and a cell of one thread is lane 0 alone, with no
 * other thread in the process. hx_team.h runs them.
 *
 * Threads: functions here are called by the main thread. A lane's fields belong to its thread while hx_team runs a step, to the
 * main thread otherwise. No malloc. */
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
    uint64_t time_ns; /* of the job: from the common start to the last lane's end */
    uint64_t refills; /* of the job: all lanes together */
    uint64_t checksum;
};

struct hx_job;
struct hx_lane {
    struct hx_job *job;
    unsigned index;
    const void *plan;
    struct hx_env *env;
    struct hx_probe *probe; /* of forms SCOPES and CALLS; a mapping of its own */
    struct hx_cycle cycle;
    struct hx_sizes *sizes; /* with litter: what a cycle asks for */
    uint64_t litter_bytes;  /* of it that stay */
    struct hx_block *block; /* ask->blocks of them; the lane's own checksums */
    struct hx_pin_proof pin;
    struct hx_pin_verdict verdict;
    uint64_t end_ns; /* of the block that ran last */
    uint64_t cpu_ns; /* thread CPU time of all blocks so far; more than one lane only */
    /* Faults that bringing the backend into position took, between blocks: not the blocks' own. */
    struct hx_usage position_usage;
};

struct hx_team;
struct hx_job {
    const struct hx_ask *ask;
    const struct sc_info *scenario;
    const char *backend_options; /* those of the request without the scenario's own (rate=) */
    const struct sc_code *code[3]; /* by HX_PROBE_* */
    struct hx_lane *lane;          /* ask->threads of them */
    struct hx_team *team;          /* NULL until hx_team_start */
    struct hx_cycle cycle;         /* all lanes': sums; checksums folded in the order of lanes */
    struct hx_block *block;        /* ask->blocks of them */
    bool started;   /* hx_job_begin has been called */
    bool rehearsed; /* cycles are known */
    struct hx_figure migrations; /* set by hx_report_begin */
};

/* Everything up to the plan. Dies on bad input. */
void hx_job_prepare(struct hx_job *job, const struct hx_ask *ask);

/* Learns job->cycle in a child process, so that this one's heap stays as it is. Dies with the child's line. */
void hx_job_rehearse_aside(struct hx_job *job);

/* Rehearses aside where the arm needs that, and starts the team; a second call does nothing. */
void hx_job_begin(struct hx_job *job);

/* hx_job_begin, then opens the backend in each lane, rehearses (unless that was done aside), brings it into
 * position. Dies when the backend cannot. */
void hx_job_open(struct hx_job *job);

/* Runs block `index` by the form of `probe` and notes time, checksum and refills, then brings the backend into position. */
void hx_job_block(struct hx_job *job, unsigned index, unsigned probe);

/* After all blocks: dies unless each built the same as the rehearsal and, with one lane, took the same number of refills. Lanes
 * that share a heap hand chunks to each other, so how many refills a block of several lanes takes is the schedule's choice. */
void hx_job_verify(const struct hx_job *job);

/* Faults of all lanes between blocks. */
struct hx_usage hx_job_position_usage(const struct hx_job *job);

/* Whether each lane stayed on its PU; *migrations: moves of all lanes, none with the reason when they are not bound. */
bool hx_job_migrated(struct hx_job *job, struct hx_figure *migrations);

/* Lanes for each PU of the request; 1 when there are as many, and when the request names none. */
double hx_job_lanes_per_pu(const struct hx_ask *ask);

static inline uint64_t hx_job_ops_per_block(const struct hx_job *job) {
    return job->cycle.ops * job->ask->cycles_per_block;
}

static inline uint64_t hx_job_ops_total(const struct hx_job *job) {
    return hx_job_ops_per_block(job) * job->ask->blocks;
}

/* One line of JSON for fd 3: head first, then metrics, then whatever the pass adds. */
struct hx_text;
void hx_report_begin(struct hx_text *text, struct hx_job *job); /* leaves the "metrics" list open */
void hx_report_metric(struct hx_text *text, const char *phase, const char *metric, const char *unit, struct hx_figure figure);
void hx_report_word(struct hx_text *text, const char *phase, const char *metric, const char *word);
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
