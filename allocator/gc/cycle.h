/* cycle.h - the steps that both kinds of collection are made of; cycle.c puts them together for collect=stw, concurrent.c
 * for collect=concurrent. Nobody else includes it. */
#ifndef ALLOCATOR_GC_CYCLE_H
#define ALLOCATOR_GC_CYCLE_H

#include "gc/gc.h"
#include "os/clock.h"

static inline uint64_t ua_gc_now_ns(const struct ua_gc *gc)
{
    return ua_clock_now_ns(gc->heap->clock);
}

static inline uint64_t ua_gc_load(const uint64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

static inline void ua_gc_store(uint64_t *cell, uint64_t value)
{
    __atomic_store_n(cell, value, __ATOMIC_RELAXED);
}

static inline void ua_gc_add(uint64_t *cell, uint64_t value)
{
    __atomic_fetch_add(cell, value, __ATOMIC_RELAXED);
}

/* trigger.c. Guard: pacer_lock. load_ledger brings the pacer's inputs up to date; while a mark runs heap_scan stays as it
 * was when it began. plan_next publishes trigger and goal. */
void ua_gc_load_ledger(struct ua_gc *gc);
struct ua_pacer_plan ua_gc_plan_next(struct ua_gc *gc);
bool ua_gc_is_due(struct ua_gc *gc, enum ua_gc_cause cause);

/* A pause. World lock held. */
struct ua_gc_pause {
    uint64_t asked_ns;
    uint64_t stopped_ns;
    uint64_t cpu_ns;
};
void ua_gc_stop(struct ua_gc *gc, struct ua_gc_pause *pause);
/* Starts the world and books the pause; `opening` says as which. */
void ua_gc_start(struct ua_gc *gc, const struct ua_gc_pause *pause, bool opening);

/* World stopped. The mark opens: from here frees wait and new objects survive. */
void ua_gc_begin(struct ua_gc *gc, enum ua_gc_cause cause, const struct ua_gc_pause *pause);
/* World stopped, lock of the roots held. Roots, chunks in use and what finalizers need are grey or marked. */
void ua_gc_mark_roots(struct ua_gc *gc, struct ua_root_work *work);
/* The same: drains, then queues finalizers and abandoned arenas. */
void ua_gc_mark_rest(struct ua_gc *gc);
/* World stopped, everything is marked: pacer, ledger, the sweep begins. Returns the chunks that may be made ready. */
struct ua_span *ua_gc_conclude(struct ua_gc *gc);
/* The world runs again; the world lock is still held. */
void ua_gc_settle(struct ua_gc *gc, struct ua_span *ready);

/* A number for a mark, unique in the process. */
uint64_t ua_gc_new_serial(void);

/* concurrent.c. World lock held, no mark open, all swept. */
void ua_gc_open_concurrent(struct ua_gc *gc, enum ua_gc_cause cause, bool held);
/* World lock held: ends a held mark. */
void ua_gc_close_held(struct ua_gc *gc);
/* Forced: marks until it is done and swept. Else: opens a mark if the cause still holds. */
void ua_gc_collect_concurrent(struct ua_gc *gc, enum ua_gc_cause cause);
/* ua_gc_terminate for a caller that holds the world lock. */
void ua_gc_terminate_locked(struct ua_gc *gc);
/* Something grey is in others' hands and nothing is to be had: sleeps until that changes since `seen`, counted as waiting. */
void ua_gc_wait_for_grey(struct ua_gc *gc, uint32_t seen);
/* Marks until no mark runs. */
void ua_gc_finish_running(struct ua_gc *gc);
/* The process's collectors, for fork. */
void ua_gc_list(struct ua_gc *gc);
void ua_gc_unlist(struct ua_gc *gc);

#endif
