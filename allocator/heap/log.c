/* log.c - see log.h. */
#include "heap/log.h"

void ua_logs_init(struct ua_logs *logs, struct ua_meta *meta, size_t chunk_bytes, uint64_t *lock_count)
{
    *logs = (struct ua_logs){.meta = meta, .buffer_bytes = chunk_bytes / UA_LOG_DIVISOR};
    ua_lock_init(&logs->lock, UA_RANK_PAGES, lock_count);
}

void ua_logs_deinit(struct ua_logs *logs)
{
    ua_lock_deinit(&logs->lock);
}

static struct ua_log *make(struct ua_logs *logs)
{
    struct ua_log *log = ua_meta_alloc(logs->meta, sizeof *log);

    if (log == NULL)
        return NULL;
    log->pool = logs;
    log->start = ua_meta_reserve(logs->meta, logs->buffer_bytes);
    return log->start != NULL ? log : NULL; /* 64 bytes are lost to the heap's end, only when memory is out anyway */
}

struct ua_log *ua_logs_take(struct ua_logs *logs)
{
    struct ua_log *log;

    ua_lock_acquire(&logs->lock);
    log = logs->free;
    if (log != NULL) {
        logs->free = log->next;
        logs->free_count--;
    }
    ua_lock_release(&logs->lock);
    return log != NULL ? log : make(logs);
}

void ua_logs_put(struct ua_logs *logs, struct ua_log *log)
{
    UA_CHECK(log != NULL, "log: nothing to give back");
    ua_lock_acquire(&logs->lock);
    log->next = logs->free;
    logs->free = log;
    logs->free_count++;
    ua_lock_release(&logs->lock);
}

void ua_log_reached(struct ua_log *log, const uint16_t *place)
{
    uintptr_t bytes = (uintptr_t)place - (uintptr_t)log->start;
    size_t known = __atomic_load_n(&log->touched_bytes, __ATOMIC_RELAXED);

    if (bytes > log->pool->buffer_bytes)
        return;
    bytes = ua_align_up(bytes, UA_PHYS_PAGE_BYTES);
    while (bytes > known)
        if (__atomic_compare_exchange_n(&log->touched_bytes, &known, bytes, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            ua_meta_touched(log->pool->meta, bytes - known);
            return;
        }
}
