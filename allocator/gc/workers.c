/* workers.c - see workers.h. */
#define _GNU_SOURCE
#include "gc/workers.h"

#include <sched.h>
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
    if (!found)
        return ua_pool_leave(&gc->pool, &worker->marker) ? UA_TURN_COMPLETE : UA_TURN_NOTHING;
    while (*rest_ns == 0 && mark_quantum(gc, &worker->marker)) {
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
    return UA_TURN_WORKED;
}

static bool has_mark(struct ua_gc *gc)
{
    if (__atomic_load_n(&gc->workers.hold, __ATOMIC_RELAXED) != 0)
        return false;
    return __atomic_load_n(&gc->stopped_marking, __ATOMIC_ACQUIRE) != 0 ||
           __atomic_load_n(&gc->state, __ATOMIC_ACQUIRE) == UA_GC_RUNNING;
}

/* The process forks: stands still, with no lock and nothing grey in its hands, until that is done. */
static void stand_for_fork(struct ua_worker *worker)
{
    uint32_t *forking = &worker->gc->workers.forking;

    while (__atomic_load_n(forking, __ATOMIC_SEQ_CST) != 0) {
        __atomic_store_n(&worker->stands, 1, __ATOMIC_SEQ_CST);
        ua_futex_wait(forking, 1, IDLE_WAIT_NS);
    }
}

/* Around what may take long and holds nothing: sleeping, or waiting for the world lock, which the forking thread has. */
static void begin_standing(struct ua_worker *worker)
{
    __atomic_store_n(&worker->stands, 1, __ATOMIC_SEQ_CST);
}

static void end_standing(struct ua_worker *worker)
{
    __atomic_store_n(&worker->stands, 0, __ATOMIC_SEQ_CST);
    stand_for_fork(worker);
    __atomic_store_n(&worker->stands, 0, __ATOMIC_SEQ_CST);
}

static void do_mark(struct ua_worker *worker, uint32_t seen)
{
    struct ua_gc *gc = worker->gc;
    uint64_t rest_ns;

    switch (ua_worker_turn(worker, &rest_ns)) {
    case UA_TURN_COMPLETE:
        if (!gc->concurrent)
            break; /* the thread that stopped the world goes on */
        begin_standing(worker);
        ua_world_lock();
        __atomic_store_n(&worker->stands, 0, __ATOMIC_SEQ_CST); /* who forks has the lock: nobody does */
        ua_gc_terminate_locked(gc);
        ua_world_unlock();
        return;
    case UA_TURN_WORKED:
        if (rest_ns == 0)
            return;
        break;
    case UA_TURN_NOTHING:
        break;
    }
    begin_standing(worker);
    if (rest_ns != 0)
        ua_futex_wait(&gc->workers.quit, 0, rest_ns);
    else
        ua_pool_wait(&gc->pool, seen, IDLE_WAIT_NS);
    end_standing(worker);
}

static void note_stack(struct ua_worker *worker)
{
    pthread_attr_t attributes;
    void *low = NULL;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &low, &worker->stack_bytes) == 0)
        __atomic_store_n(&worker->stack_low, (uintptr_t)low, __ATOMIC_RELEASE);
    pthread_attr_destroy(&attributes);
}

static void *run(void *argument)
{
    struct ua_worker *worker = argument;
    struct ua_gc *gc = worker->gc;

    note_stack(worker);
    while (__atomic_load_n(&gc->workers.quit, __ATOMIC_ACQUIRE) == 0) {
        uint32_t seen = ua_pool_seen(&gc->pool);

        stand_for_fork(worker);
        __atomic_store_n(&worker->stands, 0, __ATOMIC_SEQ_CST);
        if (has_mark(gc)) {
            do_mark(worker, seen);
        } else if (!gc->concurrent || !ua_sweep_some(gc)) {
            begin_standing(worker);
            ua_pool_wait(&gc->pool, seen, UA_FUTEX_FOR_EVER);
            end_standing(worker);
        }
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
    bool running = ua_world_is_running();

    __atomic_store_n(&workers->quit, 1, __ATOMIC_RELEASE);
    ua_futex_wake(&workers->quit);
    ua_pool_wake(&gc->pool);
    /* A worker may be about to stop the world: it must not wait for a thread that waits for it. */
    if (running)
        ua_world_blocking_begin();
    for (uint32_t i = 0; i < workers->count; i++) {
        if (workers->items[i].started)
            pthread_join(workers->items[i].thread, NULL);
        workers->items[i].started = false;
    }
    if (running)
        ua_world_blocking_end();
}

void ua_workers_stand(struct ua_gc *gc)
{
    struct ua_workers *workers = &gc->workers;

    __atomic_store_n(&workers->forking, 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < workers->count; i++)
        while (workers->items[i].started && __atomic_load_n(&workers->items[i].stands, __ATOMIC_SEQ_CST) == 0)
            sched_yield();
}

void ua_workers_go_on(struct ua_gc *gc)
{
    __atomic_store_n(&gc->workers.forking, 0, __ATOMIC_SEQ_CST);
    ua_futex_wake(&gc->workers.forking);
}

void ua_workers_wake(struct ua_gc *gc)
{
    /* A forked child has the records and no threads; without threads the allocating ones do all by themselves. */
    if (gc->workers.count > 0 && !gc->workers.items[0].started &&
        __atomic_load_n(&gc->workers.quit, __ATOMIC_ACQUIRE) == 0) /* not while they are stopped one by one */
        ua_workers_start(gc);
    ua_pool_wake(&gc->pool);
}
