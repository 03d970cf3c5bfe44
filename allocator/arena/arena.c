/* arena.c - new, refill, free, reset of user arenas; arena_alloc.c allocates. See arena.h.
 *
 * As in Go: a new arena takes a chunk at once, from the reuse list if there is one; a chunk that cannot hold an object is
 * full for good; freeing gives full chunks back, last filled first, and leaves the active one to the next arena. */
#include "arena/arena.h"

#include <errno.h>

#include "arena/arena_chunks.h"
#include "arena/cache.h"
#include "arena/handles.h"

static void count(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

void ua_arena_check(const struct ua_arena *arena, const char *call)
{
    enum ua_arena_state state;

    if (UA_UNLIKELY(arena == NULL || (uintptr_t)arena % _Alignof(struct ua_arena) != 0 ||
                    arena->magic != (UA_ARENA_MAGIC ^ (uintptr_t)arena)))
        ua_fatal_call(call, "not an arena");
    state = __atomic_load_n(&arena->state, __ATOMIC_ACQUIRE);
    if (UA_UNLIKELY(state == UA_ARENA_FREED))
        ua_fatal_call(call, "the arena was freed");
    if (UA_UNLIKELY(state != UA_ARENA_LIVE))
        ua_fatal_call(call, "the arena was abandoned");
}

void ua_arena_interrupted(const struct ua_arena *arena, const char *call)
{
    ua_arena_check(arena, call);
    ua_fatal_call(call, "a signal handler interrupted a call on the same arena");
}

static size_t used_in(const struct ua_span *chunk, uintptr_t front, uintptr_t back)
{
    return chunk->bytes - (back - front);
}

/* Lets the inlined path use what is already zero of the chunk's range. */
void ua_arena_open_range(struct ua_arena *arena, struct ua_span *chunk)
{
    const struct ua_chunk_pool *pool = &arena->heap->chunks;
    struct ua_arena_fast *fast = &arena->fast;
    uintptr_t front = chunk->free_low;
    uintptr_t back = chunk->free_high;
    uintptr_t front_limit = ua_min(ua_max(chunk->zero.zero_low, front), front + pool->max_alloc_bytes);
    uintptr_t back_limit = ua_max(ua_min(chunk->zero.zero_high, back), back - ua_min(back - front, pool->max_alloc_bytes));

    fast->log = chunk->log_next;
    fast->front_limit = pool->outline ? front : ua_min(front_limit, back);
    fast->back_limit = pool->outline ? back : ua_max(back_limit, fast->front_limit);
    __atomic_store_n(&fast->back, back, __ATOMIC_RELEASE);
    __atomic_store_n(&fast->front, front, __ATOMIC_RELEASE);
    arena->active = chunk;
    __atomic_store_n(&chunk->in_hand, true, __ATOMIC_RELEASE);
    arena->used_bytes -= used_in(chunk, front, back);
}

/* The arena stops allocating into its active chunk. */
static void close_active(struct ua_arena *arena)
{
    const struct ua_arena_fast *fast = &arena->fast;

    arena->used_bytes += used_in(arena->active, fast->front, fast->back);
}

/* The calling thread's parked chunk, now active in `arena`. A stop must not come in between. */
static struct ua_span *unpark(struct ua_cache *cache, struct ua_arena *arena)
{
    struct ua_span *chunk = cache->parked;

    __atomic_store_n(&cache->parked, NULL, __ATOMIC_RELAXED);
    ua_chunk_unpark(chunk, arena);
    return chunk;
}

static struct ua_span *take_chunk(struct ua_arena *arena)
{
    struct ua_thread_record *thread = &ua_thread_record;
    struct ua_heap *heap = arena->heap;
    struct ua_cache *cache = ua_cache_of(thread, heap);
    struct ua_span *chunk;

    if (cache != NULL && cache->parked != NULL) {
        ua_lock_defer_begin_in(thread);
        chunk = unpark(cache, arena);
        ua_lock_defer_end_in(thread);
    } else {
        chunk = ua_chunk_take_reuse(&heap->chunks, arena);
    }
    if (chunk != NULL) {
        ua_watch_note(&heap->chunks.watch, UA_EVENT_REUSE, arena, chunk);
        return chunk;
    }
    if (heap->gc_ops != NULL)
        heap->gc_ops->before_chunk(heap, heap->chunks.chunk_bytes);
    chunk = ua_chunk_take(&heap->chunks, arena);
    if (chunk != NULL)
        ua_watch_note(&heap->chunks.watch, UA_EVENT_CHUNK, arena, chunk);
    if (heap->gc_ops != NULL)
        heap->gc_ops->after_chunk(heap, chunk);
    return chunk;
}

/* Without one, nothing has changed. */
static bool next_chunk(struct ua_arena *arena)
{
    struct ua_span *full = arena->active;
    struct ua_span *chunk = take_chunk(arena);

    if (chunk == NULL)
        return false;
    if (full != NULL) {
        close_active(arena);
        ua_chunk_fill(&arena->heap->chunks, full, arena->fast.front, arena->fast.back, arena->fast.log);
        full->next = arena->full;
        arena->full = full;
        ua_watch_note(&arena->heap->chunks.watch, UA_EVENT_FULL, arena, full);
    }
    arena->chunk_count++;
    ua_arena_open_range(arena, chunk);
    return true;
}

bool ua_arena_refill(struct ua_arena *arena)
{
    if (!next_chunk(arena))
        return false;
    count(&arena->heap->refill_count);
    return true;
}

void ua_arena_unfill(struct ua_arena *arena)
{
    struct ua_span *untouched = arena->active;
    struct ua_span *chunk = arena->full;

    close_active(arena);
    ua_chunk_put_reuse(&arena->heap->chunks, untouched, arena->fast.front, arena->fast.back, arena->fast.log);
    arena->full = chunk->next;
    chunk->next = NULL;
    arena->chunk_count--;
    ua_chunk_reopen(chunk);
    ua_arena_open_range(arena, chunk);
}

/* A handle that was taken starts a life; its range is empty. */
static void start_life(struct ua_arena *arena)
{
    arena->active = NULL;
    arena->busy = 0;
    arena->full = NULL;
    arena->chunk_count = 0;
    arena->used_bytes = 0;
}

static void made(struct ua_heap *heap, struct ua_cache *cache, struct ua_arena *arena)
{
    if (cache != NULL)
        ua_cache_count(&cache->made_count);
    else
        count(&heap->arena_new_count);
    __atomic_store_n(&arena->state, UA_ARENA_LIVE, __ATOMIC_RELEASE);
}

static __attribute__((noinline)) struct ua_arena *create_slow(struct ua_heap *heap)
{
    struct ua_cache *cache = ua_cache_need(heap);
    struct ua_arena *arena;

    if (heap->gc_ops != NULL)
        heap->gc_ops->before_birth(heap);
    arena = cache != NULL ? ua_handle_take_own(cache) : NULL;
    if (arena == NULL)
        arena = ua_handle_take(heap, cache);
    if (arena == NULL) {
        ua_error_set(ENOMEM, "ua_arena_new: no memory for a handle");
        return NULL;
    }
    start_life(arena);
    if (!next_chunk(arena)) {
        __atomic_store_n(&arena->state, UA_ARENA_FREED, __ATOMIC_RELEASE);
        ua_handle_put(heap, arena);
        return NULL;
    }
    made(heap, cache, arena);
    ua_watch_note(&heap->chunks.watch, UA_EVENT_NEW, arena, NULL);
    return arena;
}

/* The short way: handle and chunk are the thread's own. */
struct ua_arena *ua_arena_create(struct ua_heap *heap)
{
    struct ua_thread_record *thread = &ua_thread_record;
    struct ua_cache *cache = ua_cache_of(thread, heap);
    struct ua_arena *arena;

    if (UA_UNLIKELY(cache == NULL || cache->parked == NULL))
        return create_slow(heap);
    ua_lock_defer_begin_in(thread);
    arena = ua_handle_take_own(cache);
    if (UA_LIKELY(arena != NULL)) {
        start_life(arena);
        arena->chunk_count = 1;
        ua_arena_open_range(arena, unpark(cache, arena));
        made(heap, cache, arena);
        ua_watch_note(&heap->chunks.watch, UA_EVENT_REUSE, arena, arena->active);
        ua_watch_note(&heap->chunks.watch, UA_EVENT_NEW, arena, NULL);
    }
    ua_lock_defer_end_in(thread);
    return UA_LIKELY(arena != NULL) ? arena : create_slow(heap);
}

static void check_full_list(const struct ua_arena *arena)
{
    size_t length = arena->active != NULL ? 1 : 0;

    for (const struct ua_span *chunk = arena->full; chunk != NULL; chunk = chunk->next)
        length++;
    UA_CHECK(length == arena->chunk_count, "full list doesn't match refs list in length");
}

/* Whether freed memory stays as it is: no quarantine, no trap (preset kept). */
static bool is_kept(const struct ua_heap *heap)
{
    return !heap->chunks.quarantine && heap->options.fault == UA_FAULT_OFF;
}

/* Whether freed chunks may simply be used again (preset kept, no mark running). */
bool ua_arena_rewinds(const struct ua_heap *heap)
{
    return is_kept(heap) && ua_chunk_phase(&heap->chunks) == UA_PHASE_OFF && !heap->chunks.sanitize;
}

/* Parks a chunk that the arena has given up, in the thread's cache or on the reuse list. Returns what lay there before. */
static struct ua_span *park(struct ua_heap *heap, struct ua_cache *cache, struct ua_span *chunk, uintptr_t front,
                            uintptr_t back, uint16_t *log)
{
    struct ua_span *before;

    if (cache == NULL) {
        ua_chunk_put_reuse(&heap->chunks, chunk, front, back, log);
        return NULL;
    }
    before = cache->parked;
    ua_chunk_park(chunk, front, back, log);
    __atomic_store_n(&cache->parked, chunk, __ATOMIC_RELAXED);
    return before;
}

/* Empties the chunk if it may be. The caller sees to it that no stop cuts in: a mark that opened in between would have noted what is dropped here. */
static bool rewind_chunk(struct ua_heap *heap, struct ua_span *chunk, uintptr_t front, uintptr_t back, uint16_t *log)
{
    if (!ua_arena_rewinds(heap))
        return false;
    ua_chunk_rewind(&heap->chunks, chunk, front, back, log);
    return true;
}

/* The active chunk of an arena that gives it up: to the next arena, or (sanitizers; kept during a mark) out of use; then it
 * is returned to be freed with the others. *displaced: a chunk that has to go to the reuse list. */
static struct ua_span *give_active(struct ua_arena *arena, struct ua_cache *cache, struct ua_span **displaced)
{
    struct ua_heap *heap = arena->heap;
    struct ua_span *chunk = arena->active;
    uintptr_t front = arena->fast.front;
    uintptr_t back = arena->fast.back;
    uint16_t *log = arena->fast.log;

    ua_handle_empty(arena);
    arena->active = NULL;
    if (rewind_chunk(heap, chunk, front, back, log)) {
        front = chunk->free_low;
        back = chunk->free_high;
        log = chunk->log_next;
    } else if (is_kept(heap) || heap->chunks.sanitize) {
        ua_chunk_retire(chunk, front, back, log);
        return chunk;
    }
    ua_watch_note(&heap->chunks.watch, UA_EVENT_LEAVE, arena, chunk);
    *displaced = park(heap, cache, chunk, front, back, log);
    return NULL;
}

/* Appends the retired active chunk to the full list: it is freed last. */
static struct ua_span *batch_of(struct ua_span *full, struct ua_span *last)
{
    struct ua_span *end = full;

    if (full == NULL)
        return last;
    while (end->next != NULL)
        end = end->next;
    end->next = last;
    return full;
}

/* State LIVE or ABANDONED; anything else is fatal. */
static void check_release(struct ua_arena *arena)
{
    enum ua_arena_state state;

    if (UA_UNLIKELY(arena->magic != (UA_ARENA_MAGIC ^ (uintptr_t)arena)))
        ua_fatal_call("ua_arena_free", "not an arena");
    if (UA_UNLIKELY(arena->busy != 0) && __atomic_load_n(&arena->state, __ATOMIC_RELAXED) != UA_ARENA_FREED)
        ua_arena_interrupted(arena, "ua_arena_free");
    arena->busy = 1; /* until the handle is used again: a handler finds the range gone or this */
    state = __atomic_load_n(&arena->state, __ATOMIC_ACQUIRE);
    UA_CHECK(state == UA_ARENA_LIVE || state == UA_ARENA_ABANDONED, "arena double free");
    if (UA_UNLIKELY(state == UA_ARENA_ABANDONED) && arena->heap->gc_ops != NULL)
        arena->heap->gc_ops->arena_freed(arena->heap, arena);
    check_full_list(arena);
}

/* The calling thread's parked chunk goes to the reuse list, so that its next arena is made the long way, which collects first. */
static void unpark_for_birth(struct ua_heap *heap, struct ua_cache *cache)
{
    struct ua_span *chunk;

    ua_lock_defer_begin();
    chunk = cache->parked;
    __atomic_store_n(&cache->parked, NULL, __ATOMIC_RELAXED);
    ua_lock_defer_end();
    if (chunk != NULL)
        ua_chunk_put_parked(&heap->chunks, chunk);
}

/* What is left after the short way of a free. */
static __attribute__((noinline)) void release_rest(struct ua_heap *heap, struct ua_cache *cache, struct ua_span *displaced,
                                                   struct ua_span *batch)
{
    size_t count = 0;

    if (displaced != NULL)
        ua_chunk_put_parked(&heap->chunks, displaced);
    for (const struct ua_span *chunk = batch; chunk != NULL; chunk = chunk->next)
        count++;
    ua_chunk_free(&heap->chunks, batch);
    if (count > 0 && heap->gc_ops != NULL && heap->gc_ops->after_free(heap, count) && cache != NULL)
        unpark_for_birth(heap, cache);
    if (cache != NULL && cache->freed_count > UA_CACHE_HANDLES_MAX)
        ua_handle_spill(cache, UA_CACHE_HANDLES_MAX - UA_CACHE_HANDLES_SPILL);
}

void ua_arena_release(struct ua_arena *arena)
{
    struct ua_thread_record *thread = &ua_thread_record;
    struct ua_heap *heap;
    struct ua_cache *cache;
    struct ua_span *batch;
    struct ua_span *last;
    struct ua_span *displaced = NULL;

    check_release(arena);
    heap = arena->heap;
    cache = ua_cache_of(thread, heap);
    ua_watch_note(&heap->chunks.watch, UA_EVENT_FREE, arena, NULL);
    batch = arena->full;
    ua_lock_defer_begin_in(thread);
    __atomic_store_n(&arena->state, UA_ARENA_FREED, __ATOMIC_RELEASE);
    arena->full = NULL;
    arena->chunk_count = 0;
    last = give_active(arena, cache, &displaced);
    if (UA_LIKELY(cache != NULL)) {
        ua_handle_put_own(cache, arena);
        ua_cache_count(&cache->ended_count);
    } else {
        ua_handle_put(heap, arena);
        count(&heap->arena_free_count);
    }
    ua_lock_defer_end_in(thread);
    if (UA_UNLIKELY(batch != NULL || last != NULL || displaced != NULL || cache == NULL ||
                    cache->freed_count > UA_CACHE_HANDLES_MAX))
        release_rest(heap, cache, displaced, batch_of(batch, last));
}

int ua_arena_restart(struct ua_arena *arena)
{
    struct ua_heap *heap = arena->heap;
    struct ua_span *chunk = arena->active;
    struct ua_span *batch = arena->full;
    bool rewound;

    check_full_list(arena);
    ua_lock_defer_begin();
    rewound = rewind_chunk(heap, chunk, arena->fast.front, arena->fast.back, arena->fast.log);
    ua_lock_defer_end();
    if (rewound) {
        /* It stays the arena's, empty. */
    } else if (heap->chunks.sanitize) {
        struct ua_span *fresh = take_chunk(arena);

        if (fresh == NULL)
            return -1;
        ua_chunk_retire(chunk, arena->fast.front, arena->fast.back, arena->fast.log);
        batch = batch_of(batch, chunk);
        chunk->next = NULL;
        chunk = fresh;
    } else {
        ua_chunk_retire(chunk, arena->fast.front, arena->fast.back, arena->fast.log);
    }
    ua_watch_note(&heap->chunks.watch, UA_EVENT_RESET, arena, NULL);
    arena->full = NULL;
    arena->chunk_count = 1;
    arena->used_bytes = 0;
    ua_arena_open_range(arena, chunk);
    ua_chunk_free(&heap->chunks, batch);
    return 0;
}

void ua_arena_leave(struct ua_arena *arena)
{
    struct ua_heap *heap = arena->heap;

    __atomic_store_n(&arena->state, UA_ARENA_ABANDONED, __ATOMIC_RELEASE);
    if (heap->gc_ops != NULL)
        heap->gc_ops->arena_abandoned(heap, arena);
}

void ua_arena_measure(const struct ua_arena *arena, size_t *used_bytes, size_t *held_bytes)
{
    const struct ua_chunk_pool *pool = &arena->heap->chunks;

    if (used_bytes != NULL)
        *used_bytes = arena->used_bytes + used_in(arena->active, arena->fast.front, arena->fast.back);
    if (held_bytes != NULL)
        *held_bytes = arena->chunk_count * pool->chunk_bytes;
}

uintptr_t ua_chunk_front(const struct ua_span *chunk)
{
    const struct ua_arena *arena = __atomic_load_n(&chunk->arena, __ATOMIC_ACQUIRE);

    if (arena != NULL && arena->active == chunk)
        return __atomic_load_n(&arena->fast.front, __ATOMIC_ACQUIRE);
    return chunk->free_low;
}

uintptr_t ua_chunk_back(const struct ua_span *chunk)
{
    const struct ua_arena *arena = __atomic_load_n(&chunk->arena, __ATOMIC_ACQUIRE);

    if (arena != NULL && arena->active == chunk)
        return __atomic_load_n(&arena->fast.back, __ATOMIC_ACQUIRE);
    return chunk->free_high;
}

/* The owner may be storing its log's place meanwhile: an aligned word, read whole, a moment old at worst. */
static __attribute__((no_sanitize("thread"))) const uint16_t *log_place(const struct ua_span *chunk)
{
    const struct ua_arena *arena = __atomic_load_n(&chunk->arena, __ATOMIC_ACQUIRE);

    return arena != NULL && arena->active == chunk ? *(uint16_t *const volatile *)&arena->fast.log
                                                   : *(uint16_t *const volatile *)&chunk->log_next;
}

static void book_log(struct ua_span *chunk, void *unused)
{
    struct ua_log *log = __atomic_load_n(&chunk->log_record, __ATOMIC_ACQUIRE);

    (void)unused;
    if (log != NULL)
        ua_log_reached(log, log_place(chunk));
}

void ua_arena_book_logs(struct ua_heap *heap)
{
    ua_chunk_each(&heap->chunks, book_log, NULL);
}
