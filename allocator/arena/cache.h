/* cache.h - what one thread keeps of a heap for itself, so that a small arena is made and freed without a lock.
 *
 * Why: a small arena's work is one allocation; five locks around it cost more than that, and threads would queue for them.
 * What: at most one chunk (parked: the last one that this thread's arenas gave up, so with one thread the reuse list keeps
 * Go's order), its freed handles, its counts.
 *
 * Life: made with a thread's first arena of a heap, which attaches the thread; handed back when the thread is detached or
 * ends, or the heap is closed. A child after fork hands back those of the threads that it did not inherit.
 * A collector meets a parked chunk as one of the reuse list: it walks chunks, not lists.
 *
 * Guards: `own` = the thread, no stop in between (ua_lock_defer_begin_in); others read the atomic ones at any time. `lock` =
 * the one lock of cache.c, rank CACHES. */
#ifndef UA_ARENA_CACHE_H
#define UA_ARENA_CACHE_H

#include "arena/arena.h"

struct ua_cache {
    struct ua_heap *heap;           /* constant while it is somebody's */
    struct ua_span *parked;         /* NULL: none; atomic; own */
    struct ua_arena *freed_first;   /* own; first freed first, linked by next_free */
    struct ua_arena *freed_last;    /* own; valid while freed_first is not NULL */
    struct ua_arena *usable;        /* own; handles that need not wait */
    size_t freed_count;             /* own */
    uint64_t made_count;            /* arenas made; atomic; own */
    uint64_t ended_count;           /* arenas freed; atomic; own */
    uint64_t told_count;            /* of made_count, what the heap knows; own */
    const void *owner;              /* the thread's record; NULL: spare; guard: lock */
    struct ua_cache *next;          /* of the same heap; guard: lock */
};

struct ua_cache_figures {
    size_t parked_count;
    uint64_t made_count;
    uint64_t ended_count;
};

/* The calling thread's cache of a heap; NULL when it has none. */
static inline struct ua_cache *ua_cache_of(const struct ua_thread_record *thread, const struct ua_heap *heap)
{
    const struct ua_thread_slot *slot = &thread->slots[heap->serial % UA_THREAD_SLOTS];

    return UA_LIKELY(slot->serial == heap->serial) ? slot->value : NULL;
}

/* The same, made if need be; NULL when the thread cannot be attached or there is no memory: then it goes without. */
struct ua_cache *ua_cache_need(struct ua_heap *heap);
/* In a child after fork: what other threads had goes back to the heaps. They were in the middle of nothing (os/lock_fork.h). */
void ua_cache_after_fork(void);
/* Sums over all threads, those that ended not included (theirs are in the heap's own counts). */
void ua_cache_read(struct ua_heap *heap, struct ua_cache_figures *figures);

/* A count that only its owner writes. */
static inline void ua_cache_count(uint64_t *counter)
{
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

#endif
