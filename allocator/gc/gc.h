/* gc.h - the collector of one heap: its parts put together, and what the layers above call.
 *
 * Life of a cycle (collect = stw), under the world lock all the way:
 *
 *   off --stop the world--> mark (roots, drain, finalizers) --> mark termination (pacer, ledger, sweep) --> off
 *       --start the world--> quarantined chunks without a mark become ready, chunks freed meanwhile are set to fault
 *
 * ua_gc_mark_open / _close cut it in two for tests: between them the program runs, frees go to the fault list, and new
 * objects survive; the marking itself happens at close, with the world stopped, since plain stores may have changed
 * anything until then.
 *
 * Guards: `world` = the world lock. Cells read by allocating threads are atomic. */
#ifndef ALLOCATOR_GC_GC_H
#define ALLOCATOR_GC_GC_H

#include "base/abi/ua_gc_abi.h"
#include "gc/mark.h"
#include "gc/pacer.h"
#include "gc/root_scan.h"
#include "gc/world.h"

#define UA_GC_EVENTS_KEPT 256u

typedef void ua_gc_free_arena_fn(struct ua_arena *arena);
/* For verify=full; debug/ is above us. Called with the world stopped: after a mark and before its sweep. */
typedef void ua_gc_verify_fn(struct ua_heap *heap);

struct ua_gc {
    struct ua_heap *heap;
    ua_gc_free_arena_fn *free_arena; /* constant; arena/ is above us */
    ua_gc_verify_fn *verify_mark;    /* constant once the heap is handed out; NULL: not wanted */
    struct ua_pacer pacer;           /* guard: pacer_lock */
    struct ua_lock pacer_lock;       /* rank LEAF */
    struct ua_roots_set roots;
    struct ua_small_heap small;
    struct ua_marker marker;         /* guard: world */
    struct ua_segments segments;     /* guard: world */
    struct ua_work born;             /* objects made while a mark is open; guard: roots.lock */
    bool mark_open;                  /* guard: world */
    int32_t processor_count;         /* constant */
    uint64_t trigger_bytes;          /* atomic; heap_live that starts the next cycle */
    uint64_t goal_bytes;             /* atomic */
    uint64_t quarantine_floor_bytes; /* atomic; what the last sweep had to leave in quarantine */
    uint64_t last_end_ns;            /* atomic; 0 before the first cycle */
    uint64_t cycle_count;            /* atomic */
    uint64_t decay_began_ns;         /* atomic; start of the period that idle memory is watched in */
    uint64_t decay_least_bytes;      /* atomic; the least that was idle in it */
    uint64_t scan_alloc_basis;       /* ledger's scan_alloc at the end of the last cycle; guard: world */
    struct ua_gc_event current;      /* guard: world */
    struct ua_gc_event events[UA_GC_EVENTS_KEPT]; /* ring, index = cycle % size; guard: pacer_lock */
};

/* Hangs a collector on a heap that nobody else knows yet; attaches the calling thread. False after ua_error_set. */
bool ua_gc_init(struct ua_heap *heap, ua_gc_free_arena_fn *free_arena);

/* A whole cycle. Unless forced, only if its cause still holds once the world lock is had. */
void ua_gc_collect(struct ua_gc *gc, enum ua_gc_cause cause);
/* Collects if a trigger is reached: heap_live, quarantine or the two-minute period. The caller holds no lock. */
void ua_gc_poll(struct ua_gc *gc);
/* Gives idle memory back when the memory limit or decay_ms asks for it. The caller holds no lock. */
void ua_gc_scavenge(struct ua_gc *gc);
/* The knobs changed, or a cycle ended: computes trigger and goal anew. */
void ua_gc_commit(struct ua_gc *gc);

/* For tests; see above. open during an open mark and close without one: fatal. */
void ua_gc_mark_open(struct ua_gc *gc);
void ua_gc_mark_close(struct ua_gc *gc);

/* An object of the collected heap; as ua_heap_alloc, arguments checked. */
void *ua_gc_alloc(struct ua_heap *heap, const struct ua_layout *layout, size_t count, size_t bytes, size_t align_bytes);
void ua_gc_free(struct ua_gc *gc, uintptr_t object);

/* The start of the object that holds the address, 0 when it is in none (chunks included: 0). */
uintptr_t ua_gc_object_start(struct ua_gc *gc, uintptr_t address);
/* Runs queued finalizers, or with arenas_only just the frees of abandoned arenas. Nothing inside a finalizer. */
size_t ua_gc_run_finalizers(struct ua_gc *gc, bool arenas_only);
size_t ua_gc_read_events(struct ua_gc *gc, struct ua_gc_event *events, size_t capacity);

#endif
