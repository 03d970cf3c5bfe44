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

/* Guard: lock. */
static struct ua_log *take_from(struct ua_logs *logs, struct ua_log **list)
{
    struct ua_log *log = *list;

    if (log == NULL)
        return NULL;
    *list = log->next;
    UA_CHECK(logs->warm_bytes >= log->warm_bytes, "log: warm bytes miscounted");
    logs->warm_bytes -= log->warm_bytes;
    log->warm_bytes = 0;
    return log;
}

struct ua_log *ua_logs_take(struct ua_logs *logs)
{
    struct ua_log *log;

    ua_lock_acquire(&logs->lock);
    log = take_from(logs, logs->warm != NULL ? &logs->warm : &logs->cold);
    ua_lock_release(&logs->lock);
    return log != NULL ? log : make(logs);
}

struct ua_log *ua_logs_take_cold(struct ua_logs *logs)
{
    struct ua_log *log;

    ua_lock_acquire(&logs->lock);
    log = take_from(logs, &logs->cold);
    ua_lock_release(&logs->lock);
    return log != NULL ? log : make(logs);
}

void ua_logs_put(struct ua_logs *logs, struct ua_log *log)
{
    struct ua_log **list;

    UA_CHECK(log != NULL, "log: nothing to give back");
    ua_lock_acquire(&logs->lock);
    log->warm_bytes = __atomic_load_n(&log->touched_bytes, __ATOMIC_RELAXED);
    logs->warm_bytes += log->warm_bytes;
    list = log->warm_bytes != 0 ? &logs->warm : &logs->cold;
    log->next = *list;
    *list = log;
    ua_lock_release(&logs->lock);
}

/* A warm one, if there is more than is to be kept. */
static struct ua_log *take_surplus(struct ua_logs *logs, size_t keep_bytes)
{
    struct ua_log *log = NULL;

    ua_lock_acquire(&logs->lock);
    if (logs->warm_bytes > keep_bytes)
        log = take_from(logs, &logs->warm);
    ua_lock_release(&logs->lock);
    return log;
}

size_t ua_logs_trim(struct ua_logs *logs, size_t keep_bytes)
{
    size_t given_bytes = 0;
    struct ua_log *log;
    bool given = true;

    while (given && (log = take_surplus(logs, keep_bytes)) != NULL) {
        size_t bytes = __atomic_load_n(&log->touched_bytes, __ATOMIC_RELAXED);

        given = ua_vm_discard(logs->meta->vm, (uintptr_t)log->start, bytes) == 0;
        if (given) {
            __atomic_fetch_sub(&log->touched_bytes, bytes, __ATOMIC_RELAXED);
            ua_meta_untouched(logs->meta, bytes);
            given_bytes += bytes;
        }
        ua_logs_put(logs, log);
    }
    return given_bytes;
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
