/* clock.h - monotonic time in nanoseconds, replaceable.
 *
 * Why replaceable: pacing, decay and periodic collections are tested under a clock that the test moves. */
#ifndef UA_OS_CLOCK_H
#define UA_OS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct ua_clock {
    uint64_t (*now_ns)(void *context);
    void *context;
    uint64_t (*cpu_ns)(void *context); /* CPU time of the calling thread; NULL: as now_ns */
};

extern const struct ua_clock ua_clock_system;

static inline uint64_t ua_clock_now_ns(const struct ua_clock *clock)
{
    return clock->now_ns(clock->context);
}

/* CPU time that the calling thread has used, from any origin. */
static inline uint64_t ua_clock_cpu_ns(const struct ua_clock *clock)
{
    return clock->cpu_ns != NULL ? clock->cpu_ns(clock->context) : clock->now_ns(clock->context);
}

#endif
