/* barrier.c - stores while a concurrent mark runs: the old pointer is told to the collector before it is overwritten.
 *
 * Why only the old one: roots and stacks were read in the opening pause, so every pointer that a thread holds was reachable
 * then, or is to something newer, which is marked already. A pointer gets lost only if the last slot that held it at the
 * pause is overwritten before a marker read it.
 *
 * Test and store must not be cut in two by the opening pause. One slot: the old value is in a register before the test is
 * made (ua_store), and registers are roots. Ranges: no stop comes in between (ua_lock_defer_begin), piece by piece, so that
 * a long copy does not keep a collection waiting. */
#include <string.h>

#include "gc/gc.h"

#define PIECE_BYTES ((size_t)64 << 10)

static bool is_marking(const struct ua_gc *gc)
{
    return __atomic_load_n(&gc->heap->fast.marking, __ATOMIC_ACQUIRE) != 0;
}

static void count(struct ua_gc *gc)
{
    __atomic_fetch_add(&gc->counts.barriers, 1, __ATOMIC_RELAXED);
}

/* A thread that no pause stops must not store while one goes on. */
static void need_attached(void)
{
    if (UA_UNLIKELY(!ua_world_is_attached()))
        UA_CHECK(ua_world_attach() == 0, "gc: a storing thread cannot be attached");
}

void ua_barrier_store(struct ua_gc *gc, void **slot, void *value)
{
    need_attached();
    ua_lock_defer_begin();
    if (is_marking(gc)) {
        count(gc);
        ua_pool_shade(&gc->pool, (uintptr_t)__atomic_load_n(slot, __ATOMIC_RELAXED));
    }
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
    ua_lock_defer_end();
}

/* The pointers in [at, at + bytes) of an array of values that starts at `first`. No stop cuts in. */
static void shade_piece(struct ua_gc *gc, const struct ua_layout *layout, const void *first, const char *at, size_t bytes)
{
    if (layout != NULL && is_marking(gc))
        ua_pool_shade_values(&gc->pool, layout, (uintptr_t)first, (uintptr_t)at, (uintptr_t)at + bytes);
}

void ua_barrier_copy(struct ua_gc *gc, const struct ua_layout *layout, void *to, const void *from, size_t bytes)
{
    bool down = (uintptr_t)to > (uintptr_t)from; /* overlapping: the end first */

    if (is_marking(gc)) {
        need_attached();
        count(gc);
    }
    for (size_t done = 0; done < bytes;) {
        size_t piece = ua_min(PIECE_BYTES, bytes - done);
        size_t offset = down ? bytes - done - piece : done;

        ua_lock_defer_begin();
        shade_piece(gc, layout, to, (char *)to + offset, piece);
        memmove((char *)to + offset, (const char *)from + offset, piece);
        ua_lock_defer_end();
        done += piece;
    }
}

void ua_barrier_clear(struct ua_gc *gc, const struct ua_layout *layout, void *at, size_t bytes)
{
    if (is_marking(gc)) {
        need_attached();
        count(gc);
    }
    for (size_t done = 0; done < bytes;) {
        size_t piece = ua_min(PIECE_BYTES, bytes - done);

        ua_lock_defer_begin();
        shade_piece(gc, layout, at, (char *)at + done, piece);
        memset((char *)at + done, 0, piece);
        ua_lock_defer_end();
        done += piece;
    }
}

void ua_barrier_rewind(struct ua_heap *heap, struct ua_span *chunk, uintptr_t from)
{
    struct ua_gc *gc = heap->gc;
    uintptr_t end = chunk->scan_end;

    if (!is_marking(gc) || from >= end)
        return;
    ua_heapbits_write_out_noted(&heap->heapbits, chunk);
    ua_pool_shade_chunk(&gc->pool, chunk, from, end);
}

void ua_barrier_free(struct ua_gc *gc, struct ua_span *span, uintptr_t object)
{
    need_attached();
    ua_lock_defer_begin();
    if (ua_span_kind(span) == UA_SPAN_SMALL) {
        const struct ua_small_span *record = ua_small_record(span);

        /* Its memory may be used again at once: what it points to is dropped here. */
        if (is_marking(gc) && record->layout != NULL)
            ua_pool_shade_values(&gc->pool, record->layout, object, object, object + record->object_bytes);
        ua_small_free(&gc->small, span, object);
    } else if (is_marking(gc)) {
        ua_large_doom(&gc->heap->large, span);
    } else {
        ua_large_free(&gc->heap->large, span);
    }
    ua_lock_defer_end();
}
