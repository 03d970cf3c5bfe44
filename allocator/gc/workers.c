/* workers.c - see workers.h. */
#define _GNU_SOURCE
#include "gc/workers.h"

#include <signal.h>
#include <string.h>

#include "gc/cycle.h"
#include "os/futex.h"

/* A shorter rest costs more in system calls and timer slack than it gives back. */
#define REST_MIN_NS ((uint64_t)100000)
#define REST_MAX_NS ((uint64_t)10000000)
#define IDLE_WAIT_NS ((uint64_t)1000000)

struct ua_worker_plan ua_worker_plan(uint32_t option, int32_t processors)
{
    struct ua_pacer pacer = {.memory_limit = UA_PACER_NO_LIMIT};
    struct ua_worker_plan plan = {option, 0};

    if (option != 0)
        return plan;
    ua_pacer_start_cycle(&pacer, 0, processors, false);
    plan.dedicated = (uint32_t)pacer.dedicated_workers_needed;
    plan.fraction = pacer.fractional_utilization_goal * processors;
    return plan;
}

uint64_t ua_worker_rest_ns(uint64_t worked_ns, uint64_t elapsed_ns, double share)
{
    double due_ns = share >= 1 ? 0 : (double)worked_ns / share - (double)elapsed_ns;

    if (due_ns < (double)REST_MIN_NS)
        return 0;
    return due_ns > (double)REST_MAX_NS ? REST_MAX_NS : (uint64_t)due_ns;
}

bool ua_workers_init(struct ua_gc *gc)
{
    struct ua_workers *workers = &gc->workers;
    struct ua_worker_plan plan = ua_worker_plan(gc->heap->options.workers, gc->processor_count);
    uint32_t count = plan.dedicated + (plan.fraction > 0 ? 1 : 0);

    if (gc->heap->options.workers == 0 && !gc->concurrent)
        count = 0; /* the pause is marked by the thread that made it */
    if (count == 0)
        return true;
    workers->items = ua_meta_alloc(&gc->heap->meta, count * sizeof *workers->items);
    if (workers->items == NULL)
        return false;
    workers->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct ua_worker *worker = &workers->items[i];

        worker->gc = gc;
        worker->share = i < plan.dedicated ? 1 : plan.fraction;
        ua_marker_init(&worker->marker, gc->heap, &gc->small, &gc->roots);
    }
    return true;
}

/* The marker is at work. Scans a quantum; false when there is nothing grey to be had. */
static bool mark_quantum(struct ua_gc *gc, struct ua_marker *marker)
{
    if (!ua_mark_drain_some(marker, UA_WORKER_QUANTUM_BYTES) && !ua_pool_take(&gc->pool, marker))
        return false;
    ua_pool_share(&gc->pool, marker);
    return true;
}

enum ua_worker_turn ua_worker_turn(struct ua_worker *worker, uint64_t *rest_ns)
{
    struct ua_gc *gc = worker->gc;
    const struct ua_clock *clock = gc->heap->clock;
    uint64_t serial = ua_gc_load(&gc->serial);
    uint64_t start_ns = ua_clock_cpu_ns(clock);
    uint64_t spent_ns;
    bool found;

    *rest_ns = 0;
    if (worker->serial != serial) {
        worker->serial = serial;
        worker->worked_ns = 0;
    }
    ua_pool_enter(&gc->pool);
    found = ua_pool_take(&gc->pool, &worker->marker);
    while (found && *rest_ns == 0 && mark_quantum(gc, &worker->marker)) {
        uint64_t begin_ns = gc->current.mark_start_ns;

        ua_gc_flush(gc, &worker->marker, true);
        spent_ns = ua_clock_cpu_ns(clock) - start_ns;
        *rest_ns = ua_worker_rest_ns(worker->worked_ns + spent_ns, ua_gc_now_ns(gc) - begin_ns, worker->share);
        if (ua_gc_load(&gc->serial) != serial || __atomic_load_n(&gc->workers.quit, __ATOMIC_RELAXED) != 0)
            break;
    }
    ua_mark_settle(&worker->marker);
    ua_gc_flush(gc, &worker->marker, true);
    spent_ns = ua_clock_cpu_ns(clock) - start_ns;
    worker->worked_ns += spent_ns;
    ua_gc_add(&gc->counts.background_ns, spent_ns);
    if (ua_pool_leave(&gc->pool, &worker->marker))
        return UA_TURN_COMPLETE;
    return found ? UA_TURN_WORKED : UA_TURN_NOTHING;
}

static bool has_mark(struct ua_gc *gc)
{
    return __atomic_load_n(&gc->state, __ATOMIC_ACQUIRE) == UA_GC_RUNNING &&
           __atomic_load_n(&gc->workers.hold, __ATOMIC_RELAXED) == 0;
}

static void do_mark(struct ua_worker *worker, uint32_t seen)
{
    struct ua_gc *gc = worker->gc;
    uint64_t rest_ns;

    switch (ua_worker_turn(worker, &rest_ns)) {
    case UA_TURN_COMPLETE:
        ua_gc_terminate(gc);
        break;
    case UA_TURN_NOTHING:
        ua_pool_wait(&gc->pool, seen, IDLE_WAIT_NS);
        break;
    case UA_TURN_WORKED:
        if (rest_ns != 0)
            ua_futex_wait(&gc->workers.quit, 0, rest_ns);
        break;
    }
}

static void *run(void *argument)
{
    struct ua_worker *worker = argument;
    struct ua_gc *gc = worker->gc;

    while (__atomic_load_n(&gc->workers.quit, __ATOMIC_ACQUIRE) == 0) {
        uint32_t seen = ua_pool_seen(&gc->pool);

        if (has_mark(gc))
            do_mark(worker, seen);
        else if (!ua_sweep_some(gc))
            ua_pool_wait(&gc->pool, seen, UA_FUTEX_FOR_EVER);
    }
    return NULL;
}

bool ua_workers_start(struct ua_gc *gc)
{
    struct ua_workers *workers = &gc->workers;
    sigset_t all;
    sigset_t before;
    bool good = true;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (uint32_t i = 0; i < workers->count && good; i++) {
        struct ua_worker *worker = &workers->items[i];

        if (!worker->started)
            good = pthread_create(&worker->thread, NULL, run, worker) == 0;
        worker->started = worker->started || good;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

void ua_workers_stop(struct ua_gc *gc)
{
    struct ua_workers *workers = &gc->workers;

    __atomic_store_n(&workers->quit, 1, __ATOMIC_RELEASE);
    ua_futex_wake(&workers->quit);
    ua_pool_wake(&gc->pool);
    for (uint32_t i = 0; i < workers->count; i++) {
        if (workers->items[i].started)
            pthread_join(workers->items[i].thread, NULL);
        workers->items[i].started = false;
    }
}

void ua_workers_wake(struct ua_gc *gc)
{
    /* A forked child has the records and no threads; without threads the allocating ones do all by themselves. */
    if (gc->workers.count > 0 && !gc->workers.items[0].started)
        ua_workers_start(gc);
    ua_pool_wake(&gc->pool);
}
