/* arena_alloc.c - allocation that is not inlined: run-time types, slices, window ends, refills, large objects.
 *
 * The order of stores is the contract with whoever stops this thread: type log first, free range last. */
#include <errno.h>

#include "arena/arena_chunks.h"
#include "heap/heapbits.h"
#include "os/san.h"

/* No request above this reaches address arithmetic, so that it cannot wrap. */
#define ARITHMETIC_MAX_BYTES ((size_t)1 << 30)

static void *commit_front(struct ua_arena_fast *fast, uint16_t id, size_t count, uintptr_t at, uintptr_t end)
{
    fast->log = ua_log_append(fast->log, id, count);
    __atomic_store_n(&fast->front, end, __ATOMIC_RELEASE);
    return (void *)at;
}

/* Go counts a slice's scannable bytes up to the end of its last pointer. A short slice is logged as single values, so the
 * write-out will count each of them without its tail: the tails between are booked here. */
static void book_short_slice(struct ua_heap *heap, const struct ua_layout *layout, size_t count)
{
    size_t tail = layout->size_bytes - layout->ptrdata_bytes;

    if (count > 1 && count < UA_LOG_SLICE_MIN && tail != 0)
        ua_acct_scan_alloc(&heap->acct, (count - 1) * tail);
}

/* Go's takeFromFront, then limits and log. NULL: the chunk has no room. */
static void *take_front(struct ua_arena *arena, const struct ua_layout *layout, size_t count, size_t bytes)
{
    struct ua_arena_fast *fast = &arena->fast;
    const struct ua_chunk_pool *pool = &arena->heap->chunks;
    uintptr_t at = ua_align_up(fast->front, layout->align_bytes);
    uintptr_t end = at + bytes;

    if (end > fast->back)
        return NULL;
    if (end > fast->front_limit) {
        uintptr_t limit = ua_prezero_front(&pool->prezero, arena->active, fast->front, fast->back, end);

        fast->front_limit = limit;
        fast->back_limit = ua_max(fast->back_limit, limit);
    }
    book_short_slice(arena->heap, layout, count);
    commit_front(fast, layout->id, count, at, end);
    if (UA_UNLIKELY(pool->outline)) {
        if (pool->sanitize)
            ua_san_object(arena->active->base, UA_SAN_FRONT, at, bytes);
        fast->front_limit = end;
        fast->back_limit = fast->back;
    }
    return (void *)at;
}

/* Go's takeFromBack. */
static void *take_back(struct ua_arena *arena, size_t bytes, size_t align_bytes)
{
    struct ua_arena_fast *fast = &arena->fast;
    const struct ua_chunk_pool *pool = &arena->heap->chunks;
    uintptr_t at = ua_align_down(fast->back - bytes, align_bytes);

    if (fast->front > at)
        return NULL;
    if (at < fast->back_limit) {
        uintptr_t limit = ua_prezero_back(&pool->prezero, arena->active, fast->front, fast->back, at);

        fast->back_limit = limit;
        fast->front_limit = ua_min(fast->front_limit, limit);
    }
    __atomic_store_n(&fast->back, at, __ATOMIC_RELEASE);
    if (UA_UNLIKELY(pool->outline)) {
        if (pool->sanitize)
            ua_san_object(arena->active->base, UA_SAN_BACK, at, bytes);
        fast->front_limit = fast->front;
        fast->back_limit = at;
    }
    return (void *)at;
}

/* More than a quarter chunk: an object of the collected heap, or of the large-object list while there is no collector. */
static void *alloc_large(struct ua_heap *heap, const struct ua_layout *layout, size_t count, size_t bytes,
                         size_t align_bytes)
{
    struct ua_span *span;

    if (heap->gc_ops != NULL)
        return heap->gc_ops->alloc(heap, layout, count, bytes, align_bytes);
    span = ua_large_alloc(&heap->large, layout, count, bytes);
    return span != NULL ? (void *)span->base : NULL;
}

