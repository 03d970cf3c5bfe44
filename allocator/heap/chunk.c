/* chunk.c - taking chunks and the reuse list; chunk_fault.c has the way out. See chunk.h. */
#include "heap/chunk.h"

#include <errno.h>

#include "base/bits.h"
#include "heap/chunk_state.h"
#include "os/san.h"

/* Records of chunks on cache lines of their own: neighbours may be in the hands of two threads. */
#define SPAN_STRIDE_BYTES ua_align_up(sizeof(struct ua_span), 64)
#define REDZONE_BYTES ((size_t)2048) /* what Go's computeRZlog gives an 8 MiB object */

void ua_chunk_pool_init(struct ua_chunk_pool *pool, const struct ua_options *options, struct ua_vm *vm,
                        struct ua_acct *acct, struct ua_meta *meta, struct ua_space *space, struct ua_logs *logs,
                        uint64_t *lock_count)
{
    size_t chunk_bytes = options->chunk_bytes;

    UA_CHECK(chunk_bytes % UA_PAGE_BYTES == 0, "user arena chunk size is not a multiple of the page size");
    UA_CHECK(chunk_bytes % ua_vm_page_bytes() == 0, "user arena chunk size is not a multiple of the physical page size");
    UA_CHECK(UA_HEAP_ARENA_BYTES % chunk_bytes == 0, "user arena chunk size does not divide a heap arena");
    *pool = (struct ua_chunk_pool){.options = options, .vm = vm, .acct = acct, .meta = meta, .space = space,
                                   .logs = logs, .chunk_bytes = chunk_bytes, .clock = &ua_clock_system};
    pool->chunk_shift = ua_log2(chunk_bytes);
    pool->max_alloc_bytes = chunk_bytes / UA_CHUNK_MAX_ALLOC_DIVISOR;
    pool->sanitize = options->sanitizer == UA_SANITIZER_AUTO && ua_san_watches();
    pool->outline = pool->sanitize || options->verify == UA_VERIFY_FULL;
    pool->redzone_bytes = pool->sanitize ? REDZONE_BYTES : 0;
    pool->quarantine = options->quarantine == UA_QUARANTINE_ON;
    pool->prezero = (struct ua_prezero){.policy = options->prezero, .huge_pages = options->huge_pages, .vm = vm,
                                        .max_alloc_bytes = pool->max_alloc_bytes, .watched = pool->sanitize,
                                        .short_windows = !pool->outline};
    ua_lock_init(&pool->lock, UA_RANK_CHUNKS, lock_count);
}

static void forget_chunk(struct ua_span *chunk, void *context)
{
    (void)context;
    if (ua_span_kind(chunk) == UA_SPAN_UNUSED)
        return;
    ua_san_chunk_ended(chunk->base, chunk->bytes);
    ua_san_forget(chunk->base, chunk->bytes);
}

void ua_chunk_pool_deinit(struct ua_chunk_pool *pool)
{
    /* The address space may be anything's next. */
    if (pool->sanitize)
        ua_chunk_each(pool, forget_chunk, NULL);
    ua_lock_deinit(&pool->lock);
}

