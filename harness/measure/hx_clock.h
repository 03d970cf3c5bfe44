/* hx_clock.h - nanoseconds from one clock, real or simulated, and how good that clock is.
 *
 * Why: a latency of 8 ns read from a clock that steps by 10 ns is not a measurement, so every figure that comes from here is
 * shown beside the clock's step and cost. Tests put a simulated clock in its place and know every answer beforehand.
 * Threads: the real clock may be read from any thread; a simulated one belongs to one thread. No malloc. */
#ifndef HX_CLOCK_H
#define HX_CLOCK_H

#include <time.h>

#include "base/hx_base.h"

/* The operations a clock must have. `self` is the clock itself, so an implementation can embed struct hx_clock. */
struct hx_clock {
    uint64_t (*now_ns)(struct hx_clock *self);        /* monotonic, arbitrary origin */
    uint64_t (*thread_cpu_ns)(struct hx_clock *self); /* CPU time of the calling thread, user + system */
};

/* CLOCK_MONOTONIC and CLOCK_THREAD_CPUTIME_ID. The thread CPU clock is a system call (about 2 us): only around blocks. */
struct hx_clock *hx_clock_real(void);

static inline uint64_t hx_now_ns(struct hx_clock *clock) {
    return clock->now_ns(clock);
}

static inline uint64_t hx_thread_cpu_ns(struct hx_clock *clock) {
    return clock->thread_cpu_ns(clock);
}

/* The real clock without the indirection: for the per-call probes of the latency pass. */
static inline uint64_t hx_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * HX_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* A clock that moves only when told. step_ns > 1 rounds what it shows down to a multiple; each reading costs cost_ns. */
struct hx_clock_simulated {
    struct hx_clock clock; /* first member: pass &simulated.clock */
    uint64_t true_ns;      /* the simulated time, also its CPU time */
    uint64_t step_ns;      /* >= 1 */
    uint64_t cost_ns;      /* added by each reading */
};

void hx_clock_simulated_init(struct hx_clock_simulated *simulated, uint64_t step_ns, uint64_t cost_ns);
void hx_clock_simulated_advance(struct hx_clock_simulated *simulated, uint64_t ns);

/* How fine and how dear a clock is. */
struct hx_clock_quality {
    uint64_t step_ns;   /* smallest change it can show (10 on a machine whose counter moves in 10 ns steps); >= 1 */
    double cost_ns;     /* one reading, median of batches */
    uint64_t least_ns;  /* smallest difference seen between two readings in a row: what an empty probe shows */
};

/* Reads the clock about 20,000 times (under 2 ms on real hardware). */
void hx_clock_quality(struct hx_clock *clock, struct hx_clock_quality *out);

/* The step behind a set of differences between successive readings; sorts `differences_ns` in place. Pure, for tests.
 * Conversion from counter ticks blurs a value by 1 ns, so neighbours (20, 21) count as one place; the step is the smallest
 * distance between two places, or the only place itself. Rare values (under 1 in 1,000) are interruptions and are left out. */
uint64_t hx_clock_step_ns(uint64_t *differences_ns, size_t count);

#endif
