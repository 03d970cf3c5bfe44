/* verify.c - see verify.h. */
#include "debug/verify.h"

#include "arena/cache.h"
#include "gc/gc.h"

struct walk {
    struct ua_heap *heap;
    size_t chunk_count;
    size_t by_state[UA_CHUNK_QUARANTINE + 1];
    size_t unprotected;
    uint64_t in_use_bytes;
    uint64_t kept_bytes;
    uint64_t small_bytes;  /* pages of small-object spans */
    uint64_t booked_bytes; /* what the ledger has of them as allocated */
};

static void verify_bitmap(const struct ua_heap *heap, const struct ua_span *chunk)
{
    const uint16_t *log = ua_heapbits_check(&heap->heapbits, chunk, chunk->log_from, chunk->log, chunk->bits_end);

    UA_CHECK(log == chunk->log_read, "verify: bitmap end is not an object's end");
}

static void visit_chunk(struct ua_span *chunk, void *context)
{
    struct walk *walk = context;
    bool in_use = chunk->chunk_state != UA_CHUNK_FRESH && chunk->chunk_state != UA_CHUNK_READY &&
                  chunk->chunk_state != UA_CHUNK_QUARANTINE;

    walk->chunk_count++;
    walk->by_state[chunk->chunk_state]++;
    walk->unprotected += chunk->unprotected;
    UA_CHECK((ua_span_kind(chunk) == UA_SPAN_UNUSED) == (chunk->chunk_state == UA_CHUNK_FRESH),
             "verify: a chunk's kind does not fit its state");
    UA_CHECK(ua_space_span(&walk->heap->space, chunk->base) == chunk, "verify: span table misses a chunk");
    UA_CHECK(ua_space_span(&walk->heap->space, ua_span_limit(chunk) - 1) == chunk, "verify: span table misses a chunk");
    UA_CHECK(in_use == (chunk->log != NULL), "verify: only chunks in use have a log");
    if (in_use) {
        uintptr_t front = ua_chunk_front(chunk);
        uintptr_t back = ua_chunk_back(chunk);

        walk->in_use_bytes += chunk->bytes;
        UA_CHECK(chunk->backing == UA_BACKING_OPEN, "verify: a chunk in use is not usable");
        UA_CHECK(!ua_span_noscan(chunk), "verify: a chunk in use is not scanned");
        UA_CHECK(chunk->base <= front && front <= back && back <= ua_span_limit(chunk), "verify: free range is broken");
        ua_heapbits_write_out(&walk->heap->heapbits, chunk, front);
        UA_CHECK(chunk->bits_end == front, "verify: bitmap does not reach the front");
        verify_bitmap(walk->heap, chunk);
    } else if (chunk->backing != UA_BACKING_RESERVED) {
        walk->kept_bytes += chunk->bytes;
    }
}

/* What the inlined path hands out next without looking. */
static void verify_zero(uintptr_t from, uintptr_t to)
{
    const uint8_t *at = (const uint8_t *)from;

    while (at < (const uint8_t *)to && *at == 0)
        at++;
    UA_CHECK(at >= (const uint8_t *)to, "verify: memory in front of an arena's limits is not zero");
}

static void verify_arena(const struct ua_arena *arena, size_t *active, size_t *full)
{
    const struct ua_arena_fast *fast = &arena->fast;
    size_t length = 1;

    UA_CHECK(arena->active != NULL && arena->active->chunk_state == UA_CHUNK_ACTIVE && arena->active->arena == arena,
             "verify: an arena's active chunk is not active");
    UA_CHECK(fast->front <= fast->front_limit && fast->front_limit <= fast->back_limit &&
                 fast->back_limit <= fast->back,
             "verify: an arena's limits are out of order");
    if (arena->heap->options.prezero != UA_PREZERO_NONE) {
        verify_zero(fast->front, fast->front_limit);
        verify_zero(fast->back_limit, fast->back);
    }
    for (const struct ua_span *chunk = arena->full; chunk != NULL; chunk = chunk->next, length++)
        UA_CHECK(chunk->chunk_state == UA_CHUNK_FULL && chunk->arena == arena, "verify: full list holds another chunk");
    UA_CHECK(length == arena->chunk_count, "full list doesn't match refs list in length");
    *active += 1;
    *full += length - 1;
}

