/* trigger.c - when a collection is due: by the pacer's trigger, quarantine, the memory limit or the two-minute period. */
#include "gc/cycle.h"

#define PERIOD_NS ((uint64_t)120 * 1000000000u) /* Go's forced collection */

/* Brings the pacer's inputs up to date with the ledger. Guard: pacer_lock. */
void ua_gc_load_ledger(struct ua_gc *gc)
{
    const struct ua_acct *acct = &gc->heap->acct;
    struct ua_pacer *pacer = &gc->pacer;

    pacer->heap_live = ua_gc_load(&acct->heap_live);
    if (pacer->triggered == UA_PACER_NONE)
        pacer->heap_scan = pacer->last_heap_scan + ua_gc_load(&acct->scan_alloc) +
                           ua_gc_load(&gc->scan_alloc_objects) - gc->scan_alloc_basis;
    pacer->heap_free = ua_acct_read(acct, UA_ACCT_FREE);
    pacer->total_free = ua_gc_load(&acct->total_free);
    pacer->total_alloc = ua_gc_load(&acct->total_alloc);
    pacer->mapped_ready = ua_acct_mapped_ready(acct);
    /* Read one by one while others allocate: the relation the pacer needs may be off for a moment. */
    if (pacer->mapped_ready < pacer->heap_free + (pacer->total_alloc - pacer->total_free))
        pacer->mapped_ready = pacer->heap_free + (pacer->total_alloc - pacer->total_free);
}

/* Guard: pacer_lock. */
struct ua_pacer_plan ua_gc_plan_next(struct ua_gc *gc)
{
    struct ua_pacer_plan plan = ua_pacer_trigger(&gc->pacer);

    UA_CHECK(plan.trigger <= plan.goal, "gc: produced a trigger greater than the heap goal");
    ua_gc_store(&gc->trigger_bytes, plan.trigger);
    ua_gc_store(&gc->goal_bytes, plan.goal);
    return plan;
}

void ua_gc_commit(struct ua_gc *gc)
{
    ua_lock_acquire(&gc->pacer_lock);
    ua_gc_load_ledger(gc);
    ua_pacer_commit(&gc->pacer, true);
    ua_gc_plan_next(gc);
    ua_lock_release(&gc->pacer_lock);
}

static bool heap_is_due(struct ua_gc *gc)
{
    bool bound = false; /* by the limit, not by gogc */

    if (gc->heap->options.memory_limit_bytes != UA_MEMORY_LIMIT_NONE) {
        /* Under a limit the goal moves with what is mapped, so it is computed at each test, as Go does. */
        ua_lock_acquire(&gc->pacer_lock);
        ua_gc_load_ledger(gc);
        bound = ua_gc_plan_next(gc).goal < gc->pacer.gc_percent_heap_goal;
        ua_lock_release(&gc->pacer_lock);
    }
    if (bound && !ua_room_is_worth_a_cycle(gc))
        return false;
    return ua_gc_load(&gc->heap->acct.heap_live) >= ua_gc_load(&gc->trigger_bytes);
}

/* Bytes that wait in quarantine, without those that the last mark found pointers to. */
static uint64_t waiting_bytes(struct ua_gc *gc)
{
    struct ua_chunk_pool *pool = &gc->heap->chunks;
    uint64_t floor = ua_gc_load(&gc->quarantine_floor_bytes);
    uint64_t waiting;

    ua_lock_acquire(&pool->lock);
    waiting = (uint64_t)pool->quarantined.count * pool->chunk_bytes;
    ua_lock_release(&pool->lock);
    return waiting > floor ? waiting - floor : 0;
}

/* Over the memory limit while quarantined chunks keep their pages: only a collection can let go of them. heap_live says
 * nothing about that, since freeing an arena lowered it at once. Or while there may be garbage. */
static bool limit_is_due(struct ua_gc *gc)
{
    return ua_room_is_short(gc) && (ua_room_is_worth_a_cycle(gc) ||
                                    (ua_acct_read(&gc->heap->acct, UA_ACCT_KEPT) > 0 && waiting_bytes(gc) > 0));
}

/* 0: nothing is due by quarantine. */
static uint64_t quarantine_limit(const struct ua_gc *gc)
{
    const struct ua_options *options = &gc->heap->options;
    uint64_t percent = options->gogc < 0 ? 100 : (uint64_t)options->gogc;
    uint64_t marked = ua_gc_load(&gc->heap->acct.heap_marked);
    uint64_t dead = ua_gc_load(&gc->quarantine_floor_bytes); /* marked too, by words left over, but nobody's live heap */

    if (!gc->heap->chunks.quarantine)
        return 0;
    if (options->quarantine_limit_bytes != UA_QUARANTINE_LIMIT_AUTO)
        return options->quarantine_limit_bytes;
    return ua_max(UA_QUARANTINE_AUTO_MIN_BYTES, (marked > dead ? marked - dead : 0) / 100 * percent);
}