static void *alloc_entered(struct ua_arena *arena, const struct ua_type *type, size_t count)
{
    const struct ua_layout *layout;
    size_t bytes;
    size_t refills = 0;
    void *object;

    ua_arena_check(arena, "ua_arena_alloc");
    ua_call_check("ua_arena_alloc");
    if (count == 0 || type->size_bytes == 0)
        return ua_zero_base;
    if (count > PTRDIFF_MAX || ua_mul_overflows(type->size_bytes, count, &bytes) || bytes > PTRDIFF_MAX) {
        ua_error_set(EOVERFLOW, "ua_arena_alloc: allocation size out of range");
        return NULL;
    }
    layout = ua_types_layout(&arena->heap->types, type);
    if (layout == NULL && !ua_type_is_scalar(type))
        return NULL;
    if (!ua_is_power_of_two(type->align_bytes) || type->align_bytes > UA_ALIGN_MAX)
        ua_fatal_call("ua_arena_alloc", "the type's alignment is not a power of two up to 4096");
    if (bytes > arena->heap->chunks.max_alloc_bytes)
        return alloc_large(arena->heap, layout, count, bytes, type->align_bytes);
    for (;;) {
        if (layout != NULL && layout->ptrdata_words != 0)
            object = take_front(arena, layout, count, bytes);
        else
            object = take_back(arena, bytes, type->align_bytes);
        if (object != NULL)
            return object;
        if (!ua_arena_refill(arena))
            break;
        refills++;
    }
    /* Chunks from the reuse list may have been too full as well: give them back, so that nothing has changed. */
    for (; refills > 0; refills--)
        ua_arena_unfill(arena);
    return NULL;
}

/* Ends the call on the arena that its caller began. */
static __attribute__((noinline)) void *alloc_slow(struct ua_arena *arena, const struct ua_type *type, size_t count)
{
    void *object = alloc_entered(arena, type, count);

    ua_arena_exit(arena);
    return object;
}

/* A type's id means something in this heap: a run-time type of ours, or any compile-time type. */
static inline bool is_ours(const struct ua_arena *arena, const struct ua_type_cache *cache)
{
    const void *owner = cache->owner;

    return UA_LIKELY(owner == arena->types) || owner == NULL;
}

/* The size, or while the type is not registered a step that no free range holds. */
static inline uint64_t step_of(const struct ua_type *type)
{
    return __atomic_load_n(&type->cache->step_bytes, __ATOMIC_ACQUIRE);
}

static inline uint16_t id_of(const struct ua_type *type)
{
    return (uint16_t)__atomic_load_n(&type->cache->id, __ATOMIC_RELAXED);
}

static inline bool may_open_short(const struct ua_arena *arena, size_t need_bytes)
{
    return ua_prezero_is_short(need_bytes) && ua_arena_is_live(arena) && arena->heap->chunks.prezero.short_windows;
}

/* The zeroed window of an end goes on to the end of an object, in the usual case (heap/prezero.h). False: alloc_slow sees to all others. */
static inline bool next_front_window(struct ua_arena *arena, uintptr_t end)
{
    struct ua_arena_fast *fast = &arena->fast;
    uintptr_t limit;

    if (!may_open_short(arena, end - fast->front))
        return false;
    limit = ua_prezero_short_front(arena->active, fast->front, end);
    if (limit == 0)
        return false;
    fast->front_limit = limit;
    return true;
}

static inline bool next_back_window(struct ua_arena *arena, uintptr_t begin)
{
    struct ua_arena_fast *fast = &arena->fast;
    uintptr_t limit;

    if (!may_open_short(arena, fast->back - begin))
        return false;
    limit = ua_prezero_short_back(arena->active, fast->back, begin);
    if (limit == 0)
        return false;
    fast->back_limit = limit;
    return true;
}

static __attribute__((noinline)) void *take_slice(struct ua_arena *arena, const struct ua_type *type, size_t count)
{
    struct ua_arena_fast *fast = &arena->fast;
    size_t bytes;
    uintptr_t at;

    ua_arena_enter(arena, "ua_arena_alloc");
    if (UA_UNLIKELY(ua_mul_overflows(type->size_bytes, count, &bytes) || bytes - 1 >= ARITHMETIC_MAX_BYTES))
        return alloc_slow(arena, type, count);
    if (!type->has_pointers) {
        at = ua_align_down(fast->back - bytes, type->align_bytes);
        if (UA_UNLIKELY(at >= fast->back || (at < fast->back_limit && !next_back_window(arena, at))))
            return alloc_slow(arena, type, count);
        __atomic_store_n(&fast->back, at, __ATOMIC_RELEASE);
        ua_arena_exit(arena);
        return (void *)at;
    }
    at = ua_align_up(fast->front, type->align_bytes);
    if (UA_UNLIKELY(step_of(type) != type->size_bytes || !is_ours(arena, type->cache) ||
                    (at + bytes > fast->front_limit && !next_front_window(arena, at + bytes))))
        return alloc_slow(arena, type, count);
    book_short_slice(arena->heap, __atomic_load_n(&type->cache->layout, __ATOMIC_RELAXED), count);
    commit_front(fast, id_of(type), count, at, at + bytes);
    ua_arena_exit(arena);
    return (void *)at;
}

