/* room.h - the memory limit: room is made before the heap grows, not after.
 *
 * Why: the pacer's goal under a limit only says when to begin. While a mark runs the program goes on allocating, frees wait for
 * its end, and an arena's chunk is 8 MiB at once. So whoever takes memory asks first, and in this order idle memory goes back
 * to the system, a running mark is finished by the thread that asks, the sweep after it too, and a collection is made if it can
 * find anything. What is still missing then the live heap needs: the limit is exceeded.
 * Claims: what threads were told they may take and have not booked yet, so that two do not take the same room. */
#ifndef ALLOCATOR_GC_ROOM_H
#define ALLOCATOR_GC_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ua_gc;

/* Before so many bytes are taken for an object or a span, or a chunk. No lock held; may collect. Settled after, whether they
 * were taken or not, with the same bytes. */
void ua_room_claim(struct ua_gc *gc, size_t bytes);
void ua_room_claim_chunk(struct ua_gc *gc);
void ua_room_settle(struct ua_gc *gc, size_t bytes);

/* Over the limit, claims included. */
bool ua_room_is_short(struct ua_gc *gc);
/* Enough was allocated since the last mark opened that another may find something. */
bool ua_room_is_worth_a_cycle(struct ua_gc *gc);
/* What could be given back at once. */
uint64_t ua_room_idle_bytes(struct ua_gc *gc);
/* Over the limit: gives back what is idle. No lock held. */
void ua_room_keep_limit(struct ua_gc *gc);

#endif
