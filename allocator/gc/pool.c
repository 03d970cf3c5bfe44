/* pool.c - see pool.h. Buffers change hands whole: a list operation under the lock. */
#include "gc/pool.h"

#include "os/futex.h"

void ua_pool_init(struct ua_mark_pool *pool, const struct ua_marker *leader, uint64_t *lock_count)
{
    *pool = (struct ua_mark_pool){0};
    ua_lock_init(&pool->lock, UA_RANK_GREY, lock_count);
    ua_marker_init(&pool->marker, leader->heap, leader->small, leader->roots);
}

void ua_pool_deinit(struct ua_mark_pool *pool)
{
    ua_lock_deinit(&pool->lock);
}

/* Guard: lock. */
static bool is_empty(const struct ua_mark_pool *pool)
{
    return pool->marker.work.full == NULL && (pool->marker.work.top == NULL || pool->marker.work.top->count == 0);
}

/* For ua_pool_share, which peeks without the lock. Guard: lock. */
static void note_level(struct ua_mark_pool *pool)
{
    __atomic_store_n(&pool->has_some, !is_empty(pool), __ATOMIC_RELAXED);
}

void ua_pool_begin(struct ua_mark_pool *pool, const struct ua_marker *leader)
{
    uintptr_t item;

    ua_lock_acquire(&pool->lock);
    while (ua_work_pop(&pool->marker.work, &item)) {
    }
    pool->marker.seen_count = 0;
    pool->marker.work.lost = false;
    ua_marker_follow(&pool->marker, leader);
    ua_marker_clear(&pool->marker);
    pool->lost = false;
    note_level(pool);
    ua_lock_release(&pool->lock);
}

void ua_pool_forget(struct ua_mark_pool *pool)
{
    pool->at_work = 0;
    pool->sleepers = 0;
    pool->helpers = NULL;
    ua_pool_begin(pool, &pool->marker);
}

void ua_pool_enter(struct ua_mark_pool *pool)
{
    ua_lock_acquire(&pool->lock);
    pool->at_work++;
    ua_lock_release(&pool->lock);
}

/* Guard: lock. */
static void put_buffer(struct ua_mark_pool *pool, struct ua_work_buffer *buffer)
{
    buffer->next = pool->marker.work.full;
    pool->marker.work.full = buffer;
    note_level(pool);
}

/* Everything; the marker's address cache was settled before. Guard: lock. */
static void put_all(struct ua_mark_pool *pool, struct ua_marker *marker)
{
    struct ua_work *work = &marker->work;

    while (work->full != NULL) {
        struct ua_work_buffer *buffer = work->full;

        work->full = buffer->next;
        put_buffer(pool, buffer);
    }
    if (work->top != NULL && work->top->count > 0) {
        put_buffer(pool, work->top);
        work->top = NULL;
    }
    pool->lost |= work->lost;
    work->lost = false;
}

bool ua_pool_leave(struct ua_mark_pool *pool, struct ua_marker *marker)
{
    bool complete;
    bool was_empty;

    ua_mark_settle(marker);
    ua_lock_acquire(&pool->lock);
    was_empty = is_empty(pool);
    put_all(pool, marker);
    UA_CHECK(pool->at_work > 0, "gc: a marker leaves that is not at work");
    pool->at_work--;
    complete = pool->at_work == 0 && is_empty(pool);
    was_empty = was_empty && !is_empty(pool);
    ua_lock_release(&pool->lock);
    if (complete || was_empty)
        ua_pool_wake(pool);
    return complete;
}

/* Guard: lock. NULL when the pool is empty. */
static struct ua_work_buffer *take_buffer(struct ua_mark_pool *pool)
{
    struct ua_work *work = &pool->marker.work;
    struct ua_work_buffer *buffer = work->full;

    if (buffer != NULL) {
        work->full = buffer->next;
    } else if (!is_empty(pool)) {
        buffer = work->top;
        work->top = NULL;
    }
    note_level(pool);
    return buffer;
}

bool ua_pool_take(struct ua_mark_pool *pool, struct ua_marker *marker)
{
    struct ua_work *work = &marker->work;
    struct ua_work_buffer *buffer;

    ua_lock_acquire(&pool->lock);
    /* A worker may have entered before this mark began. */
    ua_marker_follow(marker, &pool->marker);
    buffer = take_buffer(pool);
    /* The last one: half of it stays for the next who comes, and need not be asked back. */
    if (buffer != NULL && is_empty(pool)) {
        struct ua_work_buffer *half = ua_work_split(work, buffer);

        if (half != NULL)
            put_buffer(pool, half);
    }
    ua_lock_release(&pool->lock);
    if (buffer == NULL)
        return false;
    if (work->top != NULL) {
        work->top->next = work->spare;
        work->spare = work->top;
    }
    work->top = buffer;
    return true;
}

