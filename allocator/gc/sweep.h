/* sweep.h - after a mark: freeing small and large objects without one, span by span.
 *
 * Why not in the pause: a heap of 1 GiB has 130,000 spans of small objects. So the pause only says "all spans are unswept";
 * then an allocation sweeps what it needs, pays in proportion to what it takes (as Go: the sweep is to be done when the next
 * cycle is due), and a worker, or the thread that collected, sweeps everything. The next mark begins when all is swept.
 *
 * Guard: counters atomic; the plan is written with the world stopped. */
#ifndef ALLOCATOR_GC_SWEEP_H
#define ALLOCATOR_GC_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ua_gc;

struct ua_sweep {
    uint64_t pending;          /* atomic; number of the sweep that is not done, 0 = none */
    uint64_t number;           /* sweeps begun; written with the world stopped */
    uint64_t cycle;            /* whose event is completed when it is; written with the world stopped */
    uint64_t sweep_ns;         /* atomic */
    double pages_per_byte;     /* the plan; 0 = nothing to pay */
    uint64_t live_basis_bytes;
};

/* World stopped, the mark is done. Returns the pages to be swept. */
size_t ua_sweep_begin(struct ua_gc *gc, uint64_t cycle);
/* A batch; false when all is swept. No lock held. */
bool ua_sweep_some(struct ua_gc *gc);
/* Everything. May be called with the world lock held. */
void ua_sweep_finish(struct ua_gc *gc);
/* Before an allocation that adds bytes to the live heap: sweeps as much as is due. */
void ua_sweep_pay(struct ua_gc *gc, size_t bytes);

#endif
