/* chunk_logs.c - what a mark wrote out is read in the log no more: full chunks hand their logs on. See chunk.h.
 *
 * Why: a log has 2 bytes for each object, 1 MiB in a chunk of 16-byte objects, and a chunk that lives through a collection needs none of
 * it: the bitmap says the same. The warm buffer goes to the pool, for the next chunk, and the full one gets one without pages: it may
 * become active again, and must then find a log without being able to fail. What the pool has more than it may keep warm goes back
 * to the system (decision 0068). */
#include "heap/chunk.h"

/* What lives through a collection costs a 64th for the bitmap, and warm logs may be as much. */
#define LIVE_SHARE 64u
/* Kept chunks are filled again, with objects of 16 bytes at the smallest but for single pointers: their logs are kept with them. */
#define KEPT_SHARE 8u
/* And the logs of 32 MiB of 16-byte objects: arenas up to there, one after the other, touch no page of a log twice. */
#define KEEP_LEAST_BYTES ((size_t)4 << 20)

struct handing {
    struct ua_logs *logs;
    size_t keep_bytes;
    struct ua_log *cold; /* for the next chunk */
};

/* Exchanges the log of a chunk that is full and written out; the warm one, or NULL where there is none. Guard: write_out. */
static struct ua_log *exchange(struct ua_span *chunk, struct ua_log *cold)
{
    /* In this order: who sees the log of a chunk's new life sees that it is not full. */
    struct ua_log *warm = __atomic_load_n(&chunk->log_record, __ATOMIC_ACQUIRE);

    if (warm == NULL || ua_span_chunk_state(chunk) != UA_CHUNK_FULL || chunk->bits_end != chunk->free_low ||
        __atomic_load_n(&warm->touched_bytes, __ATOMIC_RELAXED) == 0)
        return NULL;
    chunk->log = cold->start;
    chunk->log_next = cold->start;
    chunk->log_read = cold->start;
    chunk->log_from = chunk->bits_end;
    __atomic_store_n(&chunk->log_record, cold, __ATOMIC_RELEASE);
    return warm;
}

static void hand_on(struct ua_span *chunk, void *context)
{
    struct handing *handing = context;
    struct ua_log *warm;

    if (ua_span_chunk_state(chunk) != UA_CHUNK_FULL)
        return;
    if (handing->cold == NULL)
        handing->cold = ua_logs_take_cold(handing->logs);
    if (handing->cold == NULL)
        return; /* no memory: the chunk keeps its log until the next time */
    ua_lock_defer_begin();
    ua_heapbits_acquire(chunk);
    warm = exchange(chunk, handing->cold);
    ua_heapbits_release(chunk);
    ua_lock_defer_end();
    if (warm == NULL)
        return;
    handing->cold = NULL;
    ua_logs_put(handing->logs, warm);
    ua_logs_trim(handing->logs, handing->keep_bytes);
}

void ua_chunk_hand_logs_on(struct ua_chunk_pool *pool, size_t live_bytes)
{
    struct handing handing = {
        pool->logs, KEEP_LEAST_BYTES + live_bytes / LIVE_SHARE + ua_acct_read(pool->acct, UA_ACCT_KEPT) / KEPT_SHARE, NULL};

    if (pool->options->verify == UA_VERIFY_FULL) /* the second mark reads logs, not bitmaps */
        return;
    ua_chunk_each(pool, hand_on, &handing);
    if (handing.cold != NULL)
        ua_logs_put(handing.logs, handing.cold);
    ua_logs_trim(handing.logs, handing.keep_bytes);
}
