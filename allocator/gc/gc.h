/* gc.h - the collector of one heap: its parts put together, and what the layers above call.
 *
 * Life of a cycle, collect=stw, under the world lock:
 *
 *   off --stop the world--> mark (roots, drain, finalizers) --> mark termination (pacer, ledger) --> off
 *       --start the world--> quarantined chunks without a mark become ready, chunks freed meanwhile are set to fault; sweep
 *
 * collect=concurrent, the world lock held only while the world is stopped and while it settles:
 *
 *   off --stop--> opening pause (roots, fronts of active chunks; barriers on, new objects black) --start-->
 *   mark (workers, assists, whoever forced it) --nothing grey left: stop--> mark termination (finalizers, pacer, ledger)
 *       --start--> chunks as above; sweep by workers and allocations
 *
 * ua_gc_mark_open / _close cut a cycle in two for tests: between them the program runs, frees go to the fault list, and new
 * objects survive. Under stw all marking happens at close, since plain stores may have changed anything until then; under
 * concurrent the opening pause is real, and the marking of what it and the barriers found happens at close.
 *
 * Guards: `world` = the world lock. Cells read by allocating threads are atomic. */
#ifndef ALLOCATOR_GC_GC_H
#define ALLOCATOR_GC_GC_H

#include "base/abi/ua_gc_abi.h"
#include "base/abi/ua_histogram.h"
#include "gc/assist.h"
#include "gc/pacer.h"
#include "gc/pool.h"
#include "gc/room.h"
#include "gc/root_scan.h"
#include "gc/sweep.h"
#include "gc/workers.h"
#include "gc/world.h"

#define UA_GC_EVENTS_KEPT 256u

typedef void ua_gc_free_arena_fn(struct ua_arena *arena);
/* For verify=full; debug/ is above us. Called with the world stopped. */
typedef void ua_gc_verify_fn(struct ua_heap *heap);

/* Whether a concurrent mark is open. HELD: by a test, and nobody but ua_gc_mark_close ends it. */
enum ua_gc_state { UA_GC_IDLE, UA_GC_RUNNING, UA_GC_HELD };

/* What is counted while a concurrent mark runs; all atomic. */
struct ua_gc_counts {
    uint64_t bytes_marked, objects_marked, heap_scan_work; /* by helpers and workers that have left */
    uint64_t born_bytes;                                   /* chunks and large objects made black */
    uint64_t barriers, assists, restarts;
    uint64_t background_ns, assist_ns, forced_ns, wait_ns;
    uint64_t total_alloc_start; /* the ledger's total_alloc at the opening pause */
};

struct ua_gc {
    struct ua_heap *heap;
    ua_gc_free_arena_fn *free_arena; /* constant; arena/ is above us */
    ua_gc_verify_fn *verify_mark;    /* after a mark, before its sweep. Constant once the heap is handed out; NULL: not wanted */
    ua_gc_verify_fn *verify_swept;   /* before a mark begins; ditto */
    struct ua_pacer pacer;           /* guard: pacer_lock */
    struct ua_lock pacer_lock;       /* rank LEAF */
    struct ua_roots_set roots;
    struct ua_small_heap small;
    struct ua_marker marker;         /* guard: world */
    struct ua_root_work root_work;   /* of the running mark; guard: world */
    struct ua_segments segments;     /* guard: world */
    struct ua_work born;             /* objects made while a mark is open; guard: roots.lock */
    bool mark_open;                  /* a test's; guard: world */
    bool concurrent;                 /* constant: collect=concurrent */
    uint32_t state;                  /* atomic, enum ua_gc_state; changes with the world stopped */
    uint32_t stopped_marking;        /* atomic: workers help to mark in the pause (stw) */
    uint64_t serial;                 /* atomic; the open mark's number, unique in the process */
    struct ua_mark_pool pool;
    struct ua_gc_counts counts;
    struct ua_workers workers;
    struct ua_sweep sweep;
    struct ua_assists assists;
    struct ua_gc *next_collector;   /* all collectors of the process, for fork; guard: world */
    int32_t processor_count;         /* constant */
    uint64_t trigger_bytes;          /* atomic; heap_live that starts the next cycle */
    uint64_t goal_bytes;             /* atomic */
    uint64_t quarantine_floor_bytes; /* atomic; what the last sweep had to leave in quarantine */
    bool birth_due;              /* atomic; quarantine asks for a collection before the next arena is made */
    uint64_t claimed_bytes;          /* atomic; see room.h */
    uint64_t last_end_ns;            /* atomic; 0 before the first cycle */
    uint64_t cycle_count;            /* atomic */
    uint64_t decay_began_ns;         /* atomic; start of the period that idle memory is watched in */
    uint64_t decay_least_bytes;      /* atomic; the least that was idle in it */
    uint64_t scan_alloc_basis;       /* scan_alloc, the ledger's and ours, at the end of the last cycle; guard: world */
    uint64_t scan_alloc_objects;     /* atomic; scannable bytes of objects, as booked when spans are taken */
    struct ua_histogram stop_times, pause_cpu_times, pause_times; /* atomic; written under the world lock */
    struct ua_gc_event current;      /* guard: world; pacer_lock too from settle on */
    struct ua_ring events;           /* struct ua_gc_event, numbered by cycle; guard: pacer_lock */
};

