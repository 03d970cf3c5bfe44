/* handles.h - where arena handles come from. See arena.h for why they wait before they are used again. */
#ifndef UA_ARENA_HANDLES_H
#define UA_ARENA_HANDLES_H

#include "arena/arena.h"

/* A handle in state LIVE with an empty range; NULL without memory. */
struct ua_arena *ua_handle_take(struct ua_heap *heap);
/* Back to the pool; the handle's state is FREED. */
void ua_handle_put(struct ua_heap *heap, struct ua_arena *arena);
/* An arena without memory: every inlined allocation leaves for the slow path. */
void ua_handle_empty(struct ua_arena *arena);

#endif
