/* handles.h - where arena handles come from. See arena.h for why they wait before they are used again.
 *
 * Each thread has its own queue of freed handles, first freed first, and takes the oldest one again once it has itself made
 * 1,024 arenas since it was freed (so at least as many were made in all). Handles that wait too long elsewhere come from, and
 * surplus ones go to, the heap's queue, many at a time under a lock. */
#ifndef UA_ARENA_HANDLES_H
#define UA_ARENA_HANDLES_H

#include "arena/cache.h"

/* A handle without memory, in no state yet, that may be used at once; NULL when the thread has none. No lock; the caller sees
 * to it that no stop comes in between. */
static inline struct ua_arena *ua_handle_take_own(struct ua_cache *cache)
{
    struct ua_arena *arena = cache->freed_first;

    if (UA_LIKELY(arena != NULL && cache->made_count - arena->freed_at_count >= UA_HANDLE_QUARANTINE)) {
        cache->freed_first = arena->next_free;
        cache->freed_count--;
        __builtin_prefetch(cache->freed_first);
        __builtin_prefetch(&cache->freed_first->magic);
        return arena;
    }
    arena = cache->usable;
    if (arena != NULL)
        cache->usable = arena->next_free;
    return arena;
}

/* A freed handle to the thread's queue. As above. */
static inline void ua_handle_put_own(struct ua_cache *cache, struct ua_arena *arena)
{
    arena->freed_at_count = cache->made_count;
    arena->next_free = NULL;
    if (cache->freed_first == NULL)
        cache->freed_first = arena;
    else
        cache->freed_last->next_free = arena;
    cache->freed_last = arena;
    cache->freed_count++;
}

/* A handle from the heap's queue, or a new one, and some more for `cache` (may be NULL). NULL without memory. */
struct ua_arena *ua_handle_take(struct ua_heap *heap, struct ua_cache *cache);
/* To the heap's queue; the handle's state is FREED. */
void ua_handle_put(struct ua_heap *heap, struct ua_arena *arena);
/* The oldest freed handles of the thread to the heap's queue, until `keep_count` are left. */
void ua_handle_spill(struct ua_cache *cache, size_t keep_count);
/* An arena without memory: every inlined allocation leaves for the slow path. */
void ua_handle_empty(struct ua_arena *arena);

#endif
