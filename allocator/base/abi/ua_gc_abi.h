/* ua_gc_abi.h - what the collector reports and the program reads: cause and figures of a collection.
 *
 * Why here and not in ua_gc.h: gc/ fills these and must not include the public API above it; see ua_abi.h. Installed. */
#ifndef UA_GC_ABI_H
#define UA_GC_ABI_H

#include <stdint.h>

/* Why a collection was started. */
enum ua_gc_cause { UA_GC_FORCED, UA_GC_HEAP, UA_GC_QUARANTINE, UA_GC_LIMIT, UA_GC_TIME };

/* One finished cycle; times in ns of the monotonic clock, sizes in bytes. */
struct ua_gc_event {
    uint64_t cycle; /* from 1 */
    enum ua_gc_cause cause;
    uint64_t start_ns;
    uint64_t stop_ns;  /* from the request until every thread stood still, all stops of the cycle */
    uint64_t mark_ns;  /* stw: marking, inside the pause; concurrent: from the opening pause to mark termination */
    uint64_t sweep_ns; /* after the pause; whoever swept */
    uint64_t pause_ns; /* whole time the world stood still */
    uint64_t heap_live_start_bytes;
    uint64_t heap_goal_bytes; /* the goal this cycle was started for */
    uint64_t trigger_bytes;
    uint64_t heap_marked_bytes;
    uint64_t heap_scan_work_bytes;
    uint64_t stack_scan_work_bytes;
    uint64_t globals_scan_work_bytes;
    uint64_t assist_ns; /* CPU time of allocating threads that marked */
    uint64_t chunks_readied;   /* chunks that left quarantine */
    uint64_t objects_freed;
    uint64_t next_goal_bytes;
    uint64_t next_trigger_bytes;

    /* What follows tells a concurrent mark; 0 under collect=stw unless it says otherwise. */
    uint64_t mark_start_ns;       /* the opening pause is done, the world about to run again */
    uint64_t mark_end_ns;         /* mark termination was asked for */
    uint64_t open_stop_ns;        /* stop latency and length of the two pauses; the CPU time inside is the pausing thread's */
    uint64_t open_pause_ns;
    uint64_t open_cpu_ns;
    uint64_t close_stop_ns;       /* stw: of the one pause */
    uint64_t close_pause_ns;
    uint64_t close_cpu_ns;
    uint64_t background_ns;       /* CPU time of background workers marking */
    uint64_t forced_ns;           /* CPU time of threads that marked because they asked for the collection */
    uint64_t wait_ns;             /* time that those two kinds of threads waited, with nothing grey to be had, summed over threads */
    uint64_t barrier_count;       /* ua_store, ua_copy and ua_clear calls while marking */
    uint64_t mark_alloc_bytes;    /* allocated while marking */
    uint64_t assist_count;
    uint64_t restart_count;       /* mark terminations that found new grey objects and let the world run again */
    uint32_t worker_count;
    uint32_t processor_count;
};

/* What a pacing decision was taken from, all as the controller had it at that moment (bytes; -1 = gogc off). */
struct ua_gc_pace {
    int32_t gc_percent;
    uint64_t heap_live, heap_scan, heap_goal, triggered;
    uint64_t last_heap_scan, last_stack_scan, globals_scan, max_stack_scan;
    int64_t heap_scan_work, stack_scan_work, globals_scan_work;
};

/* One assist: an allocating thread in debt paid by taking background credit, by marking, or both. Planned with `plan`, what
 * it marked was paid out at the rate of `pay`. */
struct ua_gc_assist_event {
    uint64_t cycle;         /* the cycle it was planned in, from 1; it may end in a later one */
    uint64_t time_ns;       /* of its end: events are in this order */
    int64_t debt_bytes;     /* before, > 0 */
    int64_t planned_work;   /* bytes of scan work */
    int64_t planned_bytes;  /* of debt that the planned work pays */
    int64_t stolen_work;    /* taken from background credit */
    int64_t stolen_bytes;   /* of debt that paid */
    int64_t done_work;      /* marked */
    int64_t done_bytes;
    struct ua_gc_pace plan;
    struct ua_gc_pace pay;  /* valid when done_work > 0 */
};

#endif
