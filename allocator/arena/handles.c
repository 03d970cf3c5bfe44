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

    if (slab == NULL || slab->used_count == UA_ARENA_SLAB_COUNT) {
        slab = ua_meta_alloc(&heap->meta, sizeof *slab);
        if (slab == NULL)
            return NULL;
        slab->next = heap->arena_slabs;
        __atomic_store_n(&heap->arena_slabs, slab, __ATOMIC_RELEASE);
    }
    return &slab->arenas[slab->used_count++];
}

struct ua_arena *ua_handle_take(struct ua_heap *heap)
{
    struct ua_arena *arena = NULL;

    ua_lock_acquire(&heap->arenas_lock);
    /* More than that many wait behind it: the next arena after 1,024 others may be the one with its handle. */
    if (heap->free_handles.count > UA_HANDLE_QUARANTINE) {
        struct ua_node *node = ua_list_take_front(&heap->free_handles);

        arena = UA_CONTAINER(node, struct ua_arena, node);
    } else {
        arena = from_slab(heap);
    }
    if (arena != NULL) {
        ua_handle_empty(arena);
        arena->heap = heap;
        arena->types = &heap->types;
        arena->magic = UA_ARENA_MAGIC ^ (uintptr_t)arena;
        arena->active = NULL;
        arena->busy = 0;
        arena->full = NULL;
        arena->chunk_count = 0;
        arena->used_bytes = 0;
        arena->gc_data = NULL;
        __atomic_store_n(&arena->state, UA_ARENA_LIVE, __ATOMIC_RELEASE);
    }
    ua_lock_release(&heap->arenas_lock);
    return arena;
}

void ua_handle_put(struct ua_heap *heap, struct ua_arena *arena)
{
    ua_lock_acquire(&heap->arenas_lock);
    ua_list_insert_back(&heap->free_handles, &arena->node);
    ua_lock_release(&heap->arenas_lock);
}
