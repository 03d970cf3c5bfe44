/* chunk_fault.c - the way out of use: set to fault, quarantine, ready again. See chunk.h.
 *
 * Under fault=protect neighbouring chunks of one batch share a system call: 16 chunks in one call cost 17 us a chunk,
 * singly 285 us. A chunk that cannot be set to fault (the system's limit on mappings) goes to quarantine unprotected: it is
 * noscan and not reused all the same; only the trap is missing. It is counted and tried again at later frees.
 *
 * Steady churn (decisions 0063, 0069): arenas of one chunk or two would pay those 285 us each time, a third of what filling the chunk
 * costs. So a chunk that is freed within 25 ms of the last such call waits, quarantined, until six wait, or until the 25 ms are over
 * at the next free or refill. The first free after a quiet time, and any of six chunks or more, protects at once. Without
 * quarantine_limit nothing waits: chunks that never come back are no churn. */
#include <errno.h>

#include "heap/chunk.h"
#include "heap/chunk_state.h"
#include "os/san.h"

#define RETRIES_PER_FREE 4

enum outcome { FAULTED, FAILED, DELAYED };

/* A run of chunks next to each other that leave use together. */
struct run {
    uintptr_t at;
    size_t bytes;
};

/* The system call for one range; false if the range can still be touched. */
static bool fault_range(struct ua_chunk_pool *pool, uintptr_t at, size_t bytes)
{
    switch (pool->options->fault) {
    case UA_FAULT_RELEASE:
        return ua_vm_release(pool->vm, at, bytes) == 0;
    case UA_FAULT_PROTECT:
        return ua_vm_protect(pool->vm, at, bytes) == 0;
    case UA_FAULT_OFF:
        break;
    }
    return true;
}

/* Guard: lock for writing; a free peeks without it. */
static void count_unprotected(struct ua_chunk_pool *pool, int change)
{
    if (change != 0)
        __atomic_fetch_add(&pool->unprotected_count, (size_t)(ptrdiff_t)change, __ATOMIC_RELAXED);
}

/* Nobody reads the bitmap of a quarantined chunk, and without a quarantine_limit their number grows for ever. With a limit, where a
 * chunk keeps its own pages, the bitmap (1/64 of them) stays too: to give 11 pages back cost 350 us, and 15 us a page to touch them
 * again. Chunks below 256 KiB share bitmap pages: theirs stay. */
static void release_bits(struct ua_chunk_pool *pool, struct ua_span *chunk)
{
    size_t bytes = ua_align_up((chunk->bits_touched - chunk->base) / UA_WORDS_PER_BITMAP_WORD, UA_PHYS_PAGE_BYTES);
    struct ua_heap_arena *arena = ua_space_heap_arena(pool->space, chunk->base);

    if (!pool->quarantine || bytes == 0 || chunk->bytes < UA_PHYS_PAGE_BYTES * UA_WORDS_PER_BITMAP_WORD)
        return;
    if (pool->options->quarantine_limit_bytes != 0 && pool->options->fault != UA_FAULT_RELEASE)
        return;
    if (ua_vm_discard(pool->vm, (uintptr_t)chunk->bits, bytes) != 0)
        return;
    chunk->bits_touched = chunk->base;
    for (size_t page = (chunk->base - arena->base) / UA_WORDS_PER_BITMAP_WORD / UA_PHYS_PAGE_BYTES, left = bytes; left > 0;
         page++, left -= UA_PHYS_PAGE_BYTES) {
        uint64_t bit = (uint64_t)1 << (page % 64);

        if ((__atomic_fetch_and(&arena->bits_pages[page / 64], ~bit, __ATOMIC_RELAXED) & bit) != 0)
            ua_meta_untouched(pool->meta, UA_PHYS_PAGE_BYTES);
    }
}

/* The outcome of a call for a chunk in quarantine. Guard: lock. */
static void note_protected(struct ua_chunk_pool *pool, struct ua_span *chunk, bool faulted)
{
    chunk->backing = faulted ? UA_BACKING_PROTECTED : UA_BACKING_OPEN;
    chunk->unprotected = !faulted;
    count_unprotected(pool, faulted ? 0 : 1);
}

