/* log.c - see log.h. A free buffer's first bytes link it to the next. */
#include "heap/log.h"

struct ua_log_header {
    struct ua_log_header *next;
};

void ua_logs_init(struct ua_logs *logs, struct ua_meta *meta, size_t chunk_bytes, uint64_t *lock_count)
{
    *logs = (struct ua_logs){.meta = meta, .buffer_bytes = chunk_bytes / UA_LOG_DIVISOR};
    ua_lock_init(&logs->lock, UA_RANK_PAGES, lock_count);
}

void ua_logs_deinit(struct ua_logs *logs)
{
    ua_lock_deinit(&logs->lock);
}

uint16_t *ua_logs_take(struct ua_logs *logs)
{
    struct ua_log_header *header;

    ua_lock_acquire(&logs->lock);
    header = logs->free;
    if (header != NULL) {
        logs->free = header->next;
        logs->free_count--;
    }
    ua_lock_release(&logs->lock);
    if (header == NULL)
        header = ua_meta_reserve(logs->meta, logs->buffer_bytes);
    return (uint16_t *)(void *)header;
}

void ua_logs_put(struct ua_logs *logs, uint16_t *log)
{
    struct ua_log_header *header = (struct ua_log_header *)(void *)log;

    UA_CHECK(log != NULL, "log: nothing to give back");
    ua_lock_acquire(&logs->lock);
    header->next = logs->free;
    logs->free = header;
    logs->free_count++;
    ua_lock_release(&logs->lock);
}
