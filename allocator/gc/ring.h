/* ring.h - the newest so many of a kind of event, each found by its number. Pages are booked when they are first written.
 *
 * Guard: the owner's. */
#ifndef ALLOCATOR_GC_RING_H
#define ALLOCATOR_GC_RING_H

#include "meta/meta.h"

struct ua_ring {
    char *items;
    size_t item_bytes;   /* constant */
    size_t capacity;     /* constant */
    size_t booked_bytes;
};

/* False without memory. */
bool ua_ring_init(struct ua_ring *ring, struct ua_meta *meta, size_t item_bytes, size_t capacity);
/* Event `number` replaces the one `capacity` before it. Numbers are given out one after the other. */
void ua_ring_put(struct ua_ring *ring, struct ua_meta *meta, uint64_t number, const void *item);
/* Where event `number` is, if it was put and not replaced. */
void *ua_ring_at(const struct ua_ring *ring, uint64_t number);
/* Copies what there is of the `capacity` events before number `end`, of `count` that were ever put; oldest first. */
size_t ua_ring_read(const struct ua_ring *ring, uint64_t end, uint64_t count, void *items, size_t capacity);

#endif
