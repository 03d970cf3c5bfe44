/* pool.h - grey objects that belong to no marker in particular, and who is still at work.
 *
 * Why: roots are found in a pause, overwritten pointers by barriers, and a marker may have more than its share; whoever marks
 * (background workers, allocating threads, the thread that forces a collection) takes from here. A mark is complete when the
 * pool is empty and nobody is at work: only a marker at work can make grey objects, and a barrier, which puts them here.
 *
 * A marker enters before it takes and leaves after it has given everything back. A thread that can be stopped by a
 * collection is at work only where no stop cuts in (ua_lock_defer_begin).
 * Lock: rank GREY. `changed` counts what sleepers wait for: something to take, or completion. */
#ifndef ALLOCATOR_GC_POOL_H
#define ALLOCATOR_GC_POOL_H

#include "gc/mark.h"

struct ua_mark_pool {
    struct ua_lock lock;
    struct ua_marker marker;   /* its grey set is the pool's; barriers mark with it; guard: lock */
    struct ua_marker *helpers; /* markers for whoever helps, not in use; guard: lock */
    unsigned at_work;          /* guard: lock */
    uint32_t changed;          /* atomic */
    uint32_t sleepers;         /* atomic; who waits for a change */
    bool has_some;             /* atomic: there is something to take; changes under lock */
    bool lost;                 /* somebody dropped an item; guard: lock */
};

void ua_pool_init(struct ua_mark_pool *pool, const struct ua_marker *leader, uint64_t *lock_count);
void ua_pool_deinit(struct ua_mark_pool *pool);
/* World stopped: a mark begins; what its leader knows of address ranges the pool's marker knows. Empty. A
 * worker may be at work all the same, with nothing in its hands. */
void ua_pool_begin(struct ua_mark_pool *pool, const struct ua_marker *leader);
/* In a forked child: whoever was at work is not there any more. */
void ua_pool_forget(struct ua_mark_pool *pool);

/* A marker to help with, at work from now on; NULL without memory. */
struct ua_marker *ua_pool_borrow(struct ua_mark_pool *pool);
/* Leaves with it; see ua_pool_leave. */
bool ua_pool_return(struct ua_mark_pool *pool, struct ua_marker *helper);

void ua_pool_enter(struct ua_mark_pool *pool);
/* Gives back what the marker has left. True when that completes the mark. */
bool ua_pool_leave(struct ua_mark_pool *pool, struct ua_marker *marker);
/* A buffer of grey objects for a marker at work that has none, or half of the last one; false when the pool is empty. */
bool ua_pool_take(struct ua_mark_pool *pool, struct ua_marker *marker);
/* If the pool is empty, gives a buffer away, or the older half of the only one. */
void ua_pool_share(struct ua_mark_pool *pool, struct ua_marker *marker);
/* Gives everything away that the marker has; it stays at work. */
void ua_pool_give(struct ua_mark_pool *pool, struct ua_marker *marker);
bool ua_pool_is_complete(struct ua_mark_pool *pool);
/* Whether an item was dropped for want of a buffer since the mark began. */
bool ua_pool_has_lost(struct ua_mark_pool *pool);
/* Whatever lies at the address, or in the range of values, is reachable: for barriers. */
void ua_pool_shade(struct ua_mark_pool *pool, uintptr_t address);
void ua_pool_shade_values(struct ua_mark_pool *pool, const struct ua_layout *layout, uintptr_t first, uintptr_t from,
                          uintptr_t to);
void ua_pool_shade_chunk(struct ua_mark_pool *pool, struct ua_span *chunk, uintptr_t from, uintptr_t to);

/* Sleeps until `changed` is not `seen` any more, at most timeout_ns; may wake early. */
void ua_pool_wait(struct ua_mark_pool *pool, uint32_t seen, uint64_t timeout_ns);
void ua_pool_wake(struct ua_mark_pool *pool);

static inline uint32_t ua_pool_seen(const struct ua_mark_pool *pool)
{
    return __atomic_load_n(&pool->changed, __ATOMIC_ACQUIRE);
}

#endif
