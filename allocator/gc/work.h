/* work.h - the grey set: addresses of objects and oblets that are marked and still have to be scanned.
 *
 * Why buffers in a list and not one array: metadata memory cannot grow in place, and a full buffer can later be handed to
 * another marker. When no buffer is to be had the address is dropped and `lost` says so: the mark then finishes by scanning
 * every marked object again until nothing new is found.
 * Owned by the marking thread. Buffers stay with the set and are reused in the next cycle. */
#ifndef ALLOCATOR_GC_WORK_H
#define ALLOCATOR_GC_WORK_H

#include "meta/meta.h"

#define UA_WORK_BUFFER_BYTES ((size_t)16 << 10)
#define UA_WORK_BUFFER_COUNT (UA_WORK_BUFFER_BYTES / sizeof(uintptr_t) - 2)

struct ua_work_buffer {
    struct ua_work_buffer *next;
    size_t count;
    uintptr_t items[UA_WORK_BUFFER_COUNT];
};

/* Go's bound: fewer items are not worth handing on. */
#define UA_WORK_SPLIT_MIN 5u

_Static_assert(sizeof(struct ua_work_buffer) == UA_WORK_BUFFER_BYTES, "a work buffer is whole pages");

struct ua_work {
    struct ua_meta *meta;
    struct ua_work_buffer *top;   /* being filled and emptied; NULL at first */
    struct ua_work_buffer *full;  /* behind it */
    struct ua_work_buffer *spare; /* empty ones */
    size_t buffer_count;
    size_t buffer_limit; /* tests set it low; SIZE_MAX */
    bool lost;           /* an item was dropped */
};

void ua_work_init(struct ua_work *work, struct ua_meta *meta);
/* Out of line: the top buffer is full, or there is none. */
bool ua_work_offer_slow(struct ua_work *work, uintptr_t item);
bool ua_work_pop_slow(struct ua_work *work, uintptr_t *item);
/* The older half of `buffer` in a buffer of its own; NULL when there is too little in it, or no buffer to be had. */
struct ua_work_buffer *ua_work_split(struct ua_work *work, struct ua_work_buffer *buffer);

/* False when no buffer is to be had: the set is as it was. */
static inline bool ua_work_offer(struct ua_work *work, uintptr_t item)
{
    struct ua_work_buffer *top = work->top;

    if (UA_UNLIKELY(top == NULL || top->count == UA_WORK_BUFFER_COUNT))
        return ua_work_offer_slow(work, item);
    top->items[top->count++] = item;
    return true;
}

static inline void ua_work_push(struct ua_work *work, uintptr_t item)
{
    if (UA_UNLIKELY(!ua_work_offer(work, item)))
        work->lost = true;
}

/* False when the set is empty. */
static inline bool ua_work_pop(struct ua_work *work, uintptr_t *item)
{
    struct ua_work_buffer *top = work->top;

    if (UA_LIKELY(top != NULL && top->count > 0)) {
        *item = top->items[--top->count];
        return true;
    }
    return ua_work_pop_slow(work, item);
}

#endif