/* Guard: lock. */
static void delay(struct ua_chunk_pool *pool, struct ua_span *chunk)
{
    if (pool->delayed_count < UA_DELAYED_MOST)
        pool->delayed[pool->delayed_count++] = chunk;
    else
        note_protected(pool, chunk, fault_range(pool, chunk->base, chunk->bytes));
}

/* It leaves quarantine: nothing needs to trap any more. Guard: lock. */
static void forget_delayed(struct ua_chunk_pool *pool, const struct ua_span *chunk)
{
    for (size_t i = 0; i < pool->delayed_count; i++)
        if (pool->delayed[i] == chunk) {
            pool->delayed[i] = pool->delayed[--pool->delayed_count];
            return;
        }
}

/* One call for each run of neighbours. Guard: lock, so that no sweep readies a chunk meanwhile; four chunks, about 60 us. */
static void protect_delayed(struct ua_chunk_pool *pool)
{
    size_t end;

    for (size_t i = 1; i < pool->delayed_count; i++) /* by address */
        for (size_t k = i; k > 0 && pool->delayed[k - 1]->base > pool->delayed[k]->base; k--) {
            struct ua_span *chunk = pool->delayed[k];

            pool->delayed[k] = pool->delayed[k - 1];
            pool->delayed[k - 1] = chunk;
        }
    for (size_t start = 0; start < pool->delayed_count; start = end) {
        uintptr_t at = pool->delayed[start]->base;
        size_t bytes = 0;
        bool faulted;

        for (end = start; end < pool->delayed_count && pool->delayed[end]->base == at + bytes; end++)
            bytes += pool->delayed[end]->bytes;
        faulted = fault_range(pool, at, bytes);
        for (size_t i = start; i < end; i++)
            note_protected(pool, pool->delayed[i], faulted);
    }
    pool->delayed_count = 0;
}

void ua_chunk_protect_overdue(struct ua_chunk_pool *pool)
{
    uint64_t now_ns;

    if (pool->delayed_count == 0)
        return;
    now_ns = ua_clock_now_ns(pool->clock);
    if (pool->delayed_count < UA_DELAY_CHUNKS && now_ns - pool->protected_ns < UA_DELAY_NS)
        return;
    protect_delayed(pool);
    pool->protected_ns = now_ns;
}

/* Whether a batch waits for company; if not, it is protected now. */
static bool is_churn(struct ua_chunk_pool *pool, const struct ua_span *batch)
{
    size_t count = 0;
    uint64_t now_ns;
    bool waits;

    if (pool->options->fault != UA_FAULT_PROTECT || !pool->quarantine || pool->options->quarantine_limit_bytes == 0)
        return false;
    for (; batch != NULL && count < UA_DELAY_CHUNKS; batch = batch->next)
        count++;
    now_ns = ua_clock_now_ns(pool->clock);
    ua_lock_acquire(&pool->lock);
    waits = count < UA_DELAY_CHUNKS && (pool->delayed_count > 0 || now_ns - pool->protected_ns < UA_DELAY_NS);
    if (!waits)
        pool->protected_ns = now_ns;
    ua_lock_release(&pool->lock);
    return waits;
}

/* The chunk's objects are gone, bits and log with them. */
static void end_life(struct ua_chunk_pool *pool, struct ua_span *chunk)
{
    struct ua_log *log;

    ua_lock_defer_begin();
    ua_heapbits_acquire(chunk);
    log = chunk->log_record;
    chunk->log = NULL;
    __atomic_store_n(&chunk->log_record, NULL, __ATOMIC_RELEASE);
    chunk->bits_end = chunk->base;
    __atomic_store_n(&chunk->scan_end, chunk->base, __ATOMIC_RELAXED);
    ua_heapbits_release(chunk);
    ua_lock_defer_end();
    ua_logs_put(pool->logs, log);
    release_bits(pool, chunk);
}

