/* inspect.c - ua_debug.h: where a pointer lies, list lengths, bitmap words. */
#include <errno.h>

#include "api/need.h"
#include "arena/cache.h"
#include "debug/dump.h"
#include "debug/verify.h"
#include "gc/gc.h"
#include "gc/workers.h"
#include "gc/world.h"
#include "include/ua_debug.h"

static struct ua_span *chunk_in_use(struct ua_heap *heap, const void *pointer, const char *call)
{
    struct ua_span *span;

    ua_need(heap, call, "the heap is NULL");
    span = ua_space_span(&heap->space, (uintptr_t)pointer);
    if (span == NULL || ua_span_kind(span) != UA_SPAN_CHUNK || span->log == NULL) {
        ua_error_set(ENOENT, "the pointer lies in no chunk that is in use");
        return NULL;
    }
    return span;
}

int ua_debug_where(struct ua_heap *heap, const void *pointer, struct ua_where *where)
{
    const struct ua_span *chunk = chunk_in_use(heap, pointer, "ua_debug_where");

    ua_need(where, "ua_debug_where", "NULL argument");
    if (chunk == NULL)
        return -1;
    where->chunk_base = chunk->base;
    where->offset_bytes = (uintptr_t)pointer - chunk->base;
    where->free_low = ua_chunk_front(chunk) - chunk->base;
    where->free_high = ua_chunk_back(chunk) - chunk->base;
    return 0;
}

void ua_debug_lists(struct ua_heap *heap, struct ua_lists *lists)
{
    struct ua_chunk_pool *pool;
    struct ua_cache_figures caches;

    ua_need(heap, "ua_debug_lists", "the heap is NULL");
    ua_need(lists, "ua_debug_lists", "NULL argument");
    pool = &heap->chunks;
    ua_cache_read(heap, &caches);
    ua_lock_acquire(&pool->lock);
    *lists = (struct ua_lists){pool->reuse.count + caches.parked_count, pool->ready.count, pool->quarantined.count, pool->fault.count};
    ua_lock_release(&pool->lock);
}

static void write_out_one(struct ua_span *chunk, void *context)
{
    struct ua_heap *heap = context;

    if (ua_span_kind(chunk) == UA_SPAN_CHUNK && chunk->log != NULL)
        ua_heapbits_write_out(&heap->heapbits, chunk, ua_chunk_front(chunk));
}

void ua_debug_write_out(struct ua_heap *heap)
{
    ua_need(heap, "ua_debug_write_out", "the heap is NULL");
    ua_chunk_each(&heap->chunks, write_out_one, heap);
}

int ua_debug_bitmap(struct ua_heap *heap, const void *pointer, size_t first, size_t count, uint64_t *words,
                    uint8_t *no_more_pointers)
{
    struct ua_span *chunk = chunk_in_use(heap, pointer, "ua_debug_bitmap");
    size_t total;
    uintptr_t front;

    if (chunk == NULL)
        return -1;
    total = chunk->bytes / UA_BYTES_PER_BITMAP_WORD;
    if (first > total || count > total - first) {
        ua_error_set(ERANGE, "ua_debug_bitmap: words beyond the chunk");
        return -1;
    }
    front = ua_chunk_front(chunk);
    ua_heapbits_write_out(&heap->heapbits, chunk, front);
    for (size_t i = 0; i < count; i++) {
        words[i] = ua_heapbits_word(chunk, first + i);
        if (no_more_pointers != NULL)
            no_more_pointers[i] = ua_heapbits_no_more(chunk, front, first + i);
    }
    return 0;
}

size_t ua_debug_verify(struct ua_heap *heap)
{
    struct ua_gc *gc;
    size_t objects;

    ua_need(heap, "ua_debug_verify", "the heap is NULL");
    gc = heap->gc;
    if (gc == NULL)
        return ua_verify_heap(heap);
    /* The caller keeps the program's threads away; the collector's own stand still meanwhile. */
    ua_world_lock();
    ua_workers_stand(gc);
    ua_sweep_finish(gc);
    objects = ua_verify_heap(heap);
    ua_workers_go_on(gc);
    ua_world_unlock();
    return objects;
}

int ua_debug_dump(struct ua_heap *heap, int fd)
{
    int error;

    ua_need(heap, "ua_debug_dump", "the heap is NULL");
    error = ua_dump_heap(heap, fd);
    if (error == 0)
        return 0;
    ua_error_set(error, "ua_debug_dump: the descriptor cannot be written to");
    return -1;
}
