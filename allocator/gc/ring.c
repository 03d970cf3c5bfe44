/* ring.c - see ring.h. */
#include "gc/ring.h"

#include <string.h>

bool ua_ring_init(struct ua_ring *ring, struct ua_meta *meta, size_t item_bytes, size_t capacity)
{
    *ring = (struct ua_ring){.item_bytes = item_bytes, .capacity = capacity};
    ring->items = ua_meta_reserve(meta, ua_align_up(capacity * item_bytes, UA_PHYS_PAGE_BYTES));
    return ring->items != NULL;
}

void *ua_ring_at(const struct ua_ring *ring, uint64_t number)
{
    return ring->items + number % ring->capacity * ring->item_bytes;
}

void ua_ring_put(struct ua_ring *ring, struct ua_meta *meta, uint64_t number, const void *item)
{
    char *at = ua_ring_at(ring, number);

    ua_meta_reached(meta, &ring->booked_bytes, (size_t)(at - ring->items) + ring->item_bytes);
    memcpy(at, item, ring->item_bytes);
}

size_t ua_ring_read(const struct ua_ring *ring, uint64_t end, uint64_t count, void *items, size_t capacity)
{
    count = ua_min(ua_min(count, ring->capacity), capacity);
    for (size_t i = 0; i < count; i++)
        memcpy((char *)items + i * ring->item_bytes, ua_ring_at(ring, end - count + i), ring->item_bytes);
    return count;
}
