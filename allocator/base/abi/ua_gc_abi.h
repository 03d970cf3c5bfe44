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
    uint64_t stop_ns;  /* from the request until every thread stood still */
    uint64_t mark_ns;  /* marking, inside the pause under collect=stw */
    uint64_t sweep_ns; /* after the pause under collect=stw */
    uint64_t pause_ns; /* whole time the world stood still */
    uint64_t heap_live_start_bytes;
    uint64_t heap_goal_bytes; /* the goal this cycle was started for */
    uint64_t trigger_bytes;
    uint64_t heap_marked_bytes;
    uint64_t heap_scan_work_bytes;
    uint64_t stack_scan_work_bytes;
    uint64_t globals_scan_work_bytes;
    uint64_t assist_ns;
    uint64_t chunks_readied;   /* chunks that left quarantine */
    uint64_t objects_freed;
    uint64_t next_goal_bytes;
    uint64_t next_trigger_bytes;
};

#endif