/* Books a chunk whose memory was dealt with. */
static void finish_fault(struct ua_chunk_pool *pool, struct ua_span *chunk, enum outcome outcome)
{
    enum ua_fault fault = pool->options->fault;
    bool faulted = outcome == FAULTED;

    if (fault == UA_FAULT_RELEASE && faulted) {
        chunk->backing = UA_BACKING_RESERVED;
        ua_acct_move(pool->acct, UA_ACCT_IN_USE, UA_ACCT_RESERVED, chunk->bytes);
    } else {
        chunk->backing = fault == UA_FAULT_PROTECT && faulted ? UA_BACKING_PROTECTED : UA_BACKING_OPEN;
        ua_acct_move(pool->acct, UA_ACCT_IN_USE, UA_ACCT_KEPT, chunk->bytes);
    }
    ua_acct_large_free(pool->acct, chunk->bytes);
    /* Still ours alone: on a list another thread may take it, and note that, at once. */
    ua_watch_note(&pool->watch, UA_EVENT_FAULT, chunk->last_arena, chunk);
    end_life(pool, chunk);

    ua_lock_acquire(&pool->lock);
    __atomic_store_n(&chunk->arena, NULL, __ATOMIC_RELEASE);
    if (pool->quarantine) {
        chunk->unprotected = outcome == FAILED;
        count_unprotected(pool, outcome == FAILED ? 1 : 0);
        ua_chunk_set_state(chunk, UA_CHUNK_QUARANTINE);
        ua_list_insert_front(&pool->quarantined, &chunk->node);
        if (outcome == DELAYED)
            delay(pool, chunk);
    } else {
        ua_chunk_set_state(chunk, UA_CHUNK_READY);
        ua_list_insert_front(&pool->ready, &chunk->node);
    }
    ua_lock_release(&pool->lock);
}

static void check_chunk(const struct ua_chunk_pool *pool, const struct ua_span *chunk)
{
    UA_CHECK(ua_span_kind(chunk) == UA_SPAN_CHUNK, "span is not for a user arena");
    UA_CHECK(chunk->bytes == pool->chunk_bytes, "invalid user arena span size");
}

/* Length of the run of neighbours that starts a batch, in either direction; only protect may join. */
static size_t next_run(const struct ua_chunk_pool *pool, const struct ua_span *first, struct run *run)
{
    const struct ua_span *chunk = first->next;
    size_t count = 1;

    *run = (struct run){first->base, first->bytes};
    if (pool->options->fault != UA_FAULT_PROTECT)
        return count;
    for (; chunk != NULL; chunk = chunk->next, count++) {
        if (chunk->base + chunk->bytes == run->at)
            run->at = chunk->base;
        else if (chunk->base != run->at + run->bytes)
            break;
        run->bytes += chunk->bytes;
    }
    return count;
}

static void delay_batch(struct ua_chunk_pool *pool, struct ua_span *batch)
{
    while (batch != NULL) {
        struct ua_span *chunk = batch;

        batch = chunk->next;
        chunk->next = NULL;
        finish_fault(pool, chunk, DELAYED);
    }
    ua_lock_acquire(&pool->lock);
    ua_chunk_protect_overdue(pool);
    ua_lock_release(&pool->lock);
}

/* Sets a batch to fault that is noscan and in nobody's hands. */
static void fault_batch(struct ua_chunk_pool *pool, struct ua_span *batch)
{
    if (batch != NULL && is_churn(pool, batch)) {
        delay_batch(pool, batch);
        return;
    }
    while (batch != NULL) {
        struct run run;
        size_t count = next_run(pool, batch, &run);
        bool faulted = fault_range(pool, run.at, run.bytes);

        for (; count > 0; count--) {
            struct ua_span *chunk = batch;

            batch = chunk->next;
            chunk->next = NULL;
            /* A joined call that failed may work chunk by chunk. */
            if (!faulted && run.bytes > chunk->bytes)
                finish_fault(pool, chunk, fault_range(pool, chunk->base, chunk->bytes) ? FAULTED : FAILED);
            else
                finish_fault(pool, chunk, faulted ? FAULTED : FAILED);
        }
    }
}

/* Ascending by address, by merging: neighbours meet. */
static struct ua_span *sort_batch(struct ua_span *batch)
{
    struct ua_span *halves[2] = {NULL, NULL};
    struct ua_span *sorted = NULL;
    struct ua_span **tail = &sorted;
    unsigned turn = 0;

