/* concurrent.c - a cycle under collect=concurrent: opened in a short pause, marked while the program runs, ended in another.
 *
 * Snapshot at the beginning: what was reachable at the opening pause gets marked. Roots and stacks are read there and not
 * again; memory that is made later is marked when it is made and not read; and whoever overwrites or drops a pointer that was
 * there at the pause tells the collector the old one first (barrier.c). So nothing that the program can still reach is
 * missed, and what it drops meanwhile goes with the next cycle.
 *
 * The mark is complete when the pool is empty and no marker is at work. Whoever sees that stops the world and looks again: a
 * barrier may have put something there meanwhile; then the world runs again. A grey object that was dropped for want of a
 * buffer makes the termination pause scan every marked object until nothing is new.
 *
 * Fork: the child has no workers and knows nothing of what other threads had in hand, so a mark that was open is given up. */
#include "gc/cycle.h"

#define HELP_BYTES ((uint64_t)256 << 10)
#define WAIT_NS ((uint64_t)1000000)
#define WIPE_WORDS 512u

static struct ua_gc *all_collectors;    /* guard: world lock */

/* Marking, and what ends a mark, leave addresses of objects and chunks in frames that are dead then. The frames of a later root
 * scan lie over them, with gaps, and would take the addresses for this thread's. */
static __attribute__((noinline)) void wipe_dead_frames(void)
{
    volatile uintptr_t dead[WIPE_WORDS];

    for (size_t i = 0; i < WIPE_WORDS; i++)
        dead[i] = 0;
    __asm__ volatile("" : : "r"(dead) : "memory");
}

static bool is_running(struct ua_gc *gc)
{
    return __atomic_load_n(&gc->state, __ATOMIC_ACQUIRE) == UA_GC_RUNNING;
}

/* World stopped. */
static void set_marking(struct ua_gc *gc, enum ua_gc_state state)
{
    bool marking = state != UA_GC_IDLE;

    __atomic_store_n(&gc->heap->fast.marking, marking, __ATOMIC_RELEASE);
    __atomic_store_n(&gc->small.black, marking, __ATOMIC_RELEASE);
    __atomic_store_n(&gc->state, (uint32_t)state, __ATOMIC_RELEASE);
}

void ua_gc_open_concurrent(struct ua_gc *gc, enum ua_gc_cause cause, bool held)
{
    struct ua_gc_pause pause;

    ua_gc_stop(gc, &pause);
    ua_gc_begin(gc, cause, &pause);
    gc->marker.shared = true;
    ua_lock_acquire(&gc->roots.lock);
    ua_gc_mark_roots(gc, &gc->root_work);
    ua_lock_release(&gc->roots.lock);
    ua_pool_begin(&gc->pool, &gc->marker);
    ua_pool_give(&gc->pool, &gc->marker);
    ua_lock_acquire(&gc->pacer_lock);
    gc->pacer.stack_scan_work = (int64_t)gc->root_work.stack_bytes;
    gc->pacer.globals_scan_work = (int64_t)gc->root_work.globals_bytes;
    gc->pacer.globals_scan = gc->root_work.globals_bytes;
    gc->pacer.max_stack_scan = gc->root_work.stack_bytes;
    gc->pacer.heap_scan += gc->marker.unlogged_bytes;
    ua_pacer_revise(&gc->pacer);
    ua_lock_release(&gc->pacer_lock);
    ua_gc_store(&gc->serial, ua_gc_new_serial());
    gc->current.mark_start_ns = ua_gc_now_ns(gc);
    set_marking(gc, held ? UA_GC_HELD : UA_GC_RUNNING);
    ua_gc_start(gc, &pause, true);
    if (!held)
        ua_workers_wake(gc);
}

/* World stopped, nothing grey but what the main marker holds: mark termination. */
static struct ua_span *terminate_stopped(struct ua_gc *gc)
{
    struct ua_gc_event *event = &gc->current;
    struct ua_gc_counts *counts = &gc->counts;