/* The place of the next entry is stored before this one, so that stores to the arena's line come two by two, and by one instruction in
 * memory (decision 0073; the fences are the compiler's). Nobody reads an entry whose object the front has not passed. */
static inline void *commit_one(struct ua_arena *arena, const struct ua_type_cache *cache, uintptr_t at, uintptr_t end)
{
    struct ua_arena_fast *fast = &arena->fast;
    uint16_t *entry = fast->log;

    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    fast->log++;
    __atomic_signal_fence(__ATOMIC_ACQ_REL);
    __atomic_store_n(entry, (uint16_t)__atomic_load_n(&cache->id, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    __atomic_store_n(&fast->front, end, __ATOMIC_RELEASE);
    ua_arena_exit(arena);
    return (void *)at;
}

static __attribute__((noinline)) void *one_past_front(struct ua_arena *arena, const struct ua_type *type)
{
    const struct ua_type_cache *cache = type->cache;
    uintptr_t at = arena->fast.front;
    uintptr_t end = at + __atomic_load_n(&cache->word_step_bytes, __ATOMIC_ACQUIRE);

    if (UA_UNLIKELY(!is_ours(arena, cache) || !next_front_window(arena, end)))
        return alloc_slow(arena, type, 1);
    return commit_one(arena, cache, at, end);
}

static __attribute__((noinline)) void *one_past_back(struct ua_arena *arena, const struct ua_type *type)
{
    struct ua_arena_fast *fast = &arena->fast;
    uintptr_t raw = fast->back - type->size_bytes;
    uintptr_t at = ua_align_down(raw, type->align_bytes);

    if (UA_UNLIKELY(raw >= fast->back || !next_back_window(arena, at)))
        return alloc_slow(arena, type, 1);
    __atomic_store_n(&fast->back, at, __ATOMIC_RELEASE);
    ua_arena_exit(arena);
    return (void *)at;
}

/* One value did not fit the window: a short one follows, or alloc_slow. Functions of their own, so that ua_arena_alloc_one, and who
 * comes to new memory, saves no registers. */
static __attribute__((noinline)) void *one_past_window(struct ua_arena *arena, const struct ua_type *type)
{
    const struct ua_arena_fast *fast = &arena->fast;
    const struct ua_span *chunk = arena->active;

    if (UA_LIKELY(chunk != NULL)) {
        if (type->has_pointers && fast->front_limit < chunk->zero.dirty_low)
            return one_past_front(arena, type);
        if (!type->has_pointers && fast->back_limit > chunk->zero.dirty_high)
            return one_past_back(arena, type);
    }
    return alloc_slow(arena, type, 1);
}

static __attribute__((noinline, cold)) void *refuse_null(const struct ua_arena *arena)
{
    ua_fatal_call("ua_arena_alloc", arena == NULL ? "the arena is NULL" : "the type is NULL");
}

/* The public call itself, without a layer in between: at 20 instructions a jump is a twentieth. As in the inlined path, NULL
 * faults at once. A type with pointers that is registered and aligned to 8 or less has a step that fits; all else, refused or
 * rare, is behind the one comparison. */
void *ua_arena_alloc_one(struct ua_arena *arena, const struct ua_type *type)
{
    struct ua_arena_fast *fast = &arena->fast;
    size_t bytes;
    uintptr_t raw;
    uintptr_t at;

    ua_arena_enter(arena, "ua_arena_alloc");
    if (type->has_pointers == UA_HAS_POINTERS) {
        const struct ua_type_cache *cache = type->cache;
        uintptr_t end;

        at = fast->front;
        end = at + __atomic_load_n(&cache->word_step_bytes, __ATOMIC_ACQUIRE);
        if (UA_UNLIKELY(end > fast->front_limit || !is_ours(arena, cache)))
            return one_past_window(arena, type);
        return commit_one(arena, cache, at, end);
    }
    bytes = type->size_bytes;
    raw = fast->back - bytes;
    at = ua_align_down(raw, type->align_bytes);
    /* Not below the back: no bytes at all, far too many, or a range that is no arena's and full of zeros. */
    if (UA_UNLIKELY(at < fast->back_limit || raw >= fast->back))
        return one_past_window(arena, type);
    __atomic_store_n(&fast->back, at, __ATOMIC_RELEASE);
    ua_arena_exit(arena);
    return (void *)at;
}

void *ua_arena_alloc(struct ua_arena *arena, const struct ua_type *type, size_t count)
{
    if (UA_UNLIKELY(arena == NULL || type == NULL))
        return refuse_null(arena);
    if (count == 1)
        return ua_arena_alloc_one(arena, type);
    return take_slice(arena, type, count);
}
