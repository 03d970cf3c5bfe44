/* sweep.c - see sweep.h. The figures of a finished sweep go into its cycle's event. */
#include "gc/sweep.h"

#include "gc/cycle.h"

#define SPANS_AT_ONCE 64u /* small spans a batch: some 20 us under the lock */
#define LARGE_AT_ONCE 8u

size_t ua_sweep_begin(struct ua_gc *gc, uint64_t cycle)
{
    struct ua_sweep *sweep = &gc->sweep;
    size_t pages = ua_small_sweep_begin(&gc->small) + ua_large_sweep_begin(&gc->heap->large);

    /* Workers are not stopped and may look whether there is something to sweep. */
    ua_gc_store(&sweep->sweep_ns, 0);
    sweep->cycle = cycle;
    sweep->pages_per_byte = 0;
    sweep->live_basis_bytes = 0;
    sweep->number++;
    __atomic_store_n(&sweep->pending, sweep->number, __ATOMIC_RELEASE);
    return pages;
}

/* Whoever finds everything of this sweep swept completes its event; once. The thread may have been stopped since it looked,
 * and the next sweep begun. */
static void complete(struct ua_gc *gc, uint64_t pending)
{
    uint64_t objects_freed = ua_large_swept(&gc->heap->large).objects_freed;

    ua_lock_acquire(&gc->small.lock);
    objects_freed += gc->small.swept.objects_freed;
    ua_lock_release(&gc->small.lock);
    ua_lock_acquire(&gc->pacer_lock);
    if (__atomic_compare_exchange_n(&gc->sweep.pending, &pending, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        struct ua_gc_event *event = ua_ring_at(&gc->events, gc->sweep.cycle);

        /* The sweep may end before its event has come into the ring (settle). */
        if (event->cycle != gc->sweep.cycle)
            event = &gc->current;
        event->objects_freed = objects_freed;
        event->sweep_ns += ua_gc_load(&gc->sweep.sweep_ns);
    }
    ua_lock_release(&gc->pacer_lock);
}

bool ua_sweep_some(struct ua_gc *gc)
{
    struct ua_sweep *sweep = &gc->sweep;
    uint64_t number = __atomic_load_n(&sweep->pending, __ATOMIC_ACQUIRE);
    uint64_t start_ns;
    bool more;

    if (number == 0)
        return false;
    start_ns = ua_gc_now_ns(gc);
    more = ua_small_sweep_some(&gc->small, SPANS_AT_ONCE);
    for (unsigned i = 0; i < LARGE_AT_ONCE; i++) {
        if (!ua_large_sweep_one(&gc->heap->large))
            break;
        more = more || i + 1 == LARGE_AT_ONCE;
    }
    ua_gc_add(&sweep->sweep_ns, ua_gc_now_ns(gc) - start_ns);
    if (!more)
        complete(gc, number);
    return more;
}

void ua_sweep_finish(struct ua_gc *gc)
{
    while (ua_sweep_some(gc)) {
    }
}

static uint64_t pages_swept(struct ua_gc *gc)
{
    uint64_t pages = ua_large_swept(&gc->heap->large).pages_swept;

    ua_lock_acquire(&gc->small.lock);
    pages += gc->small.swept.pages_swept;
    ua_lock_release(&gc->small.lock);
    return pages;
}

void ua_sweep_pay(struct ua_gc *gc, size_t bytes)
{
    struct ua_sweep *sweep = &gc->sweep;
    int64_t grown;
    int64_t due_pages;

    if (__atomic_load_n(&sweep->pending, __ATOMIC_ACQUIRE) == 0 || sweep->pages_per_byte == 0)
        return;
    grown = (int64_t)(ua_gc_load(&gc->heap->acct.heap_live) - sweep->live_basis_bytes);
    due_pages = ua_pacer_to_i64(sweep->pages_per_byte * ((double)bytes + (double)(grown > 0 ? grown : 0)));
    while (due_pages > (int64_t)pages_swept(gc) && ua_sweep_some(gc)) {
    }
}