    ua_lock_acquire(&gc->roots.lock);
    gc->marker.work.lost |= ua_pool_has_lost(&gc->pool);
    ua_gc_mark_rest(gc);
    ua_mark_new_chunks(&gc->marker);
    ua_lock_release(&gc->roots.lock);
    event->mark_end_ns = ua_gc_now_ns(gc);
    event->mark_ns = event->mark_end_ns - event->mark_start_ns;
    event->background_ns = ua_gc_load(&counts->background_ns);
    event->assist_ns = ua_gc_load(&counts->assist_ns);
    event->forced_ns = ua_gc_load(&counts->forced_ns);
    event->wait_ns = ua_gc_load(&counts->wait_ns);
    event->barrier_count = ua_gc_load(&counts->barriers);
    event->assist_count = ua_gc_load(&counts->assists);
    event->restart_count = ua_gc_load(&counts->restarts);
    event->mark_alloc_bytes = ua_gc_load(&gc->heap->acct.total_alloc) - counts->total_alloc_start;
    ua_lock_acquire(&gc->pacer_lock);
    gc->pacer.assist_time = (int64_t)event->assist_ns;
    /* What was marked beyond the quarter that the pacer reckons with is what Go's idle workers would have done. */
    gc->pacer.idle_mark_time = (int64_t)event->forced_ns;
    ua_lock_release(&gc->pacer_lock);
    set_marking(gc, UA_GC_IDLE);
    gc->marker.shared = false;
    return ua_gc_conclude(gc);
}

/* World lock held, a mark is running. False: there was something grey again. */
static bool try_terminate(struct ua_gc *gc)
{
    struct ua_gc_pause pause;
    struct ua_span *ready = NULL;
    bool complete;

    ua_gc_stop(gc, &pause);
    complete = ua_pool_is_complete(&gc->pool);
    if (complete)
        ready = terminate_stopped(gc);
    else
        ua_gc_add(&gc->counts.restarts, 1);
    ua_gc_start(gc, &pause, false);
    if (!complete)
        return false;
    ua_gc_settle(gc, ready);
    return true;
}

void ua_gc_terminate_locked(struct ua_gc *gc)
{
    /* Sleepers wait for the end, or for the sweep that follows. */
    if (is_running(gc) && ua_pool_is_complete(&gc->pool) && try_terminate(gc))
        ua_workers_wake(gc);
}

void ua_gc_terminate(struct ua_gc *gc)
{
    ua_world_lock();
    ua_gc_terminate_locked(gc);
    ua_world_unlock();
}

void ua_gc_close_held(struct ua_gc *gc)
{
    struct ua_marker *helper = ua_pool_borrow(&gc->pool);
    bool complete;

    UA_CHECK(helper != NULL, "gc: no memory for a marker");
    do {
        while (ua_mark_drain_some(helper, UA_WORKER_QUANTUM_BYTES) || ua_pool_take(&gc->pool, helper)) {
        }
        ua_mark_settle(helper);
        ua_gc_flush(gc, helper, false);
        complete = ua_pool_return(&gc->pool, helper);
        if (complete && try_terminate(gc))
            break;
        helper = ua_pool_borrow(&gc->pool);
    } while (helper != NULL);
    gc->mark_open = false;
}

void ua_gc_flush(struct ua_gc *gc, struct ua_marker *marker, bool credit)
{
    uint64_t work = ua_marker_take_scan_work(marker);

    ua_gc_add(&gc->counts.bytes_marked, marker->bytes_marked);
    ua_gc_add(&gc->counts.objects_marked, marker->objects_marked);
    ua_gc_add(&gc->counts.heap_scan_work, work);
    marker->bytes_marked = 0;
    marker->objects_marked = 0;
    ua_lock_acquire(&gc->pacer_lock);
    gc->pacer.heap_scan_work += (int64_t)work;
    if (credit)
        gc->pacer.bg_scan_credit += (int64_t)work;
    ua_lock_release(&gc->pacer_lock);
}

struct ua_gc_help ua_gc_help(struct ua_gc *gc, uint64_t work_bytes)
{
    struct ua_gc_help help = {0};
    struct ua_marker *helper;

    /* At work, it cannot be stopped: a pause would find grey objects in its hands. */
    ua_lock_defer_begin();
    helper = is_running(gc) ? ua_pool_borrow(&gc->pool) : NULL;
    if (helper != NULL) {
        while (helper->heap_scan_work < work_bytes && helper->step_bytes < UA_GC_HELP_STEPS * work_bytes &&
               (ua_mark_drain_some(helper, work_bytes - helper->heap_scan_work) || ua_pool_take(&gc->pool, helper))) {
        }
        help = (struct ua_gc_help){.scan_work = helper->heap_scan_work, .step_bytes = helper->step_bytes};
        ua_mark_settle(helper);
        ua_gc_flush(gc, helper, false);
        help.complete = ua_pool_return(&gc->pool, helper);
    }
    ua_lock_defer_end();
    return help;
}

