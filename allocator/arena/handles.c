/* handles.c - see handles.h. */
#include "arena/handles.h"

void ua_handle_empty(struct ua_arena *arena)
{
    arena->fast = (struct ua_arena_fast){UA_EMPTY_FRONT, UA_EMPTY_FRONT_LIMIT, NULL, UA_EMPTY_BACK,
                                         UA_EMPTY_BACK_LIMIT};
}

/* Guard: arenas_lock. */
static struct ua_arena *from_slab(struct ua_heap *heap)
{
    struct ua_arena_slab *slab = heap->arena_slabs;
    struct ua_arena *arena;

    if (slab == NULL || slab->used_count == UA_ARENA_SLAB_COUNT) {
        slab = ua_meta_alloc(&heap->meta, sizeof *slab);
        if (slab == NULL)
            return NULL;
        slab->next = heap->arena_slabs;
        __atomic_store_n(&heap->arena_slabs, slab, __ATOMIC_RELEASE);
    }
    arena = &slab->arenas[slab->used_count++];
    ua_handle_empty(arena);
    arena->heap = heap;
    arena->types = &heap->types;
    arena->magic = UA_ARENA_MAGIC ^ (uintptr_t)arena;
    return arena;
}

/* Guard: arenas_lock. */
static struct ua_arena *take_one(struct ua_heap *heap)
{
    struct ua_arena *arena = heap->free_handles;

    if (arena == NULL || heap->handles_made_count - arena->freed_at_count < UA_HANDLE_QUARANTINE)
        return from_slab(heap);
    heap->free_handles = arena->next_free;
    return arena;
}

/* Guard: arenas_lock. */
static void put_one(struct ua_heap *heap, struct ua_arena *arena)
{
    arena->freed_at_count = heap->handles_made_count;
    arena->next_free = NULL;
    if (heap->free_handles == NULL)
        heap->free_handles = arena;
    else
        heap->free_handles_last->next_free = arena;
    heap->free_handles_last = arena;
}

/* Guard: arenas_lock. */
static void tell_made(struct ua_heap *heap, struct ua_cache *cache)
{
    heap->handles_made_count += cache->made_count - cache->told_count;
    cache->told_count = cache->made_count;
}

struct ua_arena *ua_handle_take(struct ua_heap *heap, struct ua_cache *cache)
{
    struct ua_arena *arena;

    ua_lock_acquire(&heap->arenas_lock);
    if (cache != NULL)
        tell_made(heap, cache);
    arena = take_one(heap);
    for (size_t i = 1; i < UA_CACHE_HANDLES_TAKE && cache != NULL && arena != NULL; i++) {
        struct ua_arena *more = take_one(heap);

        if (more == NULL)
            break;
        more->next_free = cache->usable;
        cache->usable = more;
    }
    ua_lock_release(&heap->arenas_lock);
    return arena;
}

void ua_handle_put(struct ua_heap *heap, struct ua_arena *arena)
{
    ua_lock_acquire(&heap->arenas_lock);
    put_one(heap, arena);
    ua_lock_release(&heap->arenas_lock);
}

void ua_handle_spill(struct ua_cache *cache, size_t keep_count)
{
    struct ua_heap *heap = cache->heap;

    ua_lock_acquire(&heap->arenas_lock);
    tell_made(heap, cache);
    while (cache->freed_count > keep_count) {
        struct ua_arena *arena = cache->freed_first;

        cache->freed_first = arena->next_free;
        cache->freed_count--;
        put_one(heap, arena);
    }
    ua_lock_release(&heap->arenas_lock);
}