/* Hangs a collector on a heap that nobody else knows yet; attaches the calling thread. False after ua_error_set. */
bool ua_gc_init(struct ua_heap *heap, ua_gc_free_arena_fn *free_arena);

/* A whole cycle. Unless forced, only if its cause still holds once the world lock is had. */
void ua_gc_collect(struct ua_gc *gc, enum ua_gc_cause cause);
/* Collects if a trigger is reached: heap_live, quarantine or the two-minute period. The caller holds no lock. */
void ua_gc_poll(struct ua_gc *gc);
/* Before a chunk is taken: collects rather than have the heap grow while the quarantine is nearly full. The caller holds no lock. */
void ua_gc_poll_growth(struct ua_gc *gc);
/* Between the lives of arenas (decision 0049): whether what a free brought into quarantine calls for a collection, and that collection. */
bool ua_gc_note_freed(struct ua_gc *gc, size_t count);
void ua_gc_poll_birth(struct ua_gc *gc);
/* Gives idle memory back when the memory limit or decay_ms asks for it. The caller holds no lock. */
void ua_gc_scavenge(struct ua_gc *gc);
/* The knobs changed, or a cycle ended: computes trigger and goal anew. */
void ua_gc_commit(struct ua_gc *gc);

/* What a thread did that took part in a mark. */
struct ua_gc_help {
    uint64_t scan_work;
    uint64_t step_bytes; /* for items taken; 0: there was nothing grey to take */
    bool complete;       /* that was the last of it */
};
/* Takes part in the running mark: about work_bytes of scanning on the calling thread, which a collection can stop before and
 * after. Less when it went through UA_GC_HELP_STEPS times that in items, which led to what is marked already. */
#define UA_GC_HELP_STEPS 8u
struct ua_gc_help ua_gc_help(struct ua_gc *gc, uint64_t work_bytes);
/* What was marked so far by markers that have left, and what was born marked. Exact with the world stopped and nothing grey. */
uint64_t ua_gc_marked_bytes(const struct ua_gc *gc);
/* What a marker has counted goes into the totals; its scan work also to the pacer, as background credit if so. */
void ua_gc_flush(struct ua_gc *gc, struct ua_marker *marker, bool credit);
/* Nothing is grey any more: ends the running mark, unless somebody else does or new grey objects turn up. */
void ua_gc_terminate(struct ua_gc *gc);

/* Barriers (barrier.c), for stores into memory that is read by type. */
void ua_barrier_store(struct ua_gc *gc, void **slot, void *value);
void ua_barrier_copy(struct ua_gc *gc, const struct ua_layout *layout, void *to, const void *from, size_t bytes);
void ua_barrier_clear(struct ua_gc *gc, const struct ua_layout *layout, void *at, size_t bytes);
void ua_barrier_rewind(struct ua_heap *heap, struct ua_span *chunk, uintptr_t from);
/* Frees an object by hand: at once, or with the next sweep where a marker may be reading it. */
void ua_barrier_free(struct ua_gc *gc, struct ua_span *span, uintptr_t object);

/* For tests; see above. open during an open mark and close without one: fatal. */
void ua_gc_mark_open(struct ua_gc *gc);
void ua_gc_mark_close(struct ua_gc *gc);

/* One object from a span that the thread owns; NULL when that does not do, or the type is larger or more aligned than most: then
 * ua_gc_alloc does, which also looks whether the type is good. A type that is not has no span. */
void *ua_gc_alloc_one(struct ua_heap *heap, const struct ua_type *type);
/* Objects of the collected heap; as ua_heap_alloc, arguments checked. */
void *ua_gc_alloc(struct ua_heap *heap, const struct ua_layout *layout, size_t count, size_t bytes, size_t align_bytes);
void ua_gc_free(struct ua_gc *gc, uintptr_t object);

/* The start of the object that holds the address, 0 when it is in none (chunks included: 0). */
uintptr_t ua_gc_object_start(struct ua_gc *gc, uintptr_t address);
/* Runs queued finalizers, or with arenas_only just the frees of abandoned arenas. Nothing inside a finalizer. */
size_t ua_gc_run_finalizers(struct ua_gc *gc, bool arenas_only);
size_t ua_gc_read_events(struct ua_gc *gc, struct ua_gc_event *events, size_t capacity);

#endif