/* Makes the spans of a new reservation and puts them on the ready list, ascending. Guard: lock. */
static int grow(struct ua_chunk_pool *pool)
{
    size_t most = UA_HEAP_ARENA_BYTES >> pool->chunk_shift;
    uintptr_t at;
    size_t got_bytes;
    struct ua_span *spans;
    uint64_t *bits;
    int error;

    /* Records first, for one heap arena; a search without hint may give two, then a second set is made below. */
    spans = ua_meta_alloc(pool->meta, most * SPAN_STRIDE_BYTES);
    bits = ua_meta_reserve(pool->meta, UA_HEAP_ARENA_BYTES / UA_WORDS_PER_BITMAP_WORD);
    if (spans == NULL || bits == NULL)
        return ENOMEM;
    error = ua_space_reserve(pool->space, UA_SPACE_CHUNKS, pool->chunk_bytes, pool->chunk_shift, &at, &got_bytes);
    if (error != 0)
        return error;
    for (uintptr_t end = at + got_bytes; at < end; at += UA_HEAP_ARENA_BYTES) {
        if (spans == NULL) {
            spans = ua_meta_alloc(pool->meta, most * SPAN_STRIDE_BYTES);
            bits = ua_meta_reserve(pool->meta, UA_HEAP_ARENA_BYTES / UA_WORDS_PER_BITMAP_WORD);
            if (spans == NULL || bits == NULL)
                return 0; /* the second heap arena stays unused address space */
        }
        for (size_t i = 0; i < most; i++) {
            struct ua_span *chunk = (struct ua_span *)(void *)((char *)spans + i * SPAN_STRIDE_BYTES);

            chunk->base = at + i * pool->chunk_bytes;
            chunk->bytes = pool->chunk_bytes;
            chunk->bits = bits + i * (pool->chunk_bytes / UA_BYTES_PER_BITMAP_WORD);
            chunk->bits_touched = chunk->base;
            chunk->scan_end = chunk->base;
            ua_space_set_span(pool->space, chunk->base, chunk->bytes, chunk);
            ua_list_insert_back(&pool->ready, &chunk->node);
        }
        spans = NULL;
    }
    return 0;
}

static struct ua_span *chunk_of(struct ua_node *node)
{
    return node != NULL ? UA_CONTAINER(node, struct ua_span, node) : NULL;
}

/* The first of the ready list that the helper is not at. Guard: lock. */
static struct ua_span *take_ready(struct ua_chunk_pool *pool)
{
    struct ua_node *node = pool->ready.first;

    while (node != NULL && UA_CONTAINER(node, struct ua_span, node)->ahead == UA_AHEAD_BUSY)
        node = node->next;
    if (node != NULL)
        ua_list_remove(&pool->ready, node);
    return chunk_of(node);
}

/* Makes the memory usable and books it as in use. On failure nothing has changed. */
static int make_usable(struct ua_chunk_pool *pool, struct ua_span *chunk)
{
    int error;

    if (chunk->ahead == UA_AHEAD_DONE) {
        ua_acct_move(pool->acct, UA_ACCT_KEPT, UA_ACCT_IN_USE, chunk->bytes);
        chunk->ahead = UA_AHEAD_NO;
        return 0;
    }
    switch (chunk->backing) {
    case UA_BACKING_RESERVED:
        error = ua_vm_map(pool->vm, chunk->base, chunk->bytes);
        if (error != 0)
            return error;
        ua_acct_move(pool->acct, UA_ACCT_RESERVED, UA_ACCT_RELEASED, chunk->bytes);
        ua_acct_move(pool->acct, UA_ACCT_RELEASED, UA_ACCT_IN_USE, chunk->bytes);
        ua_prezero_fresh(chunk);
        break;
    case UA_BACKING_PROTECTED:
        error = ua_vm_unprotect(pool->vm, chunk->base, chunk->bytes);
        if (error != 0)
            return error;
        ua_acct_move(pool->acct, UA_ACCT_KEPT, UA_ACCT_IN_USE, chunk->bytes);
        ua_prezero_recycled(chunk, chunk->free_low, chunk->free_high);
        break;
    case UA_BACKING_OPEN:
        ua_acct_move(pool->acct, UA_ACCT_KEPT, UA_ACCT_IN_USE, chunk->bytes);
        ua_prezero_recycled(chunk, chunk->free_low, chunk->free_high);
        break;
    }
    if (pool->sanitize)
        ua_san_chunk_begun(chunk->base, chunk->bytes);
    ua_prezero_taken(&pool->prezero, chunk);
    chunk->backing = UA_BACKING_OPEN;
    return 0;
}

