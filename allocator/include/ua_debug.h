/* ua_debug.h - looking inside a heap: for tests, golden_replay and people with a core dump, never for programs' logic.
 *
 * Why apart from ua.h: these calls expose Go's internal picture (chunks, lists, bitmap words), which may change.
 * The caller sees to it that no other thread uses the heap meanwhile. */
#ifndef UA_DEBUG_H
#define UA_DEBUG_H

#include "ua.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ua_where {
    uintptr_t chunk_base;
    size_t offset_bytes; /* of the pointer in the chunk */
    size_t free_low;     /* the chunk's free range, offsets from its base */
    size_t free_high;
};

struct ua_lists {
    size_t reuse;
    size_t ready; /* never used chunks too */
    size_t quarantine;
    size_t fault;
};

/* 0 and *where, or -1 with ENOENT when the pointer lies in no chunk that is in use. */
UA_API int ua_debug_where(struct ua_heap *heap, const void *pointer, struct ua_where *where);
UA_API void ua_debug_lists(struct ua_heap *heap, struct ua_lists *lists);
/* Writes the type logs of every live chunk out into the bitmap; scan_alloc in ua_stats is exact after it. */
UA_API void ua_debug_write_out(struct ua_heap *heap);
/* Bitmap words [first, first + count) of the chunk that holds `pointer` (64 words of heap each, lowest bit first), written
 * out up to the chunk's frontier; and Go's noMorePtrs mark of each word in closed form (one byte a word) if not NULL.
 * 0, or -1 with ENOENT (no chunk) or ERANGE (beyond the chunk). */
UA_API int ua_debug_bitmap(struct ua_heap *heap, const void *pointer, size_t first, size_t count, uint64_t *words,
                           uint8_t *no_more_pointers);
/* Walks the whole heap: ledger against spans, lists against states, bitmap against an independent reading of the log.
 * Fatal at the first difference; returns the number of chunks looked at. */
UA_API size_t ua_debug_verify(struct ua_heap *heap);

/* Writes the heap as text to a descriptor, `what name=value ...` a line: ledger, lists, every chunk, large object and span of small
 * objects, collector; the last line is "end". Sizes are bytes, addresses begin with 0x, yes is 1. For people and bug reports: names
 * and order may change. Takes no memory. 0, or -1 with the errno of write. What the lines say:
 *   account   where each byte of the heap's address space is booked (ua_stats.h); flow: the counters that pace collections
 *   lists     chunks by the list they wait in: for reuse by an arena, parked with a thread, ready (no pointer leads there any more),
 *             quarantine (freed, a pointer may), fault (freed while a mark runs); in_hands: in arenas, or parked
 *   chunk     one of them: state, whether its memory is reserved, open or protected, its arena, and bits_end: how far its bitmap reaches
 *   large     an object of its own pages; swept=no: a sweep has not come to it yet
 *   small     a span of objects of one size and type; place: full, partial (has room), owned (a thread allocates from it)
 *   pauses    what the program waited for: stop (until all threads stood), cpu (of the collector, in the pause), pause (all of it) */
UA_API int ua_debug_dump(struct ua_heap *heap, int fd);

/* Opens a mark: from here frees go to the fault list and new objects survive. Fatal when one is open. */
UA_API void ua_debug_mark_begin(struct ua_heap *heap);
/* Mark termination and sweep of the open mark; the fault list is set to fault. Fatal without one. */
UA_API void ua_debug_mark_end(struct ua_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