void ua_pool_share(struct ua_mark_pool *pool, struct ua_marker *marker)
{
    struct ua_work *work = &marker->work;
    struct ua_work_buffer *buffer = work->full;

    /* A peek without the lock: sharing a little late or once too often does no harm. */
    if (__atomic_load_n(&pool->has_some, __ATOMIC_RELAXED))
        return;
    if (buffer != NULL)
        work->full = buffer->next;
    else if (work->top != NULL)
        buffer = ua_work_split(work, work->top);
    if (buffer == NULL)
        return;
    ua_lock_acquire(&pool->lock);
    put_buffer(pool, buffer);
    ua_lock_release(&pool->lock);
    ua_pool_wake(pool);
}

void ua_pool_give(struct ua_mark_pool *pool, struct ua_marker *marker)
{
    ua_mark_settle(marker);
    ua_lock_acquire(&pool->lock);
    put_all(pool, marker);
    ua_lock_release(&pool->lock);
    ua_pool_wake(pool);
}

bool ua_pool_has_lost(struct ua_mark_pool *pool)
{
    bool lost;

    ua_lock_acquire(&pool->lock);
    lost = pool->lost;
    ua_lock_release(&pool->lock);
    return lost;
}

struct ua_marker *ua_pool_borrow(struct ua_mark_pool *pool)
{
    struct ua_marker *helper;

    ua_lock_acquire(&pool->lock);
    helper = pool->helpers;
    if (helper != NULL) {
        pool->helpers = helper->next;
    } else {
        helper = ua_meta_alloc(pool->marker.work.meta, sizeof *helper);
        if (helper != NULL)
            ua_marker_init(helper, pool->marker.heap, pool->marker.small, pool->marker.roots);
    }
    if (helper != NULL) {
        ua_marker_clear(helper);
        helper->work.buffer_limit = pool->marker.work.buffer_limit;
        pool->at_work++;
    }
    ua_lock_release(&pool->lock);
    return helper;
}

bool ua_pool_return(struct ua_mark_pool *pool, struct ua_marker *helper)
{
    bool complete = ua_pool_leave(pool, helper);

    ua_lock_acquire(&pool->lock);
    helper->next = pool->helpers;
    pool->helpers = helper;
    ua_lock_release(&pool->lock);
    return complete;
}

bool ua_pool_is_complete(struct ua_mark_pool *pool)
{
    bool complete;

    ua_lock_acquire(&pool->lock);
    complete = pool->at_work == 0 && is_empty(pool);
    ua_lock_release(&pool->lock);
    return complete;
}

/* Releases the lock; wakes sleepers if there is work now and there was none. */
static void end_shading(struct ua_mark_pool *pool, bool was_empty)
{
    bool wake;

    ua_mark_settle(&pool->marker);
    note_level(pool);
    wake = was_empty && !is_empty(pool);
    pool->lost |= pool->marker.work.lost;
    pool->marker.work.lost = false;
    ua_lock_release(&pool->lock);
    if (wake)
        ua_pool_wake(pool);
}

static bool begin_shading(struct ua_mark_pool *pool)
{
    ua_lock_acquire(&pool->lock);
    return is_empty(pool);
}

void ua_pool_shade(struct ua_mark_pool *pool, uintptr_t address)
{
    bool was_empty;

    /* Most of what is overwritten is marked already, or nothing: no lock for that. */
    if (!ua_mark_wants(&pool->marker, address))
        return;
    was_empty = begin_shading(pool);
    ua_mark_address(&pool->marker, address);
    end_shading(pool, was_empty);
}

void ua_pool_shade_values(struct ua_mark_pool *pool, const struct ua_layout *layout, uintptr_t first, uintptr_t from,
                          uintptr_t to)
{
    bool was_empty = begin_shading(pool);

    ua_mark_values(&pool->marker, layout, first, from, to);
    end_shading(pool, was_empty);
}

void ua_pool_shade_chunk(struct ua_mark_pool *pool, struct ua_span *chunk, uintptr_t from, uintptr_t to)
{
    bool was_empty = begin_shading(pool);

    ua_mark_chunk_range(&pool->marker, chunk, from, to);
    end_shading(pool, was_empty);
}

void ua_pool_wait(struct ua_mark_pool *pool, uint32_t seen, uint64_t timeout_ns)
{
    __atomic_fetch_add(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
    ua_futex_wait(&pool->changed, seen, timeout_ns);
    __atomic_fetch_sub(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
}

void ua_pool_wake(struct ua_mark_pool *pool)
{
    __atomic_fetch_add(&pool->changed, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&pool->sleepers, __ATOMIC_SEQ_CST) != 0)
        ua_futex_wake(&pool->changed);
}