/* Everything a chunk in use has; the range is all of it. Owner only. */
static void start_life(struct ua_chunk_pool *pool, struct ua_span *chunk, struct ua_arena *arena, struct ua_log *log)
{
    chunk->log = log->start;
    __atomic_store_n(&chunk->log_record, log, __ATOMIC_RELEASE);
    ua_heapbits_reset(chunk);
    chunk->free_low = chunk->base;
    chunk->free_high = ua_span_limit(chunk) - pool->redzone_bytes;
    chunk->unprotected = false;
    ua_span_set_noscan(chunk, false);
    chunk->last_arena = arena;
    __atomic_store_n(&chunk->arena, arena, __ATOMIC_RELEASE);
    ua_span_set_kind(chunk, UA_SPAN_CHUNK);
    ua_acct_large_alloc(pool->acct, chunk->bytes);
    UA_CHECK(chunk->base % ua_vm_page_bytes() == 0, "user arena chunk is not aligned to the physical page size");
}

struct ua_span *ua_chunk_take(struct ua_chunk_pool *pool, struct ua_arena *arena)
{
    struct ua_span *chunk;
    struct ua_log *log;
    int error = 0;

    UA_CHECK(ua_chunk_phase(pool) != UA_PHASE_MARK_TERMINATION, "new arena chunk asked for in mark termination");
    ua_lock_acquire(&pool->lock);
    ua_chunk_protect_overdue(pool);
    chunk = take_ready(pool);
    if (chunk == NULL) {
        error = grow(pool);
        chunk = take_ready(pool);
    }
    if (chunk != NULL) {
        pool->ahead_taken_count += chunk->ahead == UA_AHEAD_DONE;
        UA_CHECK(chunk->chunk_state == UA_CHUNK_FRESH || chunk->chunk_state == UA_CHUNK_READY,
                 "chunk on the ready list is in the wrong state");
        ua_chunk_set_state(chunk, UA_CHUNK_ACTIVE);
        pool->in_hands_count++;
        pool->taken_last = chunk->base;
    }
    ua_lock_release(&pool->lock);
    if (chunk == NULL) {
        ua_error_set(error, "arena: no address space for a chunk");
        return NULL;
    }
    log = ua_logs_take(pool->logs);
    error = log == NULL ? ENOMEM : make_usable(pool, chunk);
    if (error != 0) {
        bool used = ua_span_kind(chunk) != UA_SPAN_UNUSED;

        if (log != NULL)
            ua_logs_put(pool->logs, log);
        ua_lock_acquire(&pool->lock);
        pool->in_hands_count--;
        ua_chunk_set_state(chunk, used ? UA_CHUNK_READY : UA_CHUNK_FRESH);
        ua_list_insert_front(&pool->ready, &chunk->node);
        ua_lock_release(&pool->lock);
        ua_error_set(error, "arena: no memory for a chunk");
        return NULL;
    }
    start_life(pool, chunk, arena, log);
    ua_chunk_ahead_wake(pool);
    return chunk;
}

struct ua_span *ua_chunk_take_reuse(struct ua_chunk_pool *pool, struct ua_arena *arena)
{
    struct ua_span *chunk;

    ua_lock_acquire(&pool->lock);
    chunk = chunk_of(ua_list_take_front(&pool->reuse));
    if (chunk != NULL) {
        ua_chunk_unpark(chunk, arena);
        pool->in_hands_count++;
    }
    ua_lock_release(&pool->lock);
    return chunk;
}

void ua_chunk_retire(struct ua_span *chunk, uintptr_t front, uintptr_t back, uint16_t *log_next)
{
    UA_CHECK(chunk->chunk_state == UA_CHUNK_ACTIVE, "chunk is not active");
    UA_CHECK(front >= chunk->base && front <= back && back <= ua_span_limit(chunk), "chunk: free range is broken");
    ua_log_reached(chunk->log_record, log_next);
    chunk->log_next = log_next;
    chunk->free_low = front;
    chunk->free_high = back;
    __atomic_store_n(&chunk->in_hand, false, __ATOMIC_RELEASE);
}

