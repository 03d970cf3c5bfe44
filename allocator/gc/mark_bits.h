/* mark_bits.h - setting the mark of a chunk, a large or a small object: true for the one that set it and has to scan.
 *
 * Why apart from mark.c and the scans of small objects and chunks, which all set marks: what a mark is and what is read by it are two
 * things. A test comes before each atomic operation: most pointers lead to what is marked already. */
#ifndef ALLOCATOR_GC_MARK_BITS_H
#define ALLOCATOR_GC_MARK_BITS_H

#include "gc/mark.h"

/* A pointer into a ready chunk is stale: nothing may be there, and it does not come alive by it. */
static inline bool mark_chunk(struct ua_marker *marker, struct ua_span *chunk)
{
    enum ua_chunk_state state = ua_span_chunk_state(chunk);

    if (state == UA_CHUNK_READY || state == UA_CHUNK_FRESH || ua_span_is_marked(chunk) || !ua_span_mark(chunk))
        return false;
    marker->bytes_marked += chunk->bytes;
    marker->objects_marked++;
    return !ua_span_noscan(chunk);
}

static inline bool mark_large(struct ua_marker *marker, struct ua_span *span)
{
    if (ua_span_is_marked(span) || !ua_span_mark(span))
        return false;
    marker->bytes_marked += span->bytes;
    marker->objects_marked++;
    return !ua_span_noscan(span);
}

static inline bool mark_small(struct ua_marker *marker, struct ua_small_span *record, uint32_t index)
{
    uint64_t *mark = &record->bits[index / 64].mark;
    uint64_t bit = (uint64_t)1 << (index % 64);
    uint64_t marked = __atomic_load_n(mark, __ATOMIC_RELAXED);

    if (!ua_small_is_allocated(record, index) || (marked & bit) != 0)
        return false;
    if (!marker->shared)
        __atomic_store_n(mark, marked | bit, __ATOMIC_RELAXED);
    else if ((__atomic_fetch_or(mark, bit, __ATOMIC_RELAXED) & bit) != 0)
        return false;
    marker->bytes_marked += record->object_bytes;
    marker->objects_marked++;
    return record->layout != NULL;
}

/* Marks what lies at the address. True with its start in *item when it has to be scanned. */
static inline bool mark_in_span(struct ua_marker *marker, struct ua_span *span, uintptr_t address, uintptr_t *item)
{
    enum ua_span_kind kind = ua_span_kind(span);

    if (UA_LIKELY(kind == UA_SPAN_SMALL)) {
        struct ua_small_span *record = ua_small_record(span);
        uint32_t index = ua_small_index(record, address);

        *item = span->base + (size_t)index * record->object_bytes;
        return mark_small(marker, record, index);
    }
    *item = span->base;
    if (kind == UA_SPAN_CHUNK)
        return mark_chunk(marker, span);
    return kind == UA_SPAN_LARGE && mark_large(marker, span);
}

#endif
