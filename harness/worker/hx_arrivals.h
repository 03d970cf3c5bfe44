/* hx_arrivals.h - an open loop: work that comes when it is due, not when the last piece is done.
 *
 * Why: a loop that asks for the next request only when the last has ended is closed: while one request stalls, nobody else is
 * waiting, so a stall of 1 ms is one slow call among thousands. Real clients do not stop coming (coordinated omission). Here each
 * request has an intended start, drawn beforehand and the same for every backend; one that comes too early is waited for, one that
 * comes late starts late, and its latency counts from the intended start: the queue behind a stall is seen.
 *
 * The waiting spins on the clock: a sleeping thread would wake up late, and its caches would be cold.
 * Threads: one schedule belongs to one thread. No malloc, no file. */
#ifndef HX_ARRIVALS_H
#define HX_ARRIVALS_H

#include "measure/hx_clock.h"

struct hx_arrivals {
    struct hx_clock *clock; /* NULL: nobody waits, and nothing is late (rehearsal, passes without a clock) */
    uint64_t begin_ns;      /* of the schedule that runs now */
    uint64_t waited_ns;     /* idle: the server was early */
    uint64_t late;          /* requests that began after their intended start */
    uint64_t late_most_ns;  /* the longest of these delays */
};

/* A schedule begins now. */
static inline void hx_arrivals_begin(struct hx_arrivals *arrivals) {
    if (arrivals->clock != NULL) {
        arrivals->begin_ns = hx_now_ns(arrivals->clock);
    }
}

/* Returns when the request that is due `due_ns` after the beginning may start: its intended start. The clock then shows that or later. */
static inline uint64_t hx_arrivals_wait(struct hx_arrivals *arrivals, uint64_t due_ns) {
    uint64_t intended_ns = arrivals->begin_ns + due_ns;
    uint64_t came_ns = hx_now_ns(arrivals->clock);
    if (came_ns > intended_ns) {
        uint64_t late_ns = came_ns - intended_ns;
        arrivals->late++;
        arrivals->late_most_ns = late_ns > arrivals->late_most_ns ? late_ns : arrivals->late_most_ns;
        return intended_ns;
    }
    uint64_t now_ns = came_ns;
    while (now_ns < intended_ns) {
        now_ns = hx_now_ns(arrivals->clock);
    }
    arrivals->waited_ns += now_ns - came_ns;
    return intended_ns;
}

#endif
