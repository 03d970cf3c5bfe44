/* sc_arrivals.h - when the requests of an open loop come: a schedule of a plan, drawn once, equal on every backend.
 *
 * Waiting for them is the harness's (worker/hx_arrivals.h). */
#ifndef SC_ARRIVALS_H
#define SC_ARRIVALS_H

#include <math.h>

#include "scenarios/common/sc_scenario.h"

/* Intended starts in ns after the beginning, ascending: gaps are exponential with mean 1 / rate (a Poisson stream). Pure. */
static inline void sc_arrivals_draw(struct hx_rng *rng, double rate_per_s, uint64_t *due_ns, size_t count) {
    double at_ns = 0;
    for (size_t i = 0; i < count; i++) {
        at_ns += -log1p(-hx_rng_unit(rng)) * (double)HX_NS_PER_S / rate_per_s;
        due_ns[i] = (uint64_t)at_ns;
    }
}

#endif
