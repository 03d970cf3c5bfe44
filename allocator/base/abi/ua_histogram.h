/* ua_histogram.h - times in log-linear buckets: how often, not only how long at most.
 *
 * Why eight buckets a doubling: a bucket is at most an eighth wide of what is in it, from 8 ns to a minute, in 2 KiB. A pause
 * of 30 us and one of 5 ms are then both told as well as they were measured. Installed. */
#ifndef UA_HISTOGRAM_H
#define UA_HISTOGRAM_H

#include <stdint.h>

enum {
    UA_HISTOGRAM_SUB_BITS = 3,
    UA_HISTOGRAM_TOP_BIT = 36, /* 2^37 ns and more (137 s) are in the last bucket */
    UA_HISTOGRAM_BUCKETS = (UA_HISTOGRAM_TOP_BIT - UA_HISTOGRAM_SUB_BITS + 2) << UA_HISTOGRAM_SUB_BITS
};

/* Times in ns. The cells are read one by one: while pauses are being booked their sum may be ahead of `count`. */
struct ua_histogram {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t max_ns;
    uint64_t buckets[UA_HISTOGRAM_BUCKETS];
};

/* The bucket that a time falls into. */
static inline unsigned ua_histogram_bucket(uint64_t ns)
{
    unsigned top;

    if (ns < (uint64_t)1 << UA_HISTOGRAM_SUB_BITS)
        return (unsigned)ns;
    top = 63u - (unsigned)__builtin_clzll(ns);
    if (top > UA_HISTOGRAM_TOP_BIT)
        return UA_HISTOGRAM_BUCKETS - 1;
    return ((top - UA_HISTOGRAM_SUB_BITS) << UA_HISTOGRAM_SUB_BITS) +
           (unsigned)(ns >> (top - UA_HISTOGRAM_SUB_BITS));
}

/* The least time that falls into a bucket; the first of the next one is where it ends. */
static inline uint64_t ua_histogram_low_ns(unsigned bucket)
{
    unsigned octave = bucket >> UA_HISTOGRAM_SUB_BITS;

    if (octave == 0)
        return bucket;
    return (uint64_t)((bucket & ((1u << UA_HISTOGRAM_SUB_BITS) - 1)) | 1u << UA_HISTOGRAM_SUB_BITS) << (octave - 1);
}

/* A time that `permille` of the counted do not pass, to the end of its bucket; never more than the longest. 0 while empty. */
static inline uint64_t ua_histogram_at_ns(const struct ua_histogram *histogram, unsigned permille)
{
    uint64_t wanted = (histogram->count * permille + 999) / 1000;
    uint64_t seen = 0;

    for (unsigned i = 0; i < UA_HISTOGRAM_BUCKETS - 1; i++) {
        uint64_t end = ua_histogram_low_ns(i + 1) - 1;

        seen += histogram->buckets[i];
        if (seen != 0 && seen >= wanted)
            return end < histogram->max_ns ? end : histogram->max_ns;
    }
    return histogram->max_ns;
}

#endif
