/* cycle.c - one collection from trigger to trigger; see gc.h for the phases.
 *
 * Order at the end of a mark, as in Go: endCycle, then the ledger is reset to what was marked, then the next goal. The
 * sweep of objects runs before the reset, because freeing a large object is booked against heap_live; after the reset
 * heap_live is what is marked, whatever the sweep freed. Quarantined chunks cost no bytes of the live heap: they become
 * ready, and chunks of the fault list are set to fault, when the world runs again. */
#include "gc/gc.h"

#include "os/clock.h"

#define PERIOD_NS ((uint64_t)120 * 1000000000u) /* Go's forced collection */
#define QUARANTINE_MIN_BYTES ((uint64_t)64 << 20)

static uint64_t now_ns(const struct ua_gc *gc)
{
    return ua_clock_now_ns(gc->heap->clock);
}

static enum ua_world_stop stop_kind(const struct ua_gc *gc)
{
    return gc->heap->options.roots == UA_ROOTS_REGISTERED ? UA_WORLD_COOPERATIVE : UA_WORLD_BY_SIGNAL;
}

static uint64_t load(const uint64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

static void store(uint64_t *cell, uint64_t value)
{
    __atomic_store_n(cell, value, __ATOMIC_RELAXED);
}

/* Brings the pacer's inputs up to date with the ledger. Guard: pacer_lock. */
static void load_ledger(struct ua_gc *gc)
{
    const struct ua_acct *acct = &gc->heap->acct;
    struct ua_pacer *pacer = &gc->pacer;

    pacer->heap_live = load(&acct->heap_live);
    pacer->heap_scan = pacer->last_heap_scan + load(&acct->scan_alloc) - gc->scan_alloc_basis;
    pacer->heap_free = ua_acct_read(acct, UA_ACCT_FREE);
    pacer->total_free = load(&acct->total_free);
    pacer->total_alloc = load(&acct->total_alloc);
    pacer->mapped_ready = ua_acct_mapped_ready(acct);
    /* Read one by one while others allocate: the relation the pacer needs may be off for a moment. */
    if (pacer->mapped_ready < pacer->heap_free + (pacer->total_alloc - pacer->total_free))
        pacer->mapped_ready = pacer->heap_free + (pacer->total_alloc - pacer->total_free);
}

/* Guard: pacer_lock. */
static struct ua_pacer_plan plan_next(struct ua_gc *gc)
{
    struct ua_pacer_plan plan = ua_pacer_trigger(&gc->pacer);

    UA_CHECK(plan.trigger <= plan.goal, "gc: produced a trigger greater than the heap goal");
    store(&gc->trigger_bytes, plan.trigger);
    store(&gc->goal_bytes, plan.goal);
    return plan;
}

void ua_gc_commit(struct ua_gc *gc)
{
    ua_lock_acquire(&gc->pacer_lock);
    load_ledger(gc);
    ua_pacer_commit(&gc->pacer, true);
    plan_next(gc);
    ua_lock_release(&gc->pacer_lock);
}

static bool heap_is_due(struct ua_gc *gc)
{
    if (gc->heap->options.memory_limit_bytes != UA_MEMORY_LIMIT_NONE) {
        /* Under a limit the goal moves with what is mapped, so it is computed at each test, as Go does. */
        ua_lock_acquire(&gc->pacer_lock);
        load_ledger(gc);
        plan_next(gc);
        ua_lock_release(&gc->pacer_lock);
    }
    return load(&gc->heap->acct.heap_live) >= load(&gc->trigger_bytes);
}

/* Bytes that wait in quarantine, without those that the last mark found pointers to. */
static uint64_t waiting_bytes(struct ua_gc *gc)
{
    struct ua_chunk_pool *pool = &gc->heap->chunks;
    uint64_t floor = load(&gc->quarantine_floor_bytes);
    uint64_t waiting;

    ua_lock_acquire(&pool->lock);
    waiting = (uint64_t)pool->quarantined.count * pool->chunk_bytes;
    ua_lock_release(&pool->lock);
    return waiting > floor ? waiting - floor : 0;
}

/* Over the memory limit while quarantined chunks keep their pages: only a collection can let go of them. heap_live says
 * nothing about that, since freeing an arena lowered it at once. */
static bool limit_is_due(struct ua_gc *gc)
{
    const struct ua_acct *acct = &gc->heap->acct;
    int64_t limit = gc->heap->options.memory_limit_bytes;

    return limit != UA_MEMORY_LIMIT_NONE && ua_acct_mapped_ready(acct) > (uint64_t)limit &&
           ua_acct_read(acct, UA_ACCT_KEPT) > 0 && waiting_bytes(gc) > 0;
}

static bool quarantine_is_due(struct ua_gc *gc)
{
    const struct ua_options *options = &gc->heap->options;
    struct ua_chunk_pool *pool = &gc->heap->chunks;
    uint64_t limit = options->quarantine_limit_bytes;

    if (limit == 0 || !pool->quarantine)
        return false;
    if (limit == UA_QUARANTINE_LIMIT_AUTO) {
        uint64_t percent = options->gogc < 0 ? 100 : (uint64_t)options->gogc;

        limit = ua_max(QUARANTINE_MIN_BYTES, load(&gc->heap->acct.heap_marked) / 100 * percent);
    }
    return waiting_bytes(gc) > limit;
}

static bool period_is_over(struct ua_gc *gc)
{
    uint64_t last = load(&gc->last_end_ns);

    return gc->heap->options.gogc >= 0 && last != 0 && now_ns(gc) - last > PERIOD_NS;
}

static bool is_due(struct ua_gc *gc, enum ua_gc_cause cause)
{
    switch (cause) {
    case UA_GC_HEAP:
        return heap_is_due(gc);
    case UA_GC_LIMIT:
        return limit_is_due(gc);
    case UA_GC_QUARANTINE:
        return quarantine_is_due(gc);
    case UA_GC_TIME:
        return period_is_over(gc);
    case UA_GC_FORCED:
        break;
    }
    return true;
}

/* World stopped. Opens the mark: from here frees wait and new objects survive. */
static void begin(struct ua_gc *gc, enum ua_gc_cause cause)
{
    struct ua_gc_event *event = &gc->current;

    ua_chunk_set_phase(&gc->heap->chunks, UA_PHASE_MARK);
    ua_lock_acquire(&gc->pacer_lock);
    load_ledger(gc);
    event->cause = cause;
    event->heap_live_start_bytes = gc->pacer.heap_live;
    event->heap_goal_bytes = load(&gc->goal_bytes);
    event->trigger_bytes = load(&gc->trigger_bytes);
    ua_pacer_start_cycle(&gc->pacer, (int64_t)now_ns(gc), gc->processor_count, cause == UA_GC_TIME);
    ua_pacer_plan_stop_the_world(&gc->pacer, gc->processor_count);
    ua_lock_release(&gc->pacer_lock);
    ua_marker_begin(&gc->marker);
}

/* World stopped. Everything reachable gets its mark; unreachable objects with a finalizer come back for it. */
static void mark_all(struct ua_gc *gc, struct ua_root_work *work)
{
    struct ua_roots_set *roots = &gc->roots;
    struct ua_entry *entry = NULL;
    uintptr_t born;

    ua_lock_acquire(&roots->lock);
    ua_marker_update_ranges(&gc->marker);
    ua_mark_chunks_in_use(&gc->marker);
    ua_root_scan(&gc->marker, &gc->segments, work);
    while (ua_work_pop(&gc->born, &born))
        ua_mark_address(&gc->marker, born);
    while ((entry = ua_table_next(&roots->finalizers, entry)) != NULL)
        ua_mark_contents(&gc->marker, entry->key);
    ua_mark_drain(&gc->marker);
    while ((entry = ua_table_next(&roots->finalizers, entry)) != NULL) {
        if (ua_mark_is_marked(&gc->marker, entry->key))
            continue;
        ua_mark_address(&gc->marker, entry->key);
        ua_roots_queue(roots, entry, false);
    }
    ua_mark_drain(&gc->marker);
    while ((entry = ua_table_next(&roots->abandoned, entry)) != NULL)
        if (entry->a == 0)
            ua_roots_queue(roots, entry, true);
    ua_lock_release(&roots->lock);
}

/* World stopped. Large objects without a mark. */
static uint64_t sweep_large(struct ua_gc *gc)
{
    struct ua_large *large = &gc->heap->large;
    uint64_t freed = 0;

    for (struct ua_node *node = large->live.first; node != NULL;) {
        struct ua_span *span = UA_CONTAINER(node, struct ua_span, node);

        node = node->next;
        /* Without gc_data it is still being made: nothing points to it yet. */
        if (span->gc_data == NULL || ua_span_is_marked(span))
            continue;
        ua_large_free(large, span);
        freed++;
    }
    return freed;
}

/* Quarantined chunks without a mark, linked by `next`: nothing points into them. */
static struct ua_span *find_ready_chunks(struct ua_gc *gc)
{
    struct ua_chunk_pool *pool = &gc->heap->chunks;
    struct ua_span *ready = NULL;

    ua_lock_acquire(&pool->lock);
    for (struct ua_node *node = pool->quarantined.first; node != NULL; node = node->next) {
        struct ua_span *chunk = UA_CONTAINER(node, struct ua_span, node);

        if (ua_span_is_marked(chunk))
            continue;
        chunk->next = ready;
        ready = chunk;
    }
    ua_lock_release(&pool->lock);
    return ready;
}

/* A collection that quarantine asked for comes at any size of the heap, mostly when arenas were just freed. The goal that
 * growth earned stays; else each of them would be followed by a collection that growth back to the old size asks for.
 * Guard: pacer_lock. */
static void commit_goal(struct ua_gc *gc, enum ua_gc_cause cause)
{
    uint64_t earned = gc->pacer.gc_percent_heap_goal;

    ua_pacer_commit(&gc->pacer, true);
    if ((cause == UA_GC_QUARANTINE || cause == UA_GC_LIMIT) && gc->pacer.gc_percent >= 0)
        gc->pacer.gc_percent_heap_goal = ua_max(gc->pacer.gc_percent_heap_goal, earned);
}

/* World stopped: termination. Returns the chunks that may be made ready once the world runs. */
static struct ua_span *finish(struct ua_gc *gc)
{
    struct ua_gc_event *event = &gc->current;
    struct ua_root_work work;
    struct ua_small_sweep swept;
    struct ua_span *ready;
    uint64_t start = now_ns(gc);

    mark_all(gc, &work);
    event->mark_ns = now_ns(gc) - start;
    if (gc->verify_mark != NULL)
        gc->verify_mark(gc->heap);
    ua_chunk_set_phase(&gc->heap->chunks, UA_PHASE_MARK_TERMINATION);
    ua_small_sweep(&gc->small, &swept);
    event->objects_freed = swept.objects_freed + sweep_large(gc);
    ready = find_ready_chunks(gc);
    event->sweep_ns = now_ns(gc) - start - event->mark_ns;

    ua_lock_acquire(&gc->pacer_lock);
    load_ledger(gc);
    gc->pacer.heap_scan_work = (int64_t)gc->marker.heap_scan_work;
    gc->pacer.stack_scan_work = (int64_t)work.stack_bytes;
    gc->pacer.globals_scan_work = (int64_t)work.globals_bytes;
    gc->pacer.globals_scan = work.globals_bytes;
    gc->pacer.max_stack_scan = work.stack_bytes;
    /* What Go's heap_live is at this point has not lost what our sweep freed just now. */
    gc->pacer.heap_live = ua_max(gc->pacer.heap_live, event->heap_live_start_bytes);
    ua_pacer_end_cycle(&gc->pacer, (int64_t)now_ns(gc), gc->processor_count);
    ua_pacer_reset_live(&gc->pacer, gc->marker.bytes_marked);
    ua_acct_marked(&gc->heap->acct, gc->marker.bytes_marked, gc->marker.heap_scan_work);
    gc->scan_alloc_basis = load(&gc->heap->acct.scan_alloc);
    load_ledger(gc);
    commit_goal(gc, event->cause);
    event->next_goal_bytes = plan_next(gc).goal;
    event->next_trigger_bytes = load(&gc->trigger_bytes);
    ua_lock_release(&gc->pacer_lock);

    event->heap_marked_bytes = gc->marker.bytes_marked;
    event->heap_scan_work_bytes = gc->marker.heap_scan_work;
    event->stack_scan_work_bytes = work.stack_bytes;
    event->globals_scan_work_bytes = work.globals_bytes;
    ua_chunk_set_phase(&gc->heap->chunks, UA_PHASE_OFF);
    return ready;
}

/* The world runs again; the world lock is still held. */
static void settle(struct ua_gc *gc, struct ua_span *ready)
{
    struct ua_chunk_pool *pool = &gc->heap->chunks;
    struct ua_gc_event *event = &gc->current;
    uint64_t start = now_ns(gc);
    uint64_t cycle = load(&gc->cycle_count) + 1;

    event->chunks_readied = ua_chunk_make_ready_batch(pool, ready);
    ua_lock_acquire(&pool->lock);
    store(&gc->quarantine_floor_bytes, (uint64_t)pool->quarantined.count * pool->chunk_bytes);
    ua_lock_release(&pool->lock);
    ua_chunk_drain_faults(pool);
    event->sweep_ns += now_ns(gc) - start;
    event->cycle = cycle;
    ua_lock_acquire(&gc->pacer_lock);
    gc->events[cycle % UA_GC_EVENTS_KEPT] = *event;
    ua_lock_release(&gc->pacer_lock);
    store(&gc->last_end_ns, now_ns(gc));
    store(&gc->cycle_count, cycle);
}

/* World lock held. */
static void stop(struct ua_gc *gc)
{
    uint64_t start = now_ns(gc);

    UA_CHECK(ua_segments_note(&gc->segments, &gc->heap->meta), "gc: no memory to note the data segments");
    ua_world_note_tls();
    ua_world_stop(stop_kind(gc));
    gc->current = (struct ua_gc_event){.start_ns = start, .stop_ns = now_ns(gc) - start};
}

static void start(struct ua_gc *gc, uint64_t stopped_at_ns)
{
    gc->current.pause_ns += now_ns(gc) - stopped_at_ns;
    ua_world_start();
}

/* Finishes a mark that a test left open. World lock held. */
static void close_open_mark(struct ua_gc *gc)
{
    struct ua_gc_event kept = gc->current;
    struct ua_span *ready;
    uint64_t stopped_at_ns;

    stop(gc);
    stopped_at_ns = now_ns(gc);
    gc->current = kept;
    ready = finish(gc);
    gc->mark_open = false;
    start(gc, stopped_at_ns);
    settle(gc, ready);
}

void ua_gc_collect(struct ua_gc *gc, enum ua_gc_cause cause)
{
    struct ua_span *ready;
    uint64_t stopped_at_ns;

    if (!ua_world_is_attached())
        UA_CHECK(ua_world_attach() == 0, "gc: the collecting thread cannot be attached");
    ua_world_lock();
    if (gc->mark_open) {
        if (cause != UA_GC_FORCED) {
            ua_world_unlock();
            return;
        }
        close_open_mark(gc);
    }
    if (!is_due(gc, cause)) {
        ua_world_unlock();
        return;
    }
    stop(gc);
    stopped_at_ns = now_ns(gc);
    begin(gc, cause);
    ready = finish(gc);
    start(gc, stopped_at_ns);
    settle(gc, ready);
    ua_world_unlock();
    ua_gc_run_finalizers(gc, true);
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
    ua_gc_scavenge(gc);
}

void ua_gc_mark_open(struct ua_gc *gc)
{
    uint64_t stopped_at_ns;

    ua_world_lock();
    UA_CHECK(!gc->mark_open, "ua_debug_mark_begin: a mark is open already");
    stop(gc);
    stopped_at_ns = now_ns(gc);
    begin(gc, UA_GC_FORCED);
    gc->mark_open = true;
    start(gc, stopped_at_ns);
    ua_world_unlock();
}

void ua_gc_mark_close(struct ua_gc *gc)
{
    ua_world_lock();
    UA_CHECK(gc->mark_open, "ua_debug_mark_end: no mark is open");
    close_open_mark(gc);
    ua_world_unlock();
    ua_gc_run_finalizers(gc, true);
}