static void verify_arenas(struct walk *walk)
{
    size_t active = 0;
    size_t full = 0;

    for (const struct ua_arena_slab *slab = walk->heap->arena_slabs; slab != NULL; slab = slab->next)
        for (size_t i = 0; i < slab->used_count; i++)
            if (slab->arenas[i].state == UA_ARENA_LIVE || slab->arenas[i].state == UA_ARENA_ABANDONED)
                verify_arena(&slab->arenas[i], &active, &full);
    UA_CHECK(active == walk->by_state[UA_CHUNK_ACTIVE], "verify: an active chunk has no arena");
    UA_CHECK(full == walk->by_state[UA_CHUNK_FULL], "verify: a full chunk has no arena");
}

/* Lists against the states of chunks, while threads stand anywhere but in a lock. */
static void verify_lists(const struct walk *walk, size_t parked_count)
{
    const struct ua_chunk_pool *pool = &walk->heap->chunks;
    const size_t *n = walk->by_state;
    /* Parked, or displaced by one that was and on its way to the list. */
    size_t aside = n[UA_CHUNK_REUSE] - pool->reuse.count;

    UA_CHECK(pool->reuse.count + parked_count <= n[UA_CHUNK_REUSE], "verify: reuse list has the wrong length");
    UA_CHECK(pool->ready.count == n[UA_CHUNK_FRESH] + n[UA_CHUNK_READY], "verify: ready list has the wrong length");
    UA_CHECK(pool->quarantined.count == n[UA_CHUNK_QUARANTINE], "verify: quarantine list has the wrong length");
    /* A stopped thread may have taken the list, to set what was on it to fault. */
    UA_CHECK(pool->fault.count <= n[UA_CHUNK_FAULT], "verify: fault list has the wrong length");
    /* Chunks that a stopped thread is about to set to fault are full, and in nobody's hands any more. */
    UA_CHECK(pool->in_hands_count <= n[UA_CHUNK_ACTIVE] + n[UA_CHUNK_FULL] + aside, "verify: chunks in arenas miscounted");
}

/* Nobody uses the heap: what else is only bounded is exact. */
static void verify_lists_at_rest(const struct walk *walk)
{
    const struct ua_chunk_pool *pool = &walk->heap->chunks;
    const size_t *n = walk->by_state;
    struct ua_cache_figures caches;

    ua_cache_read(walk->heap, &caches);
    verify_lists(walk, caches.parked_count);
    UA_CHECK(pool->reuse.count + caches.parked_count == n[UA_CHUNK_REUSE], "verify: reuse list has the wrong length");
    UA_CHECK(pool->fault.count == n[UA_CHUNK_FAULT], "verify: fault list has the wrong length");
    UA_CHECK(pool->in_hands_count == n[UA_CHUNK_ACTIVE] + n[UA_CHUNK_FULL] + caches.parked_count,
             "verify: chunks in arenas miscounted");
    UA_CHECK(pool->unprotected_count == walk->unprotected, "verify: unprotected chunks miscounted");
}

/* A sweep leaves no mark; while one is open, or not swept yet, there are some. */
static void verify_small_span(const struct ua_small_span *record, bool marks_are_gone)
{
    uint32_t freed_count = 0;
    uint32_t allocated_count = 0;

    for (uint32_t i = 0; i < record->group_count; i++) {
        freed_count += (uint32_t)__builtin_popcountll(record->bits[i].freed);
        UA_CHECK(!marks_are_gone || record->bits[i].mark == 0, "verify: an object is marked and no mark is open");
    }
    for (uint32_t i = 0; i < record->object_count; i++)
        allocated_count += ua_small_is_allocated(record, i);
    UA_CHECK(freed_count == record->freed_count, "verify: objects freed by hand miscounted");
    UA_CHECK(allocated_count + freed_count <= record->booked_count && record->booked_count <= record->object_count,
             "verify: a span's objects and the ledger's count of them differ");
}

