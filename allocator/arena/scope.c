/* scope.c - marks in an arena, and going back to one: everything allocated since is gone, in constant time a chunk.
 *
 * Only where freed memory may be used again at once (quarantine off, fault off): preset kept. The chunks taken since the
 * mark leave the arena; the chunk that was active then is active again, and its log and bitmap end at the mark. */
#include <errno.h>

#include "arena/arena_chunks.h"
#include "heap/heapbits.h"
#include "os/san.h"

int ua_arena_scope_open(struct ua_arena *arena, struct ua_scope *scope)
{
    if (arena->heap->chunks.quarantine || arena->heap->options.fault != UA_FAULT_OFF) {
        ua_error_set(ENOTSUP, "ua_arena_mark: scopes need quarantine=off and fault=off (preset kept)");
        return -1;
    }
    *scope = (struct ua_scope){.arena = arena,
                               .chunk = arena->active,
                               .front = arena->fast.front,
                               .back = arena->fast.back,
                               .log = arena->fast.log,
                               .chunk_count = arena->chunk_count,
                               .used_bytes = arena->used_bytes};
    return 0;
}

/* Takes the active chunk off and makes the last full one active again; the former is returned, ready to be freed. */
static struct ua_span *pop_active(struct ua_arena *arena)
{
    struct ua_span *newest = arena->active;
    struct ua_span *chunk = arena->full;

    UA_CHECK(chunk != NULL, "ua_arena_rewind: the mark is not of this arena's present life");
    ua_chunk_retire(newest, arena->fast.front, arena->fast.back, arena->fast.log);
    arena->full = chunk->next;
    chunk->next = NULL;
    arena->chunk_count--;
    ua_chunk_reopen(chunk);
    arena->active = chunk;
    arena->fast.front = chunk->free_low;
    arena->fast.back = chunk->free_high;
    arena->fast.log = chunk->log_next;
    __atomic_store_n(&chunk->in_hand, true, __ATOMIC_RELEASE);
    return newest;
}

void ua_arena_scope_rewind(struct ua_arena *arena, const struct ua_scope *scope)
{
    struct ua_chunk_pool *pool = &arena->heap->chunks;
    struct ua_span *batch = NULL;
    struct ua_span *chunk;
    uintptr_t front;
    uintptr_t back;

    UA_CHECK(scope->arena == arena, "ua_arena_rewind: the mark is of another arena");
    while (arena->active != scope->chunk) {
        struct ua_span *newest = pop_active(arena);

        newest->next = batch;
        batch = newest;
    }
    chunk = arena->active;
    front = arena->fast.front;
    back = arena->fast.back;
    UA_CHECK(arena->chunk_count == scope->chunk_count && scope->front <= front && back <= scope->back,
             "ua_arena_rewind: the mark is not of this arena's present life");
    /* A mark that runs has to know what is dropped; one that opens in between, or a marker that waits for the write-out right
     * in this thread's hands, would not. */
    ua_lock_defer_begin();
    if (arena->heap->gc_ops != NULL && arena->heap->gc_ops->before_rewind != NULL)
        arena->heap->gc_ops->before_rewind(arena->heap, chunk, scope->front);
    ua_prezero_rewound(chunk, scope->front, scope->back, front, back);
    ua_log_reached(chunk->log_record, arena->fast.log);
    ua_heapbits_cut(chunk, scope->front, scope->log);
    ua_lock_defer_end();
    if (pool->sanitize)
        ua_san_chunk_cut(chunk->base, chunk->bytes, scope->front, scope->back);
    chunk->free_low = scope->front;
    chunk->free_high = scope->back;
    arena->used_bytes = scope->used_bytes + (chunk->bytes - (scope->back - scope->front));
    ua_arena_open_range(arena, chunk);
    ua_chunk_free(pool, batch);
}