    if (batch == NULL || batch->next == NULL)
        return batch;
    while (batch != NULL) {
        struct ua_span *next = batch->next;

        batch->next = halves[turn];
        halves[turn] = batch;
        turn ^= 1;
        batch = next;
    }
    halves[0] = sort_batch(halves[0]);
    halves[1] = sort_batch(halves[1]);
    while (halves[0] != NULL || halves[1] != NULL) {
        unsigned side = halves[0] == NULL || (halves[1] != NULL && halves[1]->base < halves[0]->base) ? 1 : 0;

        *tail = halves[side];
        tail = &halves[side]->next;
        halves[side] = *tail;
    }
    return sorted;
}

/* The fault list becomes a batch, in order. Guard: lock. */
static struct ua_span *take_fault_list(struct ua_chunk_pool *pool)
{
    struct ua_span *batch = NULL;
    struct ua_node *node;

    while ((node = ua_list_take_back(&pool->fault)) != NULL) {
        struct ua_span *chunk = UA_CONTAINER(node, struct ua_span, node);

        ua_span_set_noscan(chunk, true);
        chunk->next = batch;
        batch = chunk;
    }
    return batch;
}

/* Tries quarantined chunks again that could not be set to fault. */
static void retry_unprotected(struct ua_chunk_pool *pool)
{
    unsigned tries = RETRIES_PER_FREE;

    ua_lock_acquire(&pool->lock);
    for (struct ua_node *node = pool->quarantined.first; node != NULL && pool->unprotected_count > 0; node = node->next) {
        struct ua_span *chunk = UA_CONTAINER(node, struct ua_span, node);

        if (!chunk->unprotected)
            continue;
        if (tries-- == 0 || !fault_range(pool, chunk->base, chunk->bytes))
            break;
        chunk->unprotected = false;
        count_unprotected(pool, -1);
        if (pool->options->fault == UA_FAULT_RELEASE) {
            chunk->backing = UA_BACKING_RESERVED;
            ua_acct_move(pool->acct, UA_ACCT_KEPT, UA_ACCT_RESERVED, chunk->bytes);
        } else {
            chunk->backing = UA_BACKING_PROTECTED;
        }
    }
    ua_lock_release(&pool->lock);
}

void ua_chunk_free(struct ua_chunk_pool *pool, struct ua_span *batch)
{
    struct ua_span *waiting = NULL;
    struct ua_span *chunk;
    struct ua_span *last = NULL;
    bool marking;

    if (batch == NULL)
        return;
    for (chunk = batch; chunk != NULL; chunk = chunk->next) {
        check_chunk(pool, chunk);
        if (pool->sanitize)
            ua_san_chunk_ended(chunk->base, chunk->bytes);
    }
    ua_watch_note(&pool->watch, UA_EVENT_GIVE, batch->last_arena, batch);
    ua_lock_acquire(&pool->lock);
    marking = pool->phase != UA_PHASE_OFF;
    for (chunk = batch; chunk != NULL; chunk = chunk->next) {
        pool->in_hands_count--;
        if (marking) {
            ua_chunk_set_state(chunk, UA_CHUNK_FAULT);
            ua_list_insert_back(&pool->fault, &chunk->node);
            ua_watch_note(&pool->watch, UA_EVENT_WAIT, chunk->last_arena, chunk);
        } else {
            ua_span_set_noscan(chunk, true);
        }
        last = chunk;
    }
    if (!marking)
        waiting = take_fault_list(pool);
    ua_lock_release(&pool->lock);
    if (marking)
        return;
    /* Go's order: the freed chunk first, then those that waited. */
    last->next = waiting;
    fault_batch(pool, pool->options->fault == UA_FAULT_PROTECT ? sort_batch(batch) : batch);
    if (UA_UNLIKELY(__atomic_load_n(&pool->unprotected_count, __ATOMIC_RELAXED) > 0))
        retry_unprotected(pool);
}

