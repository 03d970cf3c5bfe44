/* cycle.c - the steps of a collection, and collect=stw put together from them; see gc.h for the phases.
 *
 * Order at the end of a mark, as in Go: endCycle, then the ledger is reset to what was marked, then the next goal; then the
 * world runs and objects are swept. A sweep is not booked against heap_live: that is what is marked, whatever the sweep
 * frees. Quarantined chunks cost no bytes of the live heap: they become ready, and chunks of the fault list are set to fault,
 * when the world runs again. */
#include "gc/cycle.h"

#define WAIT_NS ((uint64_t)100000)

uint64_t ua_gc_new_serial(void)
{
    static uint64_t newest; /* atomic */

    return __atomic_add_fetch(&newest, 1, __ATOMIC_RELAXED);
}

static enum ua_world_stop stop_kind(const struct ua_gc *gc)
{
    return gc->heap->options.roots == UA_ROOTS_REGISTERED ? UA_WORLD_COOPERATIVE : UA_WORLD_BY_SIGNAL;
}

void ua_gc_stop(struct ua_gc *gc, struct ua_gc_pause *pause)
{
    if (gc->heap->options.roots != UA_ROOTS_REGISTERED)
        UA_CHECK(ua_segments_note(&gc->segments, &gc->heap->meta), "gc: no memory to note the data segments");
    ua_world_note_tls();
    pause->asked_ns = ua_gc_now_ns(gc);
    ua_world_stop(stop_kind(gc));
    pause->stopped_ns = ua_gc_now_ns(gc);
    pause->cpu_ns = ua_clock_cpu_ns(gc->heap->clock);
}

/* World lock held; read at any time. */
static void count_time(struct ua_histogram *histogram, uint64_t ns)
{
    ua_gc_add(&histogram->buckets[ua_histogram_bucket(ns)], 1);
    ua_gc_add(&histogram->sum_ns, ns);
    ua_gc_store(&histogram->max_ns, ua_max(ua_gc_load(&histogram->max_ns), ns));
    ua_gc_add(&histogram->count, 1);
}

void ua_gc_start(struct ua_gc *gc, const struct ua_gc_pause *pause, bool opening)
{
    struct ua_gc_event *event = &gc->current;
    uint64_t stop_ns = pause->stopped_ns - pause->asked_ns;
    uint64_t cpu_ns = ua_clock_cpu_ns(gc->heap->clock) - pause->cpu_ns;
    uint64_t pause_ns = ua_gc_now_ns(gc) - pause->stopped_ns;

    count_time(&gc->stop_times, stop_ns);
    count_time(&gc->pause_cpu_times, cpu_ns);
    count_time(&gc->pause_times, pause_ns);
    event->stop_ns += stop_ns;
    event->pause_ns += pause_ns;
    *(opening ? &event->open_stop_ns : &event->close_stop_ns) += stop_ns;
    *(opening ? &event->open_pause_ns : &event->close_pause_ns) += pause_ns;
    *(opening ? &event->open_cpu_ns : &event->close_cpu_ns) += cpu_ns;
    ua_world_start();
}

/* A worker may be at work with nothing in its hands, so each cell by itself. */
static void reset_counts(struct ua_gc *gc)
{
    uint64_t *cell = (uint64_t *)(void *)&gc->counts;

    for (size_t i = 0; i < sizeof gc->counts / sizeof *cell; i++)
        ua_gc_store(&cell[i], 0);
    gc->counts.total_alloc_start = ua_gc_load(&gc->heap->acct.total_alloc);
    ua_gc_store(&gc->small.black_bytes, 0);
    ua_gc_store(&gc->small.black_objects, 0);
}

