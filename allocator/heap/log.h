/* log.h - buffers for type logs.
 *
 * Why a pool: a buffer has room for the smallest objects a chunk can hold (a quarter of the chunk, lazily backed), so a
 * full chunk's worth of address space. Chunks come and go; the buffer that was warm last is given out first.
 * Locking: the pool has its own; it is taken once a chunk, never for an object. */
#ifndef UA_HEAP_LOG_H
#define UA_HEAP_LOG_H

#include "meta/meta.h"

struct ua_log_header;

struct ua_logs {
    struct ua_meta *meta;
    struct ua_lock lock;
    size_t buffer_bytes;
    struct ua_log_header *free; /* LIFO; guard: lock */
    size_t free_count;          /* guard: lock */
};

void ua_logs_init(struct ua_logs *logs, struct ua_meta *meta, size_t chunk_bytes, uint64_t *lock_count);
void ua_logs_deinit(struct ua_logs *logs);
/* A buffer, contents undefined; NULL without memory. */
uint16_t *ua_logs_take(struct ua_logs *logs);
void ua_logs_put(struct ua_logs *logs, uint16_t *log);

#endif