/* Spans of small objects: their counts, and how many there are. */
static void verify_small(struct walk *walk)
{
    struct ua_small_heap *small = &walk->heap->gc->small;
    bool is_off = ua_chunk_phase(&walk->heap->chunks) == UA_PHASE_OFF;
    size_t span_count = 0;
    size_t page_count = 0;

    ua_lock_acquire(&small->lock);
    for (const struct ua_small_span *record = small->spans; record != NULL; record = record->next) {
        verify_small_span(record, is_off && record->span.sweep_gen == small->sweep_gen);
        walk->booked_bytes += (uint64_t)record->booked_count * record->object_bytes;
        page_count += record->span.bytes / UA_PAGE_BYTES;
        span_count++;
    }
    UA_CHECK(span_count == small->span_count && page_count == small->page_count, "verify: spans of small objects miscounted");
    ua_lock_release(&small->lock);
}

/* Large objects and small-object spans, by their pages. */
static void walk_general(struct walk *walk)
{
    const struct ua_heap_arena *arena = walk->heap->space.all[UA_SPACE_GENERAL];

    for (; arena != NULL; arena = arena->next) {
        if (arena->base == 0)
            continue; /* given back */
        for (size_t i = 0; i < UA_PAGES_PER_HEAP_ARENA; i++) {
            const struct ua_span *span = arena->spans[i];

            if (span == NULL || ua_span_kind(span) == UA_SPAN_UNUSED)
                continue;
            UA_CHECK(arena->base + i * UA_PAGE_BYTES - span->base < span->bytes, "verify: span table names a wrong span");
            walk->in_use_bytes += UA_PAGE_BYTES;
            if (ua_span_kind(span) == UA_SPAN_SMALL)
                walk->small_bytes += UA_PAGE_BYTES;
        }
    }
}

static void verify_ledger(const struct walk *walk)
{
    const struct ua_acct *acct = &walk->heap->acct;
    uint64_t living = ua_acct_load(&acct->total_alloc) - ua_acct_load(&acct->total_free);

    ua_acct_check_sum(acct);
    UA_CHECK(ua_acct_read(acct, UA_ACCT_IN_USE) == walk->in_use_bytes, "verify: ledger in_use differs from the walk");
    UA_CHECK(ua_acct_read(acct, UA_ACCT_KEPT) == walk->kept_bytes, "verify: ledger kept differs from the walk");
    UA_CHECK(living == walk->in_use_bytes - walk->small_bytes + walk->booked_bytes,
             "verify: allocated less freed bytes differ from the walk");
}

size_t ua_verify_heap(struct ua_heap *heap)
{
    struct walk walk = {.heap = heap};

    ua_chunk_ahead_pause(&heap->chunks);
    ua_chunk_each(&heap->chunks, visit_chunk, &walk);
    verify_arenas(&walk);
    verify_lists_at_rest(&walk);
    walk_general(&walk);
    if (heap->gc != NULL)
        verify_small(&walk);
    verify_ledger(&walk);
    ua_chunk_ahead_resume(&heap->chunks);
    return walk.chunk_count;
}

static void count_state(struct ua_span *chunk, void *context)
{
    struct walk *walk = context;

    walk->by_state[chunk->chunk_state]++;
}

void ua_verify_stopped(struct ua_heap *heap)
{
    struct walk walk = {.heap = heap};
    struct ua_cache_figures caches;

    ua_cache_read(heap, &caches);
    ua_lock_acquire(&heap->chunks.lock);
    ua_chunk_each(&heap->chunks, count_state, &walk);
    verify_lists(&walk, caches.parked_count);
    ua_lock_release(&heap->chunks.lock);
    verify_small(&walk);
}
