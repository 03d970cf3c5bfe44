/* pacer.h - when a collection starts, how large the heap may become, and how hard allocation has to help.
 *
 * Why: arenas gain by freeing early, so that garbage does not count against the collector. That claim can only be shown
 * in numbers if the collector's pacing is the real thing, so this is Go 1.20's controller (gcControllerState), bit for
 * bit: the same integer wrap-around, the same order of floating-point operations, the same conversions as on amd64.
 *
 * Pure arithmetic: numbers in, a plan out. No clock, no heap, no lock, no memory of its own; whoever owns a ua_pacer
 * guards it (the collector: ua_gc.lock). Compiled with -ffp-contract=off, since a fused multiply-add would differ.
 *
 * Not here: what is counted (acct/), who marks (cycle.c, mark.c), assist credit (assist.c).
 *
 * Units: *_bytes and heap_* are bytes, *_work are bytes scanned, *_time are nanoseconds. */
#ifndef ALLOCATOR_GC_PACER_H
#define ALLOCATOR_GC_PACER_H

#include <stdbool.h>
#include <stdint.h>

/* Not in a cycle: `triggered` holds this. Also "no goal" (gogc off). */
#define UA_PACER_NONE UINT64_MAX
/* No memory limit. */
#define UA_PACER_NO_LIMIT INT64_MAX

/* Heap minimum at gogc = 100; Go scales it with gogc. */
#define UA_PACER_HEAP_MINIMUM_BYTES ((uint64_t)4 << 20)
/* Share of the CPU that background marking takes, and that the pacer plans with. */
#define UA_PACER_UTILIZATION 0.25
/* What lies between the memory limit and the heap goal derived from it. */
#define UA_PACER_LIMIT_HEADROOM_BYTES ((uint64_t)1 << 20)
/* Allocation that the sweeper may need to finish in before the next cycle can start. */
#define UA_PACER_SWEEP_MIN_BYTES ((uint64_t)1 << 20)
/* The goal of a running cycle stays this far above its trigger. */
#define UA_PACER_RUNWAY_MIN_BYTES ((uint64_t)64 << 10)

struct ua_pacer {
    int32_t gc_percent;   /* -1 = off */
    int64_t memory_limit; /* UA_PACER_NO_LIMIT = none */
    uint64_t heap_minimum;
    uint64_t runway;
    double cons_mark; /* mean of the last two cycles: bytes allocated per byte marked, per CPU share */
    double last_cons_mark;
    uint64_t gc_percent_heap_goal;
    uint64_t sweep_dist_min_trigger;
    uint64_t triggered; /* heap_live when the running cycle started, else UA_PACER_NONE */
    uint64_t last_heap_goal;

    uint64_t heap_live;
    uint64_t heap_scan;
    uint64_t heap_marked;
    uint64_t last_heap_scan;
    uint64_t last_stack_scan;
    uint64_t max_stack_scan;
    uint64_t globals_scan;

    int64_t heap_scan_work;
    int64_t stack_scan_work;
    int64_t globals_scan_work;
    int64_t bg_scan_credit;
    int64_t assist_time;
    int64_t dedicated_mark_time;
    int64_t fractional_mark_time;
    int64_t idle_mark_time;
    int64_t mark_start_time;
    int64_t dedicated_workers_needed;
    int64_t max_idle_workers;
    double fractional_utilization_goal;
    double assist_work_per_byte;
    double assist_bytes_per_work;

    uint64_t heap_free;
    uint64_t total_alloc;
    uint64_t total_free;
    uint64_t mapped_ready; /* >= heap_free + total_alloc - total_free, always */
};

/* The heap may grow to goal; the next cycle starts at trigger <= goal. */
struct ua_pacer_plan {
    uint64_t trigger;
    uint64_t goal;
    uint64_t min_trigger;
};

/* How much a mutator in debt by `debt_bytes` has to mark. */
struct ua_pacer_assist {
    int64_t scan_work;
    int64_t debt_bytes;
};

enum ua_pacer_worker { UA_PACER_DEDICATED, UA_PACER_FRACTIONAL, UA_PACER_IDLE };

/* Sweep debt: pages to sweep per byte allocated, counted from the two bases. 0 = sweep is done. */
struct ua_pacer_sweep {
    double pages_per_byte;
    uint64_t heap_live_basis;
    uint64_t pages_swept_basis;
};

/* Zeroes p, sets both knobs and commits with the sweep done. */
void ua_pacer_init(struct ua_pacer *p, int32_t gc_percent, int64_t memory_limit);
/* Return the old value. A negative percent is off; a negative limit only reads. The caller commits. */
int32_t ua_pacer_set_gc_percent(struct ua_pacer *p, int32_t gc_percent);
int64_t ua_pacer_set_memory_limit(struct ua_pacer *p, int64_t limit_bytes);
/* Computes goal and runway of the next cycle from what the last one marked. */
void ua_pacer_commit(struct ua_pacer *p, bool sweep_done);

uint64_t ua_pacer_memory_limit_goal(const struct ua_pacer *p);
/* goal and min_trigger; trigger is left equal to goal. */
struct ua_pacer_plan ua_pacer_goal(const struct ua_pacer *p);
struct ua_pacer_plan ua_pacer_trigger(const struct ua_pacer *p);

/* procs = CPUs that run mutators and workers, > 0; now in ns on any steady clock. stop_the_world plans every CPU as a
 * dedicated worker, as Go's gcstoptheworld does; time_trigger: the cycle was started by the two-minute timer. */
void ua_pacer_start_cycle(struct ua_pacer *p, int64_t now_ns, int32_t procs, bool time_trigger);
void ua_pacer_plan_stop_the_world(struct ua_pacer *p, int32_t procs);
void ua_pacer_revise(struct ua_pacer *p);
void ua_pacer_end_cycle(struct ua_pacer *p, int64_t now_ns, int32_t procs);
void ua_pacer_reset_live(struct ua_pacer *p, uint64_t bytes_marked);
/* Moves heap_live by live_delta; heap_scan by scan_delta outside a mark only (inside, it is dropped and ratios revised). */
void ua_pacer_update(struct ua_pacer *p, int64_t live_delta, int64_t scan_delta, bool marking);
void ua_pacer_worker_stop(struct ua_pacer *p, enum ua_pacer_worker kind, int64_t duration_ns);

/* Assist: at least 64 KiB of work a time, so that the price of starting is paid rarely. debt_bytes > 0. */
struct ua_pacer_assist ua_pacer_assist_plan(const struct ua_pacer *p, int64_t debt_bytes);
/* Whether the last revise found no byte left between the live heap and its goal, overshoot included. */
bool ua_pacer_is_out_of_room(const struct ua_pacer *p);
/* Bytes of allocation that `work` of marking pays for (at least 1). */
int64_t ua_pacer_assist_credit(const struct ua_pacer *p, int64_t work);

struct ua_pacer_sweep ua_pacer_sweep_plan(const struct ua_pacer *p, uint64_t trigger, bool sweep_done,
                                          uint64_t pages_in_use, uint64_t pages_swept);

/* Go's float conversions on amd64, defined for every input: NaN, infinities and what does not fit included. */
int64_t ua_pacer_to_i64(double x);
uint64_t ua_pacer_to_u64(double x);

#endif