void ua_chunk_fill(struct ua_chunk_pool *pool, struct ua_span *chunk, uintptr_t front, uintptr_t back,
                   uint16_t *log_next)
{
    ua_chunk_retire(chunk, front, back, log_next);
    UA_CHECK(back - front <= pool->max_alloc_bytes + UA_ALIGN_MAX - 1, "wasted too much memory in an arena chunk");
    ua_chunk_set_state(chunk, UA_CHUNK_FULL);
}

void ua_chunk_reopen(struct ua_span *chunk)
{
    UA_CHECK(chunk->chunk_state == UA_CHUNK_FULL, "chunk is not full");
    ua_lock_defer_begin();
    ua_heapbits_acquire(chunk);
    ua_chunk_set_state(chunk, UA_CHUNK_ACTIVE);
    ua_heapbits_release(chunk);
    ua_lock_defer_end();
}

void ua_chunk_put_parked(struct ua_chunk_pool *pool, struct ua_span *chunk)
{
    ua_lock_acquire(&pool->lock);
    UA_CHECK(chunk->chunk_state == UA_CHUNK_REUSE, "chunk is not parked");
    pool->in_hands_count--;
    ua_list_insert_front(&pool->reuse, &chunk->node);
    ua_lock_release(&pool->lock);
}

void ua_chunk_put_reuse(struct ua_chunk_pool *pool, struct ua_span *chunk, uintptr_t front, uintptr_t back,
                        uint16_t *log_next)
{
    ua_lock_acquire(&pool->lock);
    ua_chunk_park(chunk, front, back, log_next);
    pool->in_hands_count--;
    ua_list_insert_front(&pool->reuse, &chunk->node);
    ua_lock_release(&pool->lock);
}

void ua_chunk_park(struct ua_span *chunk, uintptr_t front, uintptr_t back, uint16_t *log_next)
{
    ua_chunk_retire(chunk, front, back, log_next);
    ua_chunk_set_state(chunk, UA_CHUNK_REUSE);
    __atomic_store_n(&chunk->arena, NULL, __ATOMIC_RELEASE);
}

void ua_chunk_unpark(struct ua_span *chunk, struct ua_arena *arena)
{
    UA_CHECK(chunk->chunk_state == UA_CHUNK_REUSE, "chunk is not parked");
    ua_chunk_set_state(chunk, UA_CHUNK_ACTIVE);
    chunk->last_arena = arena;
    __atomic_store_n(&chunk->arena, arena, __ATOMIC_RELEASE);
}

void ua_chunk_rewind(struct ua_chunk_pool *pool, struct ua_span *chunk, uintptr_t front, uintptr_t back,
                     const uint16_t *log_next)
{
    UA_CHECK(chunk->chunk_state == UA_CHUNK_ACTIVE, "chunk is not active");
    ua_log_reached(chunk->log_record, log_next);
    chunk->free_low = chunk->base;
    chunk->free_high = ua_span_limit(chunk) - pool->redzone_bytes;
    ua_heapbits_reset(chunk);
    if (ua_prezero_rewound_small(&pool->prezero, chunk, front, back))
        return;
    ua_prezero_recycled(chunk, front, back);
    if (pool->sanitize)
        ua_san_chunk_begun(chunk->base, chunk->bytes);
    ua_prezero_taken(&pool->prezero, chunk);
}

void ua_chunk_each(struct ua_chunk_pool *pool, void (*visit)(struct ua_span *chunk, void *context), void *context)
{
    struct ua_heap_arena *arena = __atomic_load_n(&pool->space->all[UA_SPACE_CHUNKS], __ATOMIC_ACQUIRE);

    for (; arena != NULL; arena = arena->next)
        for (size_t i = 0; i < UA_HEAP_ARENA_BYTES >> arena->shift; i++) {
            struct ua_span *chunk = __atomic_load_n(&arena->spans[i], __ATOMIC_ACQUIRE);

            if (chunk != NULL)
                visit(chunk, context);
        }
}
