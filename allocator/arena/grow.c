/* grow.c - growing a slice, in place when it is the newest of its end of the chunk.
 *
 * A slice with pointers that ends at the front goes on there: a second log entry of the same type says the same bits as a
 * longer first one. A pointer-free slice that begins at the back takes the space below and moves its contents down, so
 * nothing is wasted. Anything else is a new slice and a copy. */
#include <errno.h>
#include <string.h>

#include "arena/arena_chunks.h"
#include "os/fence.h"

/* NULL: not the newest, or no room. */
static void *grow_front(struct ua_arena *arena, const struct ua_type *type, uintptr_t at, size_t old_bytes,
                        size_t more_count)
{
    if (at + old_bytes != arena->fast.front || arena->fast.back - arena->fast.front < more_count * type->size_bytes)
        return NULL;
    /* The room is there, so this neither refills nor fails. */
    UA_CHECK((uintptr_t)ua_arena_alloc(arena, type, more_count) == at + old_bytes, "slice grew apart");
    return (void *)at;
}

static void *grow_back(struct ua_arena *arena, const struct ua_type *type, uintptr_t at, size_t old_bytes,
                       size_t more_count)
{
    size_t more_bytes = more_count * type->size_bytes;
    uintptr_t moved;

    if (at != arena->fast.back || arena->fast.back - arena->fast.front < more_bytes)
        return NULL;
    moved = (uintptr_t)ua_arena_alloc(arena, type, more_count);
    UA_CHECK(moved + more_bytes == at, "slice grew apart");
    memmove((void *)moved, (const void *)at, old_bytes);
    memset((void *)(moved + old_bytes), 0, more_bytes);
    ua_fence_publish();
    return (void *)moved;
}

void *ua_arena_grow(struct ua_arena *arena, const struct ua_type *type, void *slice, size_t old_count, size_t new_count)
{
    size_t old_bytes;
    size_t new_bytes;
    void *grown = NULL;

    if (new_count < old_count) {
        ua_error_set(EINVAL, "ua_slice_grow: the new count is below the old one");
        return NULL;
    }
    if (new_count == old_count)
        return slice;
    if (old_count == 0 || type->size_bytes == 0 || ua_mul_overflows(new_count, type->size_bytes, &new_bytes))
        return ua_arena_alloc(arena, type, new_count);
    old_bytes = old_count * type->size_bytes;
    if (new_bytes <= arena->heap->chunks.max_alloc_bytes) {
        if (type->has_pointers)
            grown = grow_front(arena, type, (uintptr_t)slice, old_bytes, new_count - old_count);
        else
            grown = grow_back(arena, type, (uintptr_t)slice, old_bytes, new_count - old_count);
    }
    if (grown != NULL)
        return grown;
    grown = ua_arena_alloc(arena, type, new_count);
    if (grown != NULL)
        memcpy(grown, slice, old_bytes);
    return grown;
}
