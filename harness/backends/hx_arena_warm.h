/* hx_arena_warm.h - brings a heap with quarantine into its steady state, for arm `reuse` under safe and go.
 *
 * Why: freed chunks come back only after a collection. A new heap hands out never-used chunks until the quarantine limit is
 * reached for the first time, so a short process would never see a warm one. Here one arena takes and writes as many chunks as
 * the quarantine may hold, and a collection gives all of them back: the blocks then meet recycled chunks alone.
 *
 * Under safe, collections go on by themselves, inside the blocks, whenever the limit is reached again; they are part of the time.
 * Go's way has no limit: a program that allocates in arenas alone never collects again. There a collection runs between blocks,
 * untimed (hx_position), or no chunk would ever be reused. */
#ifndef HX_ARENA_WARM_H
#define HX_ARENA_WARM_H

#include <string.h>

#include "backends/hx_backend.h"
#include "ua.h"

/* What the option quarantine_limit=auto begins with, two chunks more a thread, the active one and one that waits, and two that words
 * left on a stack keep in quarantine. */
#define HX_WARM_CHUNKS_A_LANE 2
#define HX_WARM_CHUNKS_HELD 2
/* Without a limit a block's few chunks are enough: they come back between blocks. */
#define HX_WARM_CHUNKS_UNLIMITED 2

HX_INLINE size_t hx_arena_warm_chunks(const struct ua_options *options, unsigned lanes) {
    uint64_t limit_bytes = options->quarantine_limit_bytes;
    if (limit_bytes == 0) {
        return HX_WARM_CHUNKS_UNLIMITED;
    }
    if (limit_bytes == UA_QUARANTINE_LIMIT_AUTO) {
        limit_bytes = UA_QUARANTINE_AUTO_MIN_BYTES;
    }
    return (size_t)(limit_bytes / options->chunk_bytes) + (size_t)lanes * HX_WARM_CHUNKS_A_LANE + HX_WARM_CHUNKS_HELD;
}

/* Whether it worked; false: out of memory. */
HX_INLINE bool hx_arena_warm(struct ua_heap *heap, const struct ua_options *options, unsigned lanes, const struct ua_type *byte_type) {
    size_t piece_bytes = options->chunk_bytes / 4; /* more would be an object of its own outside the chunk */
    size_t pieces = 4 * hx_arena_warm_chunks(options, lanes);
    struct ua_arena *arena = ua_arena_new(heap);
    if (arena == NULL) {
        return false;
    }
    for (size_t i = 0; i < pieces; i++) {
        void *piece = ua_arena_alloc(arena, byte_type, piece_bytes);
        if (piece == NULL) {
            return false;
        }
        memset(piece, 0, piece_bytes);
    }
    ua_arena_free(arena);
    ua_collect(heap);
    return true;
}

/* An arena that has taken all that is left of the chunk it began with; its owner frees it. */
HX_INLINE struct ua_arena *hx_arena_use_up(struct ua_heap *heap, size_t chunk_bytes, const struct ua_type *byte_type) {
    struct ua_arena *arena = ua_arena_new(heap);
    if (arena == NULL) {
        hx_out_of_memory(chunk_bytes);
    }
    const struct ua_arena_fast *fast = (const struct ua_arena_fast *)(const void *)arena;
    while (fast->back > fast->front) {
        size_t left_bytes = fast->back - fast->front;
        size_t most_bytes = chunk_bytes / 4; /* more would be an object of its own outside the chunk */
        size_t bytes = left_bytes < most_bytes ? left_bytes : most_bytes;
        if (ua_arena_alloc(arena, byte_type, bytes) == NULL) {
            hx_out_of_memory(bytes);
        }
    }
    return arena;
}

#endif
