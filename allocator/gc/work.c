/* work.c - the slow ends of the grey set; see work.h. */
#include "gc/work.h"

#include <string.h>

void ua_work_init(struct ua_work *work, struct ua_meta *meta)
{
    *work = (struct ua_work){.meta = meta, .buffer_limit = SIZE_MAX};
}

static struct ua_work_buffer *empty_buffer(struct ua_work *work)
{
    struct ua_work_buffer *buffer = work->spare;

    if (buffer != NULL) {
        work->spare = buffer->next;
        return buffer;
    }
    if (work->buffer_count >= work->buffer_limit)
        return NULL;
    buffer = ua_meta_alloc(work->meta, sizeof *buffer);
    if (buffer != NULL)
        work->buffer_count++;
    return buffer;
}

bool ua_work_offer_slow(struct ua_work *work, uintptr_t item)
{
    struct ua_work_buffer *buffer = empty_buffer(work);

    if (buffer == NULL)
        return false;
    if (work->top != NULL) {
        work->top->next = work->full;
        work->full = work->top;
    }
    buffer->next = NULL;
    buffer->count = 1;
    buffer->items[0] = item;
    work->top = buffer;
    return true;
}

bool ua_work_pop_slow(struct ua_work *work, uintptr_t *item)
{
    struct ua_work_buffer *next = work->full;

    if (next == NULL)
        return false;
    work->full = next->next;
    work->top->next = work->spare;
    work->spare = work->top;
    work->top = next;
    *item = next->items[--next->count];
    return true;
}

struct ua_work_buffer *ua_work_split(struct ua_work *work, struct ua_work_buffer *buffer)
{
    struct ua_work_buffer *half = buffer->count < UA_WORK_SPLIT_MIN ? NULL : empty_buffer(work);

    if (half == NULL)
        return NULL;
    half->next = NULL;
    half->count = buffer->count / 2;
    buffer->count -= half->count;
    memcpy(half->items, buffer->items, half->count * sizeof half->items[0]);
    memmove(buffer->items, buffer->items + half->count, buffer->count * sizeof buffer->items[0]);
    return half;
}