static bool quarantine_is_due(struct ua_gc *gc)
{
    uint64_t limit = quarantine_limit(gc);

    return limit != 0 && waiting_bytes(gc) > limit;
}

/* The next chunk would be new memory, while nearly as much as may waits with its pages: less than a chunk is missing (decision 0064). */
static bool growth_is_due(struct ua_gc *gc)
{
    struct ua_chunk_pool *pool = &gc->heap->chunks;
    uint64_t limit = quarantine_limit(gc);
    uint64_t waiting;

    if (limit == 0 || gc->heap->options.fault == UA_FAULT_RELEASE)
        return false;
    waiting = waiting_bytes(gc);
    return waiting != 0 && waiting + pool->chunk_bytes >= limit && !ua_chunk_next_is_kept(pool);
}

/* Bytes of recycled chunks that could be taken now: kept memory that does not wait in quarantine. */
static uint64_t ready_bytes(struct ua_gc *gc)
{
    struct ua_chunk_pool *pool = &gc->heap->chunks;
    uint64_t kept = ua_acct_read(&gc->heap->acct, UA_ACCT_KEPT);
    uint64_t waiting;

    ua_lock_acquire(&pool->lock);
    waiting = (uint64_t)pool->quarantined.count * pool->chunk_bytes;
    ua_lock_release(&pool->lock);
    return kept > waiting ? kept - waiting : 0;
}

/* Whether an arena like the one that brought `freed_bytes` into quarantine would make a collection due: by taking a chunk, since the quarantine
 * is full, give or take a quarter of what a life brings; or by taking one that would be new memory. */
static bool next_life_is_due(struct ua_gc *gc, uint64_t freed_bytes)
{
    uint64_t limit = quarantine_limit(gc);
    uint64_t waiting;

    if (limit == 0 || freed_bytes == 0)
        return false;
    waiting = waiting_bytes(gc);
    if (waiting + freed_bytes / 4 > limit)
        return true;
    return gc->heap->options.fault != UA_FAULT_RELEASE && waiting + gc->heap->chunks.chunk_bytes >= limit &&
           ready_bytes(gc) < freed_bytes;
}

static bool birth_is_due(struct ua_gc *gc)
{
    return __atomic_load_n(&gc->birth_due, __ATOMIC_RELAXED);
}

static bool period_is_over(struct ua_gc *gc)
{
    uint64_t last = ua_gc_load(&gc->last_end_ns);

    return gc->heap->options.gogc >= 0 && last != 0 && ua_gc_now_ns(gc) - last > PERIOD_NS;
}

bool ua_gc_is_due(struct ua_gc *gc, enum ua_gc_cause cause)
{
    switch (cause) {
    case UA_GC_HEAP:
        return heap_is_due(gc);
    case UA_GC_LIMIT:
        return limit_is_due(gc);
    case UA_GC_QUARANTINE:
        return quarantine_is_due(gc) || growth_is_due(gc) || birth_is_due(gc);
    case UA_GC_TIME:
        return period_is_over(gc);
    case UA_GC_FORCED:
        break;
    }
    return true;
}

void ua_gc_poll(struct ua_gc *gc)
{
    /* Whoever allocates may collect, so it may as well stop for the collection of another. */
    ua_world_safepoint();
    if (ua_chunk_phase(&gc->heap->chunks) != UA_PHASE_OFF)
        return;
    if (heap_is_due(gc))
        ua_gc_collect(gc, UA_GC_HEAP);
    else if (limit_is_due(gc))
        ua_gc_collect(gc, UA_GC_LIMIT);
    else if (quarantine_is_due(gc))
        ua_gc_collect(gc, UA_GC_QUARANTINE);
    else if (period_is_over(gc))
        ua_gc_collect(gc, UA_GC_TIME);
    /* A worker ended the mark: arenas are freed by threads of the program, which a collection can stop. */
    if (UA_UNLIKELY(__atomic_load_n(&gc->roots.queued_arenas, __ATOMIC_RELAXED) != 0))
        ua_gc_run_finalizers(gc, true);
    ua_gc_scavenge(gc);
}

void ua_gc_poll_growth(struct ua_gc *gc)
{
    if (ua_chunk_phase(&gc->heap->chunks) == UA_PHASE_OFF && growth_is_due(gc))
        ua_gc_collect(gc, UA_GC_QUARANTINE);
}

bool ua_gc_note_freed(struct ua_gc *gc, size_t count)
{
    struct ua_chunk_pool *pool = &gc->heap->chunks;
    bool due = ua_chunk_phase(pool) == UA_PHASE_OFF && next_life_is_due(gc, (uint64_t)count * pool->chunk_bytes);

    if (due)
        __atomic_store_n(&gc->birth_due, true, __ATOMIC_RELAXED);
    return due;
}

void ua_gc_poll_birth(struct ua_gc *gc)
{
    if (UA_LIKELY(!birth_is_due(gc)) || ua_chunk_phase(&gc->heap->chunks) != UA_PHASE_OFF)
        return;
    ua_gc_collect(gc, UA_GC_QUARANTINE);
}