void ua_chunk_set_phase(struct ua_chunk_pool *pool, enum ua_phase phase)
{
    ua_lock_acquire(&pool->lock);
    __atomic_store_n(&pool->phase, phase, __ATOMIC_RELEASE);
    ua_lock_release(&pool->lock);
}

void ua_chunk_drain_faults(struct ua_chunk_pool *pool)
{
    struct ua_span *batch;

    ua_lock_acquire(&pool->lock);
    UA_CHECK(pool->phase == UA_PHASE_OFF, "chunk: fault list drained during a mark");
    batch = take_fault_list(pool);
    ua_lock_release(&pool->lock);
    fault_batch(pool, pool->options->fault == UA_FAULT_PROTECT ? sort_batch(batch) : batch);
}

void ua_chunk_make_ready(struct ua_chunk_pool *pool, struct ua_span *chunk)
{
    ua_lock_acquire(&pool->lock);
    UA_CHECK(chunk->chunk_state == UA_CHUNK_QUARANTINE, "sweep: tried to preserve a user arena span");
    ua_list_remove(&pool->quarantined, &chunk->node);
    forget_delayed(pool, chunk);
    count_unprotected(pool, chunk->unprotected ? -1 : 0);
    chunk->unprotected = false;
    ua_chunk_set_state(chunk, UA_CHUNK_READY);
    ua_watch_note(&pool->watch, UA_EVENT_READY, NULL, chunk);
    ua_list_insert_front(&pool->ready, &chunk->node);
    ua_lock_release(&pool->lock);
}

/* Opens the protected chunks of an ascending batch, one call a run. One that cannot be opened is opened when it is taken. */
static void open_runs(struct ua_chunk_pool *pool, struct ua_span *batch)
{
    while (batch != NULL) {
        struct ua_span *end = batch;
        size_t bytes = 0;

        while (end != NULL && end->backing == UA_BACKING_PROTECTED && end->base == batch->base + bytes) {
            bytes += end->bytes;
            end = end->next;
        }
        if (bytes == 0) {
            batch = batch->next;
            continue;
        }
        if (ua_vm_unprotect(pool->vm, batch->base, bytes) == 0)
            for (struct ua_span *chunk = batch; chunk != end; chunk = chunk->next)
                chunk->backing = UA_BACKING_OPEN;
        batch = end;
    }
}

static size_t make_ready_each(struct ua_chunk_pool *pool, struct ua_span *batch)
{
    size_t count = 0;

    for (; batch != NULL; count++) {
        struct ua_span *next = batch->next;

        batch->next = NULL;
        ua_chunk_make_ready(pool, batch);
        batch = next;
    }
    return count;
}

/* Takes the chunks at and above `at` off an ascending batch and returns them descending. */
static struct ua_span *split_above(struct ua_span **batch, uintptr_t at)
{
    struct ua_span **link = batch;
    struct ua_span *descending = NULL;
    struct ua_span *above;

    while (*link != NULL && (*link)->base < at)
        link = &(*link)->next;
    above = *link;
    *link = NULL;
    while (above != NULL) {
        struct ua_span *next = above->next;

        above->next = descending;
        descending = above;
        above = next;
    }
    return descending;
}

size_t ua_chunk_make_ready_batch(struct ua_chunk_pool *pool, struct ua_span *batch)
{
    struct ua_span *above;
    uintptr_t taken_last;
    ptrdiff_t more_below = 0;
    size_t count;

    batch = sort_batch(batch);
    ua_lock_acquire(&pool->lock);
    taken_last = pool->taken_last;
    for (const struct ua_span *chunk = batch; chunk != NULL; chunk = chunk->next) {
        forget_delayed(pool, chunk); /* from here on nobody else changes its backing */
        more_below += chunk->base < taken_last ? 1 : -1;
    }
    ua_lock_release(&pool->lock);
    open_runs(pool, batch);
    above = split_above(&batch, taken_last);
    /* Each goes in front of those before it. */
    if (more_below >= 0)
        count = make_ready_each(pool, above) + make_ready_each(pool, batch);
    else
        count = make_ready_each(pool, batch) + make_ready_each(pool, above);
    if (count > 0)
        ua_chunk_ahead_wake(pool);
    return count;
}