void ua_gc_begin(struct ua_gc *gc, enum ua_gc_cause cause, const struct ua_gc_pause *pause)
{
    struct ua_gc_event *event = &gc->current;

    if (gc->verify_swept != NULL)
        gc->verify_swept(gc->heap);
    ua_chunk_set_phase(&gc->heap->chunks, UA_PHASE_MARK);
    ua_lock_acquire(&gc->pacer_lock);
    ua_gc_load_ledger(gc);
    *event = (struct ua_gc_event){.cause = cause, .start_ns = pause->asked_ns};
    event->cycle = ua_gc_load(&gc->cycle_count) + 1;
    event->heap_live_start_bytes = gc->pacer.heap_live;
    event->heap_goal_bytes = ua_gc_load(&gc->goal_bytes);
    event->trigger_bytes = ua_gc_load(&gc->trigger_bytes);
    event->processor_count = (uint32_t)gc->processor_count;
    event->worker_count = gc->workers.count;
    ua_pacer_start_cycle(&gc->pacer, (int64_t)ua_gc_now_ns(gc), gc->processor_count, cause == UA_GC_TIME);
    if (!gc->concurrent)
        ua_pacer_plan_stop_the_world(&gc->pacer, gc->processor_count);
    ua_lock_release(&gc->pacer_lock);
    reset_counts(gc);
    ua_marker_begin(&gc->marker);
}

void ua_gc_mark_roots(struct ua_gc *gc, struct ua_root_work *work)
{
    struct ua_roots_set *roots = &gc->roots;
    struct ua_entry *entry = NULL;

    ua_marker_update_ranges(&gc->marker);
    ua_mark_chunks_in_use(&gc->marker);
    ua_root_scan(&gc->marker, &gc->segments, work);
    while ((entry = ua_table_next(&roots->finalizers, entry)) != NULL) {
        ua_mark_contents(&gc->marker, entry->key);
        ua_mark_argument(&gc->marker, entry->key, entry->b);
    }
}

