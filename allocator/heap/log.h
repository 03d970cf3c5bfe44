/* log.h - buffers for type logs.
 *
 * Why a pool: a buffer has room for the smallest objects a chunk can hold (a quarter of the chunk, lazily backed), so a
 * full chunk's worth of address space. Chunks come and go; the buffer that was warm last is given out first.
 * Why a record beside each buffer: its pages come on touch, and the inlined path tells nobody. How far a buffer was ever
 * written is booked as metadata when somebody who knows the place comes by: a chunk that is retired, a reader of the ledger.
 * Warm and cold: a buffer that was written has pages, and is given out before one without. What the pool may keep warm is bounded
 * after each collection (decision 0068).
 * Locking: the pool has its own; it is taken once a chunk, never for an object. */
#ifndef UA_HEAP_LOG_H
#define UA_HEAP_LOG_H

#include "meta/meta.h"

struct ua_logs;

/* One buffer; records are never freed, so a late reader meets at worst the buffer's next user. */
struct ua_log {
    struct ua_log *next; /* free list, LIFO; guard: the pool's lock, as the next */
    size_t warm_bytes;   /* what it counts among the pool's, 0 when cold or in use */
    struct ua_logs *pool;
    uint16_t *start;
    size_t touched_bytes; /* booked as metadata: whole pages, grows until they are given back; atomic */
};

struct ua_logs {
    struct ua_meta *meta;
    struct ua_lock lock;
    size_t buffer_bytes;
    struct ua_log *warm, *cold; /* LIFO; guard: lock */
    size_t warm_bytes;          /* pages of the warm ones; guard: lock */
};

void ua_logs_init(struct ua_logs *logs, struct ua_meta *meta, size_t chunk_bytes, uint64_t *lock_count);
void ua_logs_deinit(struct ua_logs *logs);
/* A buffer, contents undefined, warm if there is one; NULL without memory. */
struct ua_log *ua_logs_take(struct ua_logs *logs);
/* One without pages. */
struct ua_log *ua_logs_take_cold(struct ua_logs *logs);
void ua_logs_put(struct ua_logs *logs, struct ua_log *log);
/* Gives pages of free buffers back to the system until at most keep_bytes are left; bytes given back. */
size_t ua_logs_trim(struct ua_logs *logs, size_t keep_bytes);
/* The buffer was written up to `place` at some time: books its pages. A place outside the buffer is ignored. Any thread. */
void ua_log_reached(struct ua_log *log, const uint16_t *place);

#endif
