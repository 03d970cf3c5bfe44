/* scavenge.c - kept memory goes back to the system: over the memory limit at once (room.h), else after it lay idle for decay_ms.
 *
 * Why at the program's own calls and not by a helper thread: a heap that nobody uses costs what it costs, but a library
 * that starts threads behind the program's back costs fork, signals and trust. What can be given back is memory of ready
 * chunks and of free pages; quarantined chunks follow once a collection has found them free of pointers.
 * Decay by low-water mark: what stayed kept through a whole period was not needed in it, and as much goes back (whole chunks first). */
#include "gc/gc.h"

#define NS_PER_MS ((uint64_t)1000000)

static uint64_t decay_period_ns(const struct ua_gc *gc)
{
    uint64_t ms = gc->heap->options.decay_ms;

    return ms > UINT64_MAX / NS_PER_MS ? UINT64_MAX : ms * NS_PER_MS;
}

/* One thread at a time decides; the others go on. */
static void decay(struct ua_gc *gc)
{
    uint64_t period_ns = decay_period_ns(gc);
    uint64_t now = ua_clock_now_ns(gc->heap->clock);
    uint64_t began = __atomic_load_n(&gc->decay_began_ns, __ATOMIC_RELAXED);
    uint64_t idle = ua_room_idle_bytes(gc);
    uint64_t least = __atomic_load_n(&gc->decay_least_bytes, __ATOMIC_RELAXED);

    if (idle < least)
        __atomic_store_n(&gc->decay_least_bytes, idle, __ATOMIC_RELAXED);
    if (now - began < period_ns ||
        !__atomic_compare_exchange_n(&gc->decay_began_ns, &began, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    /* All of it: then free logs go too. */
    if (ua_min(least, idle) > 0)
        ua_heap_trim(gc->heap, least >= idle ? SIZE_MAX : least);
    __atomic_store_n(&gc->decay_least_bytes, ua_room_idle_bytes(gc), __ATOMIC_RELAXED);
}

void ua_gc_scavenge(struct ua_gc *gc)
{
    ua_room_keep_limit(gc);
    if (gc->heap->options.decay_ms != 0)
        decay(gc);
}