void ua_gc_mark_rest(struct ua_gc *gc)
{
    struct ua_roots_set *roots = &gc->roots;
    struct ua_entry *entry = NULL;

    ua_mark_drain(&gc->marker);
    while ((entry = ua_table_next(&roots->finalizers, entry)) != NULL) {
        if (ua_mark_is_marked(&gc->marker, entry->key))
            continue;
        ua_mark_address(&gc->marker, entry->key);
        ua_roots_queue(roots, entry, false);
    }
    ua_mark_drain(&gc->marker);
    while ((entry = ua_table_next(&roots->abandoned, entry)) != NULL)
        if (ua_roots_handle_is_lost(roots, entry->key))
            ua_roots_queue(roots, entry, true);
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
 * Under stw the sweep is done before the caller goes on, so the next trigger need not leave room for it. Guard: pacer_lock. */
static void commit_goal(struct ua_gc *gc, enum ua_gc_cause cause)
{
    uint64_t earned = gc->pacer.gc_percent_heap_goal;

    ua_pacer_commit(&gc->pacer, !gc->concurrent);
    if ((cause == UA_GC_QUARANTINE || cause == UA_GC_LIMIT) && gc->pacer.gc_percent >= 0)
        gc->pacer.gc_percent_heap_goal = ua_max(gc->pacer.gc_percent_heap_goal, earned);
}

/* Guard: pacer_lock. What was marked is the live heap; the next goal follows. */
static void end_pacing(struct ua_gc *gc, uint64_t bytes_marked, uint64_t heap_scan_work)
{
    struct ua_gc_event *event = &gc->current;
    const struct ua_root_work *work = &gc->root_work;
    struct ua_pacer *pacer = &gc->pacer;

    ua_gc_load_ledger(gc);
    pacer->heap_scan_work = (int64_t)heap_scan_work;
    pacer->stack_scan_work = (int64_t)work->stack_bytes;
    pacer->globals_scan_work = (int64_t)work->globals_bytes;
    pacer->globals_scan = work->globals_bytes;
    pacer->max_stack_scan = work->stack_bytes;
    ua_pacer_end_cycle(pacer, (int64_t)ua_gc_now_ns(gc), gc->processor_count);
    ua_pacer_reset_live(pacer, bytes_marked);
    ua_acct_marked(&gc->heap->acct, bytes_marked, heap_scan_work);
    gc->scan_alloc_basis = ua_gc_load(&gc->heap->acct.scan_alloc) + ua_gc_load(&gc->scan_alloc_objects);
    ua_gc_load_ledger(gc);
    commit_goal(gc, event->cause);
    event->next_goal_bytes = ua_gc_plan_next(gc).goal;
    event->next_trigger_bytes = ua_gc_load(&gc->trigger_bytes);
    event->heap_marked_bytes = bytes_marked;
    event->heap_scan_work_bytes = heap_scan_work;
    event->stack_scan_work_bytes = work->stack_bytes;
    event->globals_scan_work_bytes = work->globals_bytes;
}

uint64_t ua_gc_marked_bytes(const struct ua_gc *gc)
{
    return gc->marker.bytes_marked + gc->pool.marker.bytes_marked + gc->counts.bytes_marked + gc->counts.born_bytes + gc->small.black_bytes;
}

struct ua_span *ua_gc_conclude(struct ua_gc *gc)
{
    uint64_t bytes = ua_gc_marked_bytes(gc);
    uint64_t work = gc->marker.heap_scan_work + gc->pool.marker.heap_scan_work + gc->counts.heap_scan_work;
    struct ua_span *ready;
    size_t pages;

    if (gc->verify_mark != NULL)
        gc->verify_mark(gc->heap);
    ua_chunk_set_phase(&gc->heap->chunks, UA_PHASE_MARK_TERMINATION);
    ready = find_ready_chunks(gc);
    pages = ua_sweep_begin(gc, gc->current.cycle);
    ua_lock_acquire(&gc->pacer_lock);
    end_pacing(gc, bytes, work);
    if (gc->concurrent) {
        struct ua_pacer_sweep plan = ua_pacer_sweep_plan(&gc->pacer, ua_gc_load(&gc->trigger_bytes), false, pages, 0);

        gc->sweep.pages_per_byte = plan.pages_per_byte;
        gc->sweep.live_basis_bytes = plan.heap_live_basis;
    }
    ua_lock_release(&gc->pacer_lock);
    ua_chunk_set_phase(&gc->heap->chunks, UA_PHASE_OFF);
    return ready;
}

void ua_gc_settle(struct ua_gc *gc, struct ua_span *ready)
{
    struct ua_chunk_pool *pool = &gc->heap->chunks;
    struct ua_gc_event *event = &gc->current;
    uint64_t start_ns = ua_gc_now_ns(gc);

    event->chunks_readied = ua_chunk_make_ready_batch(pool, ready);
    ua_lock_acquire(&pool->lock);
    ua_gc_store(&gc->quarantine_floor_bytes, (uint64_t)pool->quarantined.count * pool->chunk_bytes);
    __atomic_store_n(&gc->birth_due, false, __ATOMIC_RELAXED);
    ua_lock_release(&pool->lock);
    ua_chunk_drain_faults(pool);
    ua_chunk_hand_logs_on(pool, ua_gc_load(&gc->heap->acct.heap_marked));
    ua_lock_acquire(&gc->pacer_lock);
    event->sweep_ns += ua_gc_now_ns(gc) - start_ns;
    ua_ring_put(&gc->events, &gc->heap->meta, event->cycle, event);
    ua_gc_store(&gc->last_end_ns, ua_gc_now_ns(gc));
    /* With the lock: it takes the place of the oldest, so whoever reads the ring must know of it. */
    ua_gc_store(&gc->cycle_count, event->cycle);
    ua_lock_release(&gc->pacer_lock);
}

/* World stopped: workers mark with the main marker until nothing is grey. */
static void drain_together(struct ua_gc *gc)
{
    struct ua_mark_pool *pool = &gc->pool;
    struct ua_marker *marker = &gc->marker;

    if (gc->workers.count == 0)
        return;
    marker->shared = true;
    ua_pool_begin(pool, marker);
    ua_pool_enter(pool);
    ua_pool_give(pool, marker);
    ua_gc_store(&gc->serial, ua_gc_new_serial());
    __atomic_store_n(&gc->stopped_marking, 1, __ATOMIC_RELEASE);
    ua_workers_wake(gc);
    for (;;) {
        uint32_t seen;

        while (ua_mark_drain_some(marker, UA_WORKER_QUANTUM_BYTES) || ua_pool_take(pool, marker))
            ua_pool_share(pool, marker);
        seen = ua_pool_seen(pool);
        if (ua_pool_leave(pool, marker) || ua_pool_is_complete(pool))
            break;
        ua_pool_wait(pool, seen, WAIT_NS);
        ua_pool_enter(pool);
    }
    __atomic_store_n(&gc->stopped_marking, 0, __ATOMIC_RELEASE);
    marker->work.lost |= ua_pool_has_lost(pool);
    marker->shared = false;
    gc->current.background_ns = ua_gc_load(&gc->counts.background_ns);
}

/* World stopped: the whole mark and its end. Returns the chunks that may be made ready once the world runs. */
static struct ua_span *mark_stopped(struct ua_gc *gc)
{
    uint64_t start_ns = ua_gc_now_ns(gc);
    uintptr_t born;

    ua_lock_acquire(&gc->roots.lock);
    ua_gc_mark_roots(gc, &gc->root_work);
    while (ua_work_pop(&gc->born, &born))
        ua_mark_address(&gc->marker, born);
    drain_together(gc);
    ua_gc_mark_rest(gc);
    ua_lock_release(&gc->roots.lock);
    gc->current.mark_ns = ua_gc_now_ns(gc) - start_ns;
    return ua_gc_conclude(gc);
}

/* Finishes a mark that a test left open. World lock held. */
static void close_open_mark(struct ua_gc *gc)
{
    struct ua_gc_pause pause;
    struct ua_span *ready;

    if (gc->concurrent) {
        ua_gc_close_held(gc);
        return;
    }
    ua_gc_stop(gc, &pause);
    ready = mark_stopped(gc);
    gc->mark_open = false;
    ua_gc_start(gc, &pause, false);
    ua_gc_settle(gc, ready);
}

static void collect_stopped(struct ua_gc *gc, enum ua_gc_cause cause)
{
    struct ua_gc_pause pause;
    struct ua_span *ready;

    ua_gc_stop(gc, &pause);
    ua_gc_begin(gc, cause, &pause);
    ready = mark_stopped(gc);
    ua_gc_start(gc, &pause, false);
    ua_gc_settle(gc, ready);
}

void ua_gc_collect(struct ua_gc *gc, enum ua_gc_cause cause)
{
    bool held;

    if (!ua_world_is_attached())
        UA_CHECK(ua_world_attach() == 0, "gc: the collecting thread cannot be attached");
    ua_world_lock();
    held = gc->mark_open;
    if (held && cause == UA_GC_FORCED)
        close_open_mark(gc);
    if (held && cause != UA_GC_FORCED) {
        ua_world_unlock();
        return;
    }
    if (gc->concurrent) {
        ua_world_unlock();
        ua_gc_collect_concurrent(gc, cause);
    } else {
        ua_sweep_finish(gc);
        if (ua_gc_is_due(gc, cause))
            collect_stopped(gc, cause);
        ua_world_unlock();
        ua_sweep_finish(gc);
    }
    ua_gc_run_finalizers(gc, true);
}

void ua_gc_mark_open(struct ua_gc *gc)
{
    struct ua_gc_pause pause;

    ua_world_lock();
    UA_CHECK(!gc->mark_open, "ua_debug_mark_begin: a mark is open already");
    gc->mark_open = true;
    while (gc->concurrent && __atomic_load_n(&gc->state, __ATOMIC_ACQUIRE) == UA_GC_RUNNING) {
        ua_world_unlock();
        ua_gc_finish_running(gc);
        ua_world_lock();
    }
    ua_sweep_finish(gc);
    if (gc->concurrent) {
        ua_gc_open_concurrent(gc, UA_GC_FORCED, true);
    } else {
        ua_gc_stop(gc, &pause);
        ua_gc_begin(gc, UA_GC_FORCED, &pause);
        ua_gc_start(gc, &pause, true);
    }
    ua_world_unlock();
}

void ua_gc_mark_close(struct ua_gc *gc)
{
    ua_world_lock();
    UA_CHECK(gc->mark_open, "ua_debug_mark_end: no mark is open");
    close_open_mark(gc);
    ua_world_unlock();
    ua_sweep_finish(gc);
    ua_gc_run_finalizers(gc, true);
}
