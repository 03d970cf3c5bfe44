/* hx_arena_trace.h - libua's finished collections as rows of gc.tsv: one a phase of the collector.
 *
 * Why: that arenas free early without counting against the collector shows in when it runs and on what: heap live, goal, trigger. */
#ifndef HX_ARENA_TRACE_H
#define HX_ARENA_TRACE_H

#include "backends/hx_backend.h"
#include "ua.h"

enum { HX_ARENA_TRACE_EVENTS = HX_GC_PHASES_MAX / 3 };

HX_INLINE const char *hx_arena_cause(enum ua_gc_cause cause) {
    static const char *const names[] = {[UA_GC_FORCED] = "forced",
                                        [UA_GC_HEAP] = "heap",
                                        [UA_GC_QUARANTINE] = "quarantine",
                                        [UA_GC_LIMIT] = "limit",
                                        [UA_GC_TIME] = "time"};
    return names[cause];
}

/* Fills `rows`; returns how many. The newest collections when there were more than fit. */
HX_INLINE size_t hx_arena_trace(struct ua_heap *heap, struct hx_gc_phase *rows) {
    struct ua_gc_event events[HX_ARENA_TRACE_EVENTS]; /* 70 KiB: static it would be read as a root by each collection */
    size_t count = ua_gc_events(heap, events, HX_ARENA_TRACE_EVENTS);
    for (size_t i = 0; i < count; i++) {
        const struct ua_gc_event *e = &events[i];
        /* A concurrent mark ends when the world stands again: the wait for that is in mark_ns and in stop_ns. */
        uint64_t marked_ns = e->mark_end_ns != 0 ? e->mark_end_ns : e->start_ns + e->stop_ns + e->mark_ns;
        const struct hx_gc_phase begin = {.cycle = e->cycle,
                                          .phase = "mark",
                                          .cause = hx_arena_cause(e->cause),
                                          .time_ns = e->start_ns,
                                          .heap_live_bytes = e->heap_live_start_bytes,
                                          .goal_bytes = e->heap_goal_bytes,
                                          .trigger_bytes = e->trigger_bytes};
        rows[3 * i] = rows[3 * i + 1] = rows[3 * i + 2] = begin;
        struct hx_gc_phase *marked = &rows[3 * i + 1], *off = &rows[3 * i + 2];
        marked->phase = "termination";
        marked->time_ns = marked_ns;
        marked->mark_work_bytes = e->heap_scan_work_bytes + e->stack_scan_work_bytes + e->globals_scan_work_bytes;
        marked->assist_ns = e->assist_ns;
        marked->pause_ns = e->pause_ns;
        off->phase = "off";
        off->sweep_ns = e->sweep_ns;
        off->time_ns = marked_ns + e->sweep_ns;
        off->heap_live_bytes = e->heap_marked_bytes;
        off->goal_bytes = e->next_goal_bytes;
        off->trigger_bytes = e->next_trigger_bytes;
    }
    return 3 * count;
}

#endif
