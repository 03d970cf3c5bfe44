/* arena_chunks.h - what the files of arena/ share about an arena's chunks; nobody else includes it. */
#ifndef UA_ARENA_ARENA_CHUNKS_H
#define UA_ARENA_ARENA_CHUNKS_H

#include "arena/arena.h"

/* A new active chunk; the old one is full. False after ua_error_set, with nothing changed. */
bool ua_arena_refill(struct ua_arena *arena);
/* Takes the last refill back: the untouched active chunk goes to the reuse list, the last full one is active again. */
void ua_arena_unfill(struct ua_arena *arena);
/* Makes `chunk` active with its noted free range. */
void ua_arena_open_range(struct ua_arena *arena, struct ua_span *chunk);
bool ua_arena_rewinds(const struct ua_heap *heap);

#endif