void ua_gc_wait_for_grey(struct ua_gc *gc, uint32_t seen)
{
    uint64_t start_ns = ua_gc_now_ns(gc);

    ua_world_blocking_begin();
    ua_pool_wait(&gc->pool, seen, WAIT_NS);
    ua_world_blocking_end();
    ua_gc_add(&gc->counts.wait_ns, ua_gc_now_ns(gc) - start_ns);
}

/* Marks until the cycle with this serial has ended. */
static void help_to_the_end(struct ua_gc *gc, uint64_t serial)
{
    while (is_running(gc) && ua_gc_load(&gc->serial) == serial) {
        uint32_t seen = ua_pool_seen(&gc->pool);
        uint64_t start_ns = ua_clock_cpu_ns(gc->heap->clock);
        struct ua_gc_help help = ua_gc_help(gc, HELP_BYTES);

        ua_gc_add(&gc->counts.forced_ns, ua_clock_cpu_ns(gc->heap->clock) - start_ns);
        if (help.complete || ua_pool_is_complete(&gc->pool)) {
            ua_gc_terminate(gc);
        } else if (help.step_bytes == 0) {
            ua_gc_wait_for_grey(gc, seen);
        }
        ua_world_safepoint();
    }
}

/* Opens a cycle if the cause still holds; 0 when it does not, else its serial. One that runs already is as good, unless a
 * collection was asked for: then that one has to end first, since it may have missed what was dropped since. */
static uint64_t open_or_join(struct ua_gc *gc, enum ua_gc_cause cause, bool *joined)
{
    uint64_t serial = 0;

    ua_world_lock();
    *joined = is_running(gc);
    if (!*joined) {
        ua_sweep_finish(gc);
        if (!gc->mark_open && ua_gc_is_due(gc, cause))
            ua_gc_open_concurrent(gc, cause, false);
    }
    if (is_running(gc))
        serial = ua_gc_load(&gc->serial);
    ua_world_unlock();
    return serial;
}

void ua_gc_collect_concurrent(struct ua_gc *gc, enum ua_gc_cause cause)
{
    uint64_t before = ua_gc_load(&gc->serial);
    uint64_t serial;
    bool joined;

    wipe_dead_frames();
    if (cause != UA_GC_FORCED) {
        /* Not with the world lock held for long: another thread may need it to attach. */
        ua_sweep_finish(gc);
        open_or_join(gc, cause, &joined);
        return;
    }
    do {
        serial = open_or_join(gc, cause, &joined);
        help_to_the_end(gc, serial);
    } while (joined && serial == before);
    /* Who ended it holds the lock until its chunks are ready and its event is there. */
    ua_world_lock();
    ua_world_unlock();
    ua_sweep_finish(gc);
}

void ua_gc_finish_running(struct ua_gc *gc)
{
    help_to_the_end(gc, ua_gc_load(&gc->serial));
}

/* In the child: what other threads had in hand is lost. */
static void forget_mark(struct ua_gc *gc)
{
    for (uint32_t i = 0; i < gc->workers.count; i++)
        gc->workers.items[i].started = false;
    if (__atomic_load_n(&gc->state, __ATOMIC_RELAXED) == UA_GC_IDLE)
        return;
    set_marking(gc, UA_GC_IDLE);
    gc->mark_open = false;
    gc->marker.shared = false;
    ua_marker_forget(&gc->marker);
    ua_pool_forget(&gc->pool);
    gc->pacer.triggered = UA_PACER_NONE;
    ua_chunk_set_phase(&gc->heap->chunks, UA_PHASE_OFF);
}

/* World lock held. In the child only the calling thread is left. */
static void at_fork(enum ua_world_fork when)
{
    for (struct ua_gc *gc = all_collectors; gc != NULL; gc = gc->next_collector) {
        if (when == UA_FORK_PREPARE)
            ua_workers_stand(gc);
        else
            ua_workers_go_on(gc);
        if (when == UA_FORK_CHILD)
            forget_mark(gc);
    }
}

void ua_gc_list(struct ua_gc *gc)
{
    ua_world_lock();
    gc->next_collector = all_collectors;
    all_collectors = gc;
    ua_world_at_fork(at_fork);
    ua_world_unlock();
}

void ua_gc_unlist(struct ua_gc *gc)
{
    struct ua_gc **link = &all_collectors;

    ua_world_lock();
    while (*link != NULL && *link != gc)
        link = &(*link)->next_collector;
    if (*link != NULL)
        *link = gc->next_collector;
    ua_world_unlock();
}
