/* clock.c - CLOCK_MONOTONIC; see clock.h. */
#include "os/clock.h"

#include <stddef.h>
#include <time.h>

static uint64_t system_now_ns(void *context)
{
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const struct ua_clock ua_clock_system = {system_now_ns, NULL};
