/* mark_queue.h - what happens to an address that a slot or a root holds: looked at now, or later when it is warm.
 *
 * Why two orders. A graph that lies in memory as it is walked wants depth first, last in first out: the next object is beside the
 * last one, and any queue spreads the walk over as many places as it has entries. A graph that lies anywhere is bound by the
 * latency of memory: its addresses wait in a queue, prefetched, until they are there. Which one it is, is measured (mark.c).
 * In an ordered graph pointers within a span never come here: mark_small.c follows them itself. */
#ifndef ALLOCATOR_GC_MARK_QUEUE_H
#define ALLOCATOR_GC_MARK_QUEUE_H

#include "base/bits.h"
#include "gc/mark_bits.h"
#include "os/san.h" /* UA_NO_SANITIZE: reading other objects' red zones and stacks, also words never written, is the point */

/* The address may be the handle of an abandoned arena. Handles never lie in a span. */
void ua_mark_handle(struct ua_marker *marker, uintptr_t address);

/* What lies at a small object's address and in what it points to within its span. Returns how many objects were scanned. */
size_t ua_mark_scan_small(struct ua_marker *marker, struct ua_small_span *record, uintptr_t object);
/* One oblet of a chunk whose log is written out. */
void ua_mark_scan_chunk(struct ua_marker *marker, struct ua_span *chunk, uintptr_t at);

/* The span that may hold the address; NULL when it is none of the heap's. */
static inline struct ua_span *span_of(struct ua_marker *marker, uintptr_t address)
{
    struct ua_span *span = NULL;

    if (UA_LIKELY(address - marker->low < marker->heap_bytes))
        span = ua_space_span(&marker->heap->space, address);
    if (UA_UNLIKELY(span == NULL && address - marker->handles_low < marker->handles_bytes))
        ua_mark_handle(marker, address);
    return span;
}

/* The ring is full. A candidate must not be lost: each round of a mark without buffers has to mark something. */
static inline bool see_later(struct ua_marker *marker, uintptr_t address)
{
    return ua_work_offer(&marker->work, ua_align_down(address, UA_WORD_BYTES) | UA_CANDIDATE);
}

/* What looking at the address needs is fetched until it comes out at the other end. */
static inline void queue(struct ua_marker *marker, struct ua_span *span, uintptr_t address)
{
    __builtin_prefetch((const void *)address);
    __builtin_prefetch(&span->base);
    __builtin_prefetch((const char *)span + offsetof(struct ua_small_span, bits)); /* if it is a small one */
    marker->seen[(marker->seen_first + marker->seen_count) % UA_SEEN_COUNT] = (struct ua_seen){address, span};
    marker->seen_count++;
}

/* Notes an address that a slot or a root holds. */
static inline void see(struct ua_marker *marker, uintptr_t address)
{
    struct ua_span *span = span_of(marker, address);
    uintptr_t item;

    if (span == NULL)
        return;
    if (marker->scattered) {
        if (UA_LIKELY(marker->seen_count < UA_SEEN_COUNT)) {
            queue(marker, span, address);
            return;
        }
        if (UA_LIKELY(see_later(marker, address)))
            return;
    }
    if (mark_in_span(marker, span, address, &item)) {
        __builtin_prefetch((const void *)item);
        ua_work_push(&marker->work, item);
    }
}

#endif
